/// Tenants, customers, and the profiles of devices and assets (`persistence.md` 3.1, 3.2).
///
/// Constraint names are part of the interface: messages for people are chosen by them.
enum TenantTables {
    static let sql = """
        CREATE TABLE tenant_profile (
            id uuid PRIMARY KEY,
            created_time bigint NOT NULL,
            name varchar(255) NOT NULL,
            profile_data jsonb,
            description varchar,
            is_default boolean NOT NULL DEFAULT false,
            isolated_tb_core boolean NOT NULL DEFAULT false,
            isolated_tb_rule_engine boolean NOT NULL DEFAULT false,
            CONSTRAINT tenant_profile_name_unq_key UNIQUE (name)
        );
        CREATE UNIQUE INDEX idx_tenant_profile_default ON tenant_profile (is_default) WHERE is_default;

        CREATE TABLE tenant (
            id uuid PRIMARY KEY,
            created_time bigint NOT NULL,
            title varchar(255) NOT NULL,
            tenant_profile_id uuid NOT NULL,
            region varchar(255),
            country varchar(255),
            state varchar(255),
            city varchar(255),
            address varchar,
            address2 varchar,
            zip varchar(255),
            phone varchar(255),
            email varchar(255),
            additional_info varchar,
            version bigint NOT NULL DEFAULT 1,
            CONSTRAINT fk_tenant_profile FOREIGN KEY (tenant_profile_id) REFERENCES tenant_profile (id)
        );
        CREATE INDEX idx_tenant_tenant_profile_id ON tenant (tenant_profile_id);

        CREATE TABLE customer (
            id uuid PRIMARY KEY,
            created_time bigint NOT NULL,
            tenant_id uuid NOT NULL,
            title varchar(255) NOT NULL,
            country varchar(255),
            state varchar(255),
            city varchar(255),
            address varchar,
            address2 varchar,
            zip varchar(255),
            phone varchar(255),
            email varchar(255),
            additional_info varchar,
            is_public boolean NOT NULL DEFAULT false,
            external_id uuid,
            version bigint NOT NULL DEFAULT 1,
            CONSTRAINT customer_title_unq_key UNIQUE (tenant_id, title),
            CONSTRAINT customer_external_id_unq_key UNIQUE (tenant_id, external_id)
        );
        CREATE UNIQUE INDEX idx_customer_tenant_id_public ON customer (tenant_id) WHERE is_public;

        CREATE TABLE device_profile (
            id uuid PRIMARY KEY,
            created_time bigint NOT NULL,
            tenant_id uuid NOT NULL,
            name varchar(255) NOT NULL,
            type varchar(255) NOT NULL DEFAULT 'DEFAULT',
            transport_type varchar(255) NOT NULL DEFAULT 'DEFAULT',
            provision_type varchar(255) NOT NULL DEFAULT 'DISABLED',
            profile_data jsonb,
            description varchar,
            image varchar(1000000),
            is_default boolean NOT NULL DEFAULT false,
            firmware_id uuid,
            software_id uuid,
            default_rule_chain_id uuid,
            default_dashboard_id uuid,
            default_queue_name varchar(255),
            provision_device_key varchar,
            default_edge_rule_chain_id uuid,
            external_id uuid,
            version bigint NOT NULL DEFAULT 1,
            CONSTRAINT device_profile_name_unq_key UNIQUE (tenant_id, name),
            CONSTRAINT device_provision_key_unq_key UNIQUE (provision_device_key),
            CONSTRAINT device_profile_external_id_unq_key UNIQUE (tenant_id, external_id)
        );
        CREATE UNIQUE INDEX idx_device_profile_default ON device_profile (tenant_id) WHERE is_default;

        CREATE TABLE asset_profile (
            id uuid PRIMARY KEY,
            created_time bigint NOT NULL,
            tenant_id uuid NOT NULL,
            name varchar(255) NOT NULL,
            image varchar(1000000),
            description varchar,
            is_default boolean NOT NULL DEFAULT false,
            default_rule_chain_id uuid,
            default_dashboard_id uuid,
            default_queue_name varchar(255),
            default_edge_rule_chain_id uuid,
            external_id uuid,
            version bigint NOT NULL DEFAULT 1,
            CONSTRAINT asset_profile_name_unq_key UNIQUE (tenant_id, name),
            CONSTRAINT asset_profile_external_id_unq_key UNIQUE (tenant_id, external_id)
        );
        CREATE UNIQUE INDEX idx_asset_profile_default ON asset_profile (tenant_id) WHERE is_default;
        """

    /// What refers to tables of other groups; run when all tables exist.
    static let references = """
        ALTER TABLE device_profile
            ADD CONSTRAINT fk_default_rule_chain_device_profile
                FOREIGN KEY (default_rule_chain_id) REFERENCES rule_chain (id),
            ADD CONSTRAINT fk_default_dashboard_device_profile
                FOREIGN KEY (default_dashboard_id) REFERENCES dashboard (id),
            ADD CONSTRAINT fk_default_edge_rule_chain_device_profile
                FOREIGN KEY (default_edge_rule_chain_id) REFERENCES rule_chain (id),
            ADD CONSTRAINT fk_firmware_device_profile FOREIGN KEY (firmware_id) REFERENCES ota_package (id),
            ADD CONSTRAINT fk_software_device_profile FOREIGN KEY (software_id) REFERENCES ota_package (id);
        ALTER TABLE asset_profile
            ADD CONSTRAINT fk_default_rule_chain_asset_profile
                FOREIGN KEY (default_rule_chain_id) REFERENCES rule_chain (id),
            ADD CONSTRAINT fk_default_dashboard_asset_profile
                FOREIGN KEY (default_dashboard_id) REFERENCES dashboard (id),
            ADD CONSTRAINT fk_default_edge_rule_chain_asset_profile
                FOREIGN KEY (default_edge_rule_chain_id) REFERENCES rule_chain (id);
        """
}
