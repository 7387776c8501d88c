/// Queues, usage, settings, RPC, OTA packages and resources (`persistence.md` 3.6).
enum PlatformTables {
    static let sql = """
        CREATE TABLE queue (
            id uuid PRIMARY KEY,
            created_time bigint NOT NULL,
            tenant_id uuid NOT NULL,
            name varchar(255) NOT NULL,
            topic varchar(255) NOT NULL,
            poll_interval int NOT NULL,
            partitions int NOT NULL,
            consumer_per_partition boolean NOT NULL,
            pack_processing_timeout bigint NOT NULL,
            submit_strategy varchar(255) NOT NULL,
            processing_strategy varchar(255) NOT NULL,
            additional_info varchar,
            CONSTRAINT queue_name_unq_key UNIQUE (tenant_id, name),
            CONSTRAINT queue_topic_unq_key UNIQUE (tenant_id, topic)
        );

        CREATE TABLE queue_stats (
            id uuid PRIMARY KEY,
            created_time bigint NOT NULL,
            tenant_id uuid NOT NULL,
            queue_name varchar(255) NOT NULL,
            service_id varchar(255) NOT NULL,
            CONSTRAINT queue_stats_name_unq_key UNIQUE (tenant_id, queue_name, service_id)
        );

        CREATE TABLE api_usage_state (
            id uuid PRIMARY KEY,
            created_time bigint NOT NULL,
            tenant_id uuid NOT NULL,
            entity_type varchar(32) NOT NULL,
            entity_id uuid NOT NULL,
            transport varchar(32) NOT NULL DEFAULT 'ENABLED',
            db_storage varchar(32) NOT NULL DEFAULT 'ENABLED',
            re_exec varchar(32) NOT NULL DEFAULT 'ENABLED',
            js_exec varchar(32) NOT NULL DEFAULT 'ENABLED',
            tbel_exec varchar(32) NOT NULL DEFAULT 'ENABLED',
            email_exec varchar(32) NOT NULL DEFAULT 'ENABLED',
            sms_exec varchar(32) NOT NULL DEFAULT 'ENABLED',
            alarm_exec varchar(32) NOT NULL DEFAULT 'ENABLED',
            version bigint NOT NULL DEFAULT 1,
            CONSTRAINT api_usage_state_unq_key UNIQUE (tenant_id, entity_id)
        );
        CREATE INDEX idx_api_usage_state_entity_id ON api_usage_state (entity_id);

        CREATE TABLE admin_settings (
            id uuid PRIMARY KEY,
            created_time bigint NOT NULL,
            tenant_id uuid NOT NULL,
            key varchar(255) NOT NULL,
            json_value varchar,
            CONSTRAINT admin_settings_key_unq_key UNIQUE (tenant_id, key)
        );

        CREATE TABLE rpc (
            id uuid PRIMARY KEY,
            created_time bigint NOT NULL,
            tenant_id uuid NOT NULL,
            device_id uuid NOT NULL,
            expiration_time bigint NOT NULL,
            request varchar(10000000) NOT NULL,
            response varchar(10000000),
            additional_info varchar(10000000),
            status varchar(255) NOT NULL
        );
        CREATE INDEX idx_rpc_tenant_id_device_id ON rpc (tenant_id, device_id);

        CREATE TABLE ota_package (
            id uuid PRIMARY KEY,
            created_time bigint NOT NULL,
            tenant_id uuid NOT NULL,
            device_profile_id uuid,
            type varchar(32) NOT NULL,
            title varchar(255) NOT NULL,
            version varchar(255) NOT NULL,
            tag varchar(255),
            url varchar(255),
            file_name varchar(255),
            content_type varchar(255),
            checksum_algorithm varchar(32),
            checksum varchar(1020),
            data bytea,
            data_size bigint,
            additional_info varchar,
            external_id uuid,
            CONSTRAINT ota_package_tenant_title_version_unq_key UNIQUE (tenant_id, title, version),
            CONSTRAINT ota_package_external_id_unq_key UNIQUE (tenant_id, external_id),
            CONSTRAINT fk_device_profile_ota_package
                FOREIGN KEY (device_profile_id) REFERENCES device_profile (id) ON DELETE CASCADE
        );

        CREATE TABLE resource (
            id uuid PRIMARY KEY,
            created_time bigint NOT NULL,
            tenant_id uuid NOT NULL,
            title varchar(255) NOT NULL,
            resource_type varchar(32) NOT NULL,
            resource_sub_type varchar(32),
            resource_key varchar(255) NOT NULL,
            search_text varchar(255),
            file_name varchar(255) NOT NULL,
            data bytea,
            etag varchar,
            descriptor varchar,
            preview bytea,
            is_public boolean NOT NULL DEFAULT false,
            public_resource_key varchar(32),
            external_id uuid,
            CONSTRAINT resource_unq_key UNIQUE (tenant_id, resource_type, resource_key),
            CONSTRAINT resource_public_resource_key_unq_key UNIQUE (public_resource_key)
        );
        CREATE INDEX idx_resource_etag ON resource (tenant_id, etag);
        CREATE INDEX idx_resource_type_public_resource_key ON resource (resource_type, public_resource_key);

        CREATE TABLE widget_type (
            id uuid PRIMARY KEY,
            created_time bigint NOT NULL,
            tenant_id uuid NOT NULL,
            fqn varchar(512) NOT NULL,
            descriptor varchar(1000000),
            name varchar(255) NOT NULL,
            image varchar(1000000),
            description varchar(1024),
            tags text[],
            deprecated boolean NOT NULL DEFAULT false,
            scada boolean NOT NULL DEFAULT false,
            external_id uuid,
            version bigint NOT NULL DEFAULT 1,
            CONSTRAINT widget_type_fqn_unq_key UNIQUE (tenant_id, fqn),
            CONSTRAINT widget_type_external_id_unq_key UNIQUE (tenant_id, external_id)
        );

        CREATE TABLE widgets_bundle (
            id uuid PRIMARY KEY,
            created_time bigint NOT NULL,
            tenant_id uuid NOT NULL,
            alias varchar(255) NOT NULL,
            title varchar(255) NOT NULL,
            image varchar(1000000),
            description varchar(1024),
            scada boolean NOT NULL DEFAULT false,
            widgets_bundle_order int,
            external_id uuid,
            version bigint NOT NULL DEFAULT 1,
            CONSTRAINT widgets_bundle_alias_unq_key UNIQUE (tenant_id, alias),
            CONSTRAINT widgets_bundle_external_id_unq_key UNIQUE (tenant_id, external_id)
        );

        CREATE TABLE widgets_bundle_widget (
            widgets_bundle_id uuid NOT NULL,
            widget_type_id uuid NOT NULL,
            widget_type_order int NOT NULL DEFAULT 0,
            CONSTRAINT widgets_bundle_widget_pkey PRIMARY KEY (widgets_bundle_id, widget_type_id),
            CONSTRAINT fk_widgets_bundle
                FOREIGN KEY (widgets_bundle_id) REFERENCES widgets_bundle (id) ON DELETE CASCADE,
            CONSTRAINT fk_widget_type FOREIGN KEY (widget_type_id) REFERENCES widget_type (id) ON DELETE CASCADE
        );
        CREATE INDEX idx_widgets_bundle_widget_type ON widgets_bundle_widget (widget_type_id);

        CREATE TABLE tb_schema_settings (
            schema_version bigint PRIMARY KEY,
            product varchar(2) NOT NULL
        );
        """
}
