/// Events and logs, partitioned by time so that retention drops partitions (`persistence.md` 3.7, 5).
enum EventTables {
    private static func event(_ name: String, index: String, columns: String) -> String {
        """
        CREATE TABLE \(name) (
            id uuid NOT NULL,
            tenant_id uuid NOT NULL,
            ts bigint NOT NULL,
            entity_id uuid NOT NULL,
            service_id varchar NOT NULL,
            \(columns)
        ) PARTITION BY RANGE (ts);
        CREATE INDEX \(index) ON \(name) (tenant_id, entity_id, ts DESC NULLS LAST);

        """
    }

    static let sql =
        event(
            "rule_node_debug_event", index: "idx_rule_node_debug_event_main",
            columns: """
                e_type varchar, e_entity_id uuid, e_entity_type varchar, e_msg_id uuid, e_msg_type varchar,
                e_data_type varchar, e_relation_type varchar, e_data varchar, e_metadata varchar, e_error varchar
                """)
        + event(
            "rule_chain_debug_event", index: "idx_rule_chain_debug_event_main",
            columns: "e_message varchar, e_error varchar")
        + event(
            "cf_debug_event", index: "idx_cf_debug_event_main",
            columns: """
                cf_id uuid NOT NULL, e_entity_id uuid, e_entity_type varchar, e_msg_id uuid, e_msg_type varchar,
                e_args varchar, e_result varchar, e_error varchar
                """)
        + event(
            "stats_event", index: "idx_stats_event_main",
            columns: "e_messages_processed bigint NOT NULL, e_errors_occurred bigint NOT NULL")
        + event(
            "lc_event", index: "idx_lc_event_main",
            columns: "e_type varchar NOT NULL, e_success boolean NOT NULL, e_error varchar")
        + event(
            "error_event", index: "idx_error_event_main", columns: "e_method varchar NOT NULL, e_error varchar")
            + """
            CREATE TABLE audit_log (
                id uuid NOT NULL,
                created_time bigint NOT NULL,
                tenant_id uuid NOT NULL,
                customer_id uuid,
                entity_id uuid,
                entity_type varchar(255),
                entity_name varchar(255),
                user_id uuid,
                user_name varchar(255),
                action_type varchar(255),
                action_data varchar(1000000),
                action_status varchar(255),
                action_failure_details varchar(1000000)
            ) PARTITION BY RANGE (created_time);
            CREATE INDEX idx_audit_log_tenant_id_and_created_time ON audit_log (tenant_id, created_time DESC);
            CREATE INDEX idx_audit_log_id ON audit_log (id);

            CREATE TABLE notification (
                id uuid NOT NULL,
                created_time bigint NOT NULL,
                request_id uuid,
                recipient_id uuid NOT NULL,
                type varchar(50) NOT NULL,
                delivery_method varchar(50) NOT NULL,
                subject varchar(255),
                body varchar(1000) NOT NULL,
                additional_config varchar(1000),
                status varchar(32)
            ) PARTITION BY RANGE (created_time);
            CREATE INDEX idx_notification_id ON notification (id);
            CREATE INDEX idx_notification_delivery_method_recipient_id_created_time
                ON notification (delivery_method, recipient_id, created_time DESC);
            CREATE INDEX idx_notification_request_id ON notification (request_id);

            CREATE TABLE edge_event (
                seq_id int GENERATED ALWAYS AS IDENTITY (CYCLE),
                id uuid NOT NULL,
                created_time bigint NOT NULL,
                tenant_id uuid NOT NULL,
                edge_id uuid,
                edge_event_type varchar(255),
                edge_event_uid varchar(255),
                entity_id uuid,
                edge_event_action varchar(255),
                body varchar(10000000),
                ts bigint NOT NULL
            ) PARTITION BY RANGE (created_time);
            CREATE INDEX idx_edge_event_tenant_id_edge_id_created_time
                ON edge_event (tenant_id, edge_id, created_time DESC);
            CREATE INDEX idx_edge_event_id ON edge_event (id);
            """
}
