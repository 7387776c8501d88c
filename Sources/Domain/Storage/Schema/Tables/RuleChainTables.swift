/// Rule chains, their nodes and dashboards (`persistence.md` 3.5).
enum RuleChainTables {
    static let sql = """
        CREATE TABLE dashboard (
            id uuid PRIMARY KEY,
            created_time bigint NOT NULL,
            tenant_id uuid NOT NULL,
            title varchar(255) NOT NULL,
            configuration varchar,
            assigned_customers varchar(1000000),
            image varchar(1000000),
            mobile_hide boolean NOT NULL DEFAULT false,
            mobile_order int,
            external_id uuid,
            version bigint NOT NULL DEFAULT 1,
            CONSTRAINT dashboard_external_id_unq_key UNIQUE (tenant_id, external_id)
        );
        CREATE INDEX idx_dashboard_tenant_id ON dashboard (tenant_id, title);

        CREATE TABLE rule_chain (
            id uuid PRIMARY KEY,
            created_time bigint NOT NULL,
            tenant_id uuid NOT NULL,
            name varchar(255) NOT NULL,
            type varchar(255) NOT NULL DEFAULT 'CORE',
            first_rule_node_id uuid,
            root boolean NOT NULL DEFAULT false,
            debug_mode boolean NOT NULL DEFAULT false,
            configuration varchar(10000000),
            notes varchar(1000000),
            additional_info varchar,
            external_id uuid,
            version bigint NOT NULL DEFAULT 1,
            CONSTRAINT rule_chain_external_id_unq_key UNIQUE (tenant_id, external_id)
        );
        CREATE INDEX idx_rule_chain_tenant_id ON rule_chain (tenant_id, type);
        CREATE UNIQUE INDEX idx_rule_chain_root ON rule_chain (tenant_id, type) WHERE root;

        CREATE TABLE rule_node (
            id uuid PRIMARY KEY,
            created_time bigint NOT NULL,
            rule_chain_id uuid NOT NULL,
            name varchar(255) NOT NULL,
            type varchar(255) NOT NULL,
            configuration varchar(10000000),
            configuration_version int NOT NULL DEFAULT 0,
            debug_settings varchar(1024),
            singleton_mode boolean NOT NULL DEFAULT false,
            queue_name varchar(255),
            additional_info varchar,
            external_id uuid
        );
        CREATE INDEX idx_rule_node_external_id ON rule_node (rule_chain_id, external_id);
        CREATE INDEX idx_rule_node_type_id_configuration_version ON rule_node (type, id, configuration_version);

        CREATE TABLE rule_node_state (
            id uuid PRIMARY KEY,
            created_time bigint NOT NULL,
            rule_node_id uuid NOT NULL,
            entity_type varchar(32) NOT NULL,
            entity_id uuid NOT NULL,
            state_data varchar(16384) NOT NULL,
            CONSTRAINT rule_node_state_unq_key UNIQUE (rule_node_id, entity_id),
            CONSTRAINT fk_rule_node_state_node_id
                FOREIGN KEY (rule_node_id) REFERENCES rule_node (id) ON DELETE CASCADE
        );

        CREATE TABLE component_descriptor (
            id uuid PRIMARY KEY,
            created_time bigint NOT NULL,
            type varchar(255) NOT NULL,
            scope varchar(255) NOT NULL,
            clustering_mode varchar(255) NOT NULL,
            name varchar(255) NOT NULL,
            clazz varchar NOT NULL,
            configuration_descriptor varchar,
            configuration_version int NOT NULL DEFAULT 0,
            actions varchar(255),
            has_queue_name boolean NOT NULL DEFAULT false,
            CONSTRAINT component_descriptor_clazz_key UNIQUE (clazz)
        );
        """
}
