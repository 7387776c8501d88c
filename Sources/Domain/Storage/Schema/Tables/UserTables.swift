/// People and how they prove who they are (`persistence.md` 3.2).
enum UserTables {
    static let sql = """
        CREATE TABLE tb_user (
            id uuid PRIMARY KEY,
            created_time bigint NOT NULL,
            tenant_id uuid NOT NULL,
            customer_id uuid NOT NULL,
            authority varchar(255) NOT NULL,
            email varchar(255) NOT NULL,
            first_name varchar(255),
            last_name varchar(255),
            phone varchar(255),
            additional_info varchar,
            version bigint NOT NULL DEFAULT 1,
            CONSTRAINT tb_user_email_key UNIQUE (email)
        );
        CREATE INDEX idx_user_tenant_customer ON tb_user (tenant_id, customer_id);

        CREATE TABLE user_credentials (
            id uuid PRIMARY KEY,
            created_time bigint NOT NULL,
            user_id uuid NOT NULL,
            enabled boolean NOT NULL DEFAULT false,
            password varchar(255),
            activate_token varchar(255),
            activate_token_exp_time bigint,
            reset_token varchar(255),
            reset_token_exp_time bigint,
            additional_info varchar NOT NULL DEFAULT '{}',
            last_login_ts bigint,
            failed_login_attempts int,
            CONSTRAINT user_credentials_user_id_key UNIQUE (user_id),
            CONSTRAINT user_credentials_activate_token_key UNIQUE (activate_token),
            CONSTRAINT user_credentials_reset_token_key UNIQUE (reset_token)
        );

        CREATE TABLE user_auth_settings (
            id uuid PRIMARY KEY,
            created_time bigint NOT NULL,
            user_id uuid NOT NULL,
            two_fa_settings varchar,
            CONSTRAINT user_auth_settings_user_id_key UNIQUE (user_id),
            CONSTRAINT fk_user_auth_settings_user_id FOREIGN KEY (user_id) REFERENCES tb_user (id)
        );

        CREATE TABLE user_settings (
            user_id uuid NOT NULL,
            type varchar(50) NOT NULL,
            settings jsonb,
            CONSTRAINT user_settings_pkey PRIMARY KEY (user_id, type),
            CONSTRAINT fk_user_id FOREIGN KEY (user_id) REFERENCES tb_user (id) ON DELETE CASCADE
        );

        CREATE TABLE api_key (
            id uuid PRIMARY KEY,
            created_time bigint NOT NULL,
            tenant_id uuid NOT NULL,
            user_id uuid NOT NULL,
            value varchar(512) NOT NULL,
            enabled boolean NOT NULL DEFAULT true,
            expiration_time bigint NOT NULL DEFAULT 0,
            description varchar,
            CONSTRAINT api_key_value_unq_key UNIQUE (value),
            CONSTRAINT fk_api_key_user_id FOREIGN KEY (user_id) REFERENCES tb_user (id) ON DELETE CASCADE
        );
        CREATE INDEX idx_api_key_user_id ON api_key (user_id);
        """
}
