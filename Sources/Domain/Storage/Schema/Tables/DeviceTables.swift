/// Devices, assets, entity views and the relations between entities (`persistence.md` 3.3, 3.4).
enum DeviceTables {
    static let sql = """
        CREATE TABLE device (
            id uuid PRIMARY KEY,
            created_time bigint NOT NULL,
            tenant_id uuid NOT NULL,
            customer_id uuid NOT NULL,
            device_profile_id uuid NOT NULL,
            device_data jsonb,
            type varchar(255) NOT NULL,
            name varchar(255) NOT NULL,
            label varchar(255),
            firmware_id uuid,
            software_id uuid,
            additional_info varchar,
            external_id uuid,
            version bigint NOT NULL DEFAULT 1,
            CONSTRAINT device_name_unq_key UNIQUE (tenant_id, name),
            CONSTRAINT device_external_id_unq_key UNIQUE (tenant_id, external_id),
            CONSTRAINT fk_device_profile FOREIGN KEY (device_profile_id) REFERENCES device_profile (id)
        );
        CREATE INDEX idx_device_customer_id ON device (tenant_id, customer_id);
        CREATE INDEX idx_device_customer_id_and_type ON device (tenant_id, customer_id, type);
        CREATE INDEX idx_device_type ON device (tenant_id, type);
        CREATE INDEX idx_device_device_profile_id ON device (tenant_id, device_profile_id);
        CREATE INDEX idx_device_profile_reference ON device (device_profile_id);

        CREATE TABLE device_credentials (
            id uuid PRIMARY KEY,
            created_time bigint NOT NULL,
            device_id uuid NOT NULL,
            credentials_type varchar(255) NOT NULL,
            credentials_id varchar NOT NULL,
            credentials_value varchar,
            version bigint NOT NULL DEFAULT 1,
            CONSTRAINT device_credentials_id_unq_key UNIQUE (credentials_id),
            CONSTRAINT device_credentials_device_id_unq_key UNIQUE (device_id)
        );

        CREATE TABLE asset (
            id uuid PRIMARY KEY,
            created_time bigint NOT NULL,
            tenant_id uuid NOT NULL,
            customer_id uuid NOT NULL,
            asset_profile_id uuid NOT NULL,
            name varchar(255) NOT NULL,
            label varchar(255),
            type varchar(255) NOT NULL,
            additional_info varchar,
            external_id uuid,
            version bigint NOT NULL DEFAULT 1,
            CONSTRAINT asset_name_unq_key UNIQUE (tenant_id, name),
            CONSTRAINT asset_external_id_unq_key UNIQUE (tenant_id, external_id),
            CONSTRAINT fk_asset_profile FOREIGN KEY (asset_profile_id) REFERENCES asset_profile (id)
        );
        CREATE INDEX idx_asset_customer_id ON asset (tenant_id, customer_id);
        CREATE INDEX idx_asset_customer_id_and_type ON asset (tenant_id, customer_id, type);
        CREATE INDEX idx_asset_type ON asset (tenant_id, type);
        CREATE INDEX idx_asset_asset_profile_id ON asset (tenant_id, asset_profile_id);
        CREATE INDEX idx_asset_profile_reference ON asset (asset_profile_id);

        CREATE TABLE entity_view (
            id uuid PRIMARY KEY,
            created_time bigint NOT NULL,
            tenant_id uuid NOT NULL,
            customer_id uuid NOT NULL,
            entity_id uuid NOT NULL,
            entity_type varchar(255) NOT NULL,
            type varchar(255) NOT NULL,
            name varchar(255) NOT NULL,
            keys varchar(10000000),
            start_ts bigint NOT NULL DEFAULT 0,
            end_ts bigint NOT NULL DEFAULT 0,
            additional_info varchar,
            external_id uuid,
            version bigint NOT NULL DEFAULT 1,
            CONSTRAINT entity_view_name_unq_key UNIQUE (tenant_id, name),
            CONSTRAINT entity_view_external_id_unq_key UNIQUE (tenant_id, external_id)
        );
        CREATE INDEX idx_entity_view_customer_id ON entity_view (tenant_id, customer_id);
        CREATE INDEX idx_entity_view_entity_id ON entity_view (entity_id, tenant_id);

        CREATE SEQUENCE relation_version_seq CACHE 1;
        CREATE TABLE relation (
            from_id uuid NOT NULL,
            from_type varchar(255) NOT NULL,
            to_id uuid NOT NULL,
            to_type varchar(255) NOT NULL,
            relation_type_group varchar(255) NOT NULL,
            relation_type varchar(255) NOT NULL,
            additional_info varchar,
            version bigint NOT NULL DEFAULT 0,
            CONSTRAINT relation_pkey
                PRIMARY KEY (from_id, from_type, relation_type_group, relation_type, to_id, to_type)
        );
        CREATE INDEX idx_relation_to_id ON relation (relation_type_group, to_type, to_id);
        CREATE INDEX idx_relation_from_id ON relation (relation_type_group, from_type, from_id);
        """

    /// What refers to tables of other groups; run when all tables exist.
    static let references = """
        ALTER TABLE device
            ADD CONSTRAINT fk_firmware_device FOREIGN KEY (firmware_id) REFERENCES ota_package (id),
            ADD CONSTRAINT fk_software_device FOREIGN KEY (software_id) REFERENCES ota_package (id);
        """
}
