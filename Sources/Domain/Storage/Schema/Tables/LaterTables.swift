/// Edges, calculated fields, jobs, notifications, sign-in by others, mobile apps and models (`persistence.md` 3.6).
enum LaterTables {
    static let sql = """
        CREATE TABLE edge (
            id uuid PRIMARY KEY,
            created_time bigint NOT NULL,
            tenant_id uuid NOT NULL,
            customer_id uuid,
            root_rule_chain_id uuid,
            type varchar(255) NOT NULL,
            name varchar(255) NOT NULL,
            label varchar(255),
            routing_key varchar(255) NOT NULL,
            secret varchar(255) NOT NULL,
            additional_info varchar,
            version bigint NOT NULL DEFAULT 1,
            CONSTRAINT edge_name_unq_key UNIQUE (tenant_id, name),
            CONSTRAINT edge_routing_key_unq_key UNIQUE (routing_key)
        );

        CREATE TABLE calculated_field (
            id uuid PRIMARY KEY,
            created_time bigint NOT NULL,
            tenant_id uuid NOT NULL,
            entity_type varchar(32) NOT NULL,
            entity_id uuid NOT NULL,
            type varchar(32) NOT NULL,
            name varchar(255) NOT NULL,
            configuration_version int NOT NULL DEFAULT 0,
            configuration varchar(1000000),
            debug_settings varchar(1024),
            additional_info varchar,
            external_id uuid,
            version bigint NOT NULL DEFAULT 1,
            CONSTRAINT calculated_field_unq_key UNIQUE (entity_id, type, name),
            CONSTRAINT calculated_field_external_id_unq_key UNIQUE (tenant_id, external_id)
        );
        CREATE INDEX idx_calculated_field_tenant_id ON calculated_field (tenant_id);

        CREATE TABLE job (
            id uuid PRIMARY KEY,
            created_time bigint NOT NULL,
            tenant_id uuid NOT NULL,
            type varchar NOT NULL,
            key varchar NOT NULL,
            entity_id uuid NOT NULL,
            entity_type varchar NOT NULL,
            status varchar NOT NULL,
            configuration varchar NOT NULL,
            result varchar
        );
        CREATE INDEX idx_job_tenant_id ON job (tenant_id);

        CREATE TABLE notification_target (
            id uuid PRIMARY KEY,
            created_time bigint NOT NULL,
            tenant_id uuid NOT NULL,
            name varchar(255) NOT NULL,
            configuration varchar(10000) NOT NULL,
            external_id uuid,
            CONSTRAINT uq_notification_target_name UNIQUE (tenant_id, name),
            CONSTRAINT uq_notification_target_external_id UNIQUE (tenant_id, external_id)
        );

        CREATE TABLE notification_template (
            id uuid PRIMARY KEY,
            created_time bigint NOT NULL,
            tenant_id uuid NOT NULL,
            name varchar(255) NOT NULL,
            notification_type varchar(50) NOT NULL,
            configuration varchar(10000000) NOT NULL,
            external_id uuid,
            CONSTRAINT uq_notification_template_name UNIQUE (tenant_id, name),
            CONSTRAINT uq_notification_template_external_id UNIQUE (tenant_id, external_id)
        );

        CREATE TABLE notification_rule (
            id uuid PRIMARY KEY,
            created_time bigint NOT NULL,
            tenant_id uuid NOT NULL,
            name varchar(255) NOT NULL,
            enabled boolean NOT NULL DEFAULT true,
            template_id uuid NOT NULL,
            trigger_type varchar(50) NOT NULL,
            trigger_config varchar(1000) NOT NULL,
            recipients_config varchar(10000) NOT NULL,
            additional_config varchar(255),
            external_id uuid,
            CONSTRAINT uq_notification_rule_name UNIQUE (tenant_id, name),
            CONSTRAINT uq_notification_rule_external_id UNIQUE (tenant_id, external_id),
            CONSTRAINT fk_notification_rule_template_id
                FOREIGN KEY (template_id) REFERENCES notification_template (id)
        );

        CREATE TABLE notification_request (
            id uuid PRIMARY KEY,
            created_time bigint NOT NULL,
            tenant_id uuid NOT NULL,
            targets varchar(10000) NOT NULL,
            template_id uuid,
            template varchar(10000000),
            info varchar(1000000),
            additional_config varchar(1000),
            originator_entity_id uuid,
            originator_entity_type varchar(32),
            rule_id uuid,
            status varchar(32) NOT NULL,
            stats varchar(10000)
        );
        CREATE INDEX idx_notification_request_tenant_id ON notification_request (tenant_id, created_time DESC);
        CREATE INDEX idx_notification_request_status ON notification_request (status) WHERE status = 'SCHEDULED';
        CREATE INDEX idx_notification_request_rule_id_originator_entity_id
            ON notification_request (rule_id, originator_entity_id) WHERE originator_entity_type = 'ALARM';

        CREATE TABLE oauth2_client (
            id uuid PRIMARY KEY,
            created_time bigint NOT NULL,
            tenant_id uuid NOT NULL,
            title varchar(100) NOT NULL,
            configuration jsonb,
            platforms varchar(255),
            additional_info varchar
        );

        CREATE TABLE domain (
            id uuid PRIMARY KEY,
            created_time bigint NOT NULL,
            tenant_id uuid NOT NULL,
            name varchar(255) NOT NULL,
            oauth2_enabled boolean NOT NULL DEFAULT false,
            edge_enabled boolean NOT NULL DEFAULT false,
            CONSTRAINT domain_name_key UNIQUE (name)
        );

        CREATE TABLE domain_oauth2_client (
            domain_id uuid NOT NULL,
            oauth2_client_id uuid NOT NULL,
            CONSTRAINT domain_oauth2_client_pkey PRIMARY KEY (domain_id, oauth2_client_id),
            CONSTRAINT fk_domain FOREIGN KEY (domain_id) REFERENCES domain (id) ON DELETE CASCADE,
            CONSTRAINT fk_oauth2_client
                FOREIGN KEY (oauth2_client_id) REFERENCES oauth2_client (id) ON DELETE CASCADE
        );

        CREATE TABLE mobile_app (
            id uuid PRIMARY KEY,
            created_time bigint NOT NULL,
            tenant_id uuid NOT NULL,
            pkg_name varchar(255) NOT NULL,
            title varchar(255),
            app_secret varchar(2048) NOT NULL,
            platform_type varchar(32) NOT NULL,
            status varchar(32) NOT NULL,
            version_info varchar(100000),
            store_info varchar(16384),
            CONSTRAINT mobile_app_pkg_name_platform_unq_key UNIQUE (pkg_name, platform_type)
        );

        CREATE TABLE mobile_app_bundle (
            id uuid PRIMARY KEY,
            created_time bigint NOT NULL,
            tenant_id uuid NOT NULL,
            title varchar(255) NOT NULL,
            description varchar(1024),
            android_app_id uuid UNIQUE,
            ios_app_id uuid UNIQUE,
            layout_config varchar(16384),
            oauth2_enabled boolean NOT NULL DEFAULT false,
            CONSTRAINT fk_android_app_id FOREIGN KEY (android_app_id) REFERENCES mobile_app (id),
            CONSTRAINT fk_ios_app_id FOREIGN KEY (ios_app_id) REFERENCES mobile_app (id)
        );

        CREATE TABLE mobile_app_bundle_oauth2_client (
            mobile_app_bundle_id uuid NOT NULL,
            oauth2_client_id uuid NOT NULL,
            CONSTRAINT mobile_app_bundle_oauth2_client_pkey PRIMARY KEY (mobile_app_bundle_id, oauth2_client_id),
            CONSTRAINT fk_mobile_app_bundle
                FOREIGN KEY (mobile_app_bundle_id) REFERENCES mobile_app_bundle (id) ON DELETE CASCADE,
            CONSTRAINT fk_mobile_app_bundle_client
                FOREIGN KEY (oauth2_client_id) REFERENCES oauth2_client (id) ON DELETE CASCADE
        );

        CREATE TABLE oauth2_client_registration_template (
            id uuid PRIMARY KEY,
            created_time bigint NOT NULL,
            provider_id varchar(255) NOT NULL,
            configuration jsonb,
            additional_info varchar,
            CONSTRAINT oauth2_template_provider_id_unq_key UNIQUE (provider_id)
        );

        CREATE TABLE qr_code_settings (
            id uuid PRIMARY KEY,
            created_time bigint NOT NULL,
            tenant_id uuid NOT NULL,
            use_default_app boolean NOT NULL DEFAULT true,
            android_enabled boolean NOT NULL DEFAULT true,
            ios_enabled boolean NOT NULL DEFAULT true,
            mobile_app_bundle_id uuid,
            qr_code_config varchar(100000),
            CONSTRAINT qr_code_settings_tenant_id_unq_key UNIQUE (tenant_id)
        );

        CREATE TABLE ai_model (
            id uuid PRIMARY KEY,
            created_time bigint NOT NULL,
            tenant_id uuid NOT NULL,
            name varchar(255) NOT NULL,
            configuration jsonb NOT NULL,
            external_id uuid,
            version bigint NOT NULL DEFAULT 1,
            CONSTRAINT ai_model_name_unq_key UNIQUE (tenant_id, name),
            CONSTRAINT ai_model_external_id_unq_key UNIQUE (tenant_id, external_id)
        );

        CREATE TABLE iot_hub_installed_item (
            id uuid PRIMARY KEY,
            created_time bigint NOT NULL,
            tenant_id uuid NOT NULL,
            item_id uuid NOT NULL,
            item_version_id uuid,
            item_name varchar(255) NOT NULL,
            item_type varchar(255) NOT NULL,
            version varchar(255),
            descriptor jsonb
        );
        CREATE INDEX idx_iot_hub_installed_item_tenant_id ON iot_hub_installed_item (tenant_id);
        """
}
