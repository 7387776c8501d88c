/// Alarms (`persistence.md` 4.1).
enum AlarmTables {
    /// An originator has at most one alarm of a type that is not cleared: the partial unique index holds it even when
    /// two nodes raise it at the same time.
    static let sql = """
        CREATE TABLE alarm (
            id uuid PRIMARY KEY,
            created_time bigint NOT NULL,
            tenant_id uuid NOT NULL,
            customer_id uuid,
            originator_id uuid NOT NULL,
            originator_type int NOT NULL,
            type varchar(255) NOT NULL,
            severity varchar(255) NOT NULL,
            start_ts bigint NOT NULL,
            end_ts bigint NOT NULL,
            acknowledged boolean NOT NULL DEFAULT false,
            ack_ts bigint NOT NULL DEFAULT 0,
            cleared boolean NOT NULL DEFAULT false,
            clear_ts bigint NOT NULL DEFAULT 0,
            assignee_id uuid,
            assign_ts bigint NOT NULL DEFAULT 0,
            additional_info varchar,
            propagate boolean NOT NULL DEFAULT false,
            propagate_to_owner boolean NOT NULL DEFAULT false,
            propagate_to_tenant boolean NOT NULL DEFAULT false,
            propagate_relation_types varchar
        );
        CREATE INDEX idx_alarm_originator_alarm_type ON alarm (originator_id, type, start_ts DESC);
        CREATE INDEX idx_alarm_originator_created_time ON alarm (originator_id, created_time DESC);
        CREATE INDEX idx_alarm_tenant_created_time ON alarm (tenant_id, created_time DESC);
        CREATE UNIQUE INDEX idx_alarm_originator_alarm_type_active_unq
            ON alarm (originator_id, type) WHERE NOT cleared;
        CREATE INDEX idx_alarm_tenant_alarm_type_active ON alarm (tenant_id, type) WHERE NOT cleared;
        CREATE INDEX idx_alarm_tenant_alarm_type_created_time ON alarm (tenant_id, type, created_time DESC);
        CREATE INDEX idx_alarm_tenant_assignee_created_time ON alarm (tenant_id, assignee_id, created_time DESC);

        CREATE TABLE entity_alarm (
            tenant_id uuid NOT NULL,
            entity_type varchar(32) NOT NULL,
            entity_id uuid NOT NULL,
            created_time bigint NOT NULL,
            alarm_type varchar(255) NOT NULL,
            customer_id uuid,
            alarm_id uuid NOT NULL,
            CONSTRAINT entity_alarm_pkey PRIMARY KEY (entity_id, alarm_id),
            CONSTRAINT fk_entity_alarm_id FOREIGN KEY (alarm_id) REFERENCES alarm (id) ON DELETE CASCADE
        );
        CREATE INDEX idx_entity_alarm_created_time ON entity_alarm (tenant_id, entity_id, created_time DESC);
        CREATE INDEX idx_entity_alarm_entity_id_alarm_type_created_time
            ON entity_alarm (tenant_id, entity_id, alarm_type, created_time DESC) INCLUDE (alarm_id);
        CREATE INDEX idx_entity_alarm_alarm_id ON entity_alarm (alarm_id);

        CREATE TABLE alarm_types (
            tenant_id uuid NOT NULL,
            type varchar(255) NOT NULL,
            CONSTRAINT tenant_id_type_unq_key UNIQUE (tenant_id, type),
            CONSTRAINT fk_entity_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenant (id) ON DELETE CASCADE
        );

        CREATE TABLE alarm_comment (
            id uuid NOT NULL,
            created_time bigint NOT NULL,
            alarm_id uuid NOT NULL,
            user_id uuid,
            type varchar(255) NOT NULL,
            comment varchar(10000),
            CONSTRAINT fk_alarm_comment_alarm_id FOREIGN KEY (alarm_id) REFERENCES alarm (id) ON DELETE CASCADE
        ) PARTITION BY RANGE (created_time);
        CREATE INDEX idx_alarm_comment_alarm_id ON alarm_comment (alarm_id);
        """
}
