/// Attributes, history and latest values (`persistence.md` 6).
enum TelemetryTables {
    /// Rows of `ts_kv_latest` are rewritten all the time. Free space in each page lets the server put the new version
    /// beside the old one without touching the index, and frequent vacuum returns that space; it is not slowed down,
    /// because the table is small.
    static let sql = """
        CREATE TABLE key_dictionary (
            key varchar(255) NOT NULL,
            key_id serial NOT NULL,
            CONSTRAINT key_dictionary_pkey PRIMARY KEY (key),
            CONSTRAINT key_dictionary_key_id_key UNIQUE (key_id)
        );

        CREATE SEQUENCE attribute_kv_version_seq CACHE 1;
        CREATE TABLE attribute_kv (
            entity_id uuid NOT NULL,
            attribute_type int NOT NULL,
            attribute_key int NOT NULL,
            bool_v boolean,
            str_v varchar(10000000),
            long_v bigint,
            dbl_v double precision,
            json_v json,
            last_update_ts bigint NOT NULL,
            version bigint NOT NULL DEFAULT 0,
            CONSTRAINT attribute_kv_pkey PRIMARY KEY (entity_id, attribute_type, attribute_key)
        ) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
        CREATE INDEX idx_attribute_kv_by_key_and_last_update_ts
            ON attribute_kv (entity_id, attribute_key, last_update_ts DESC);

        CREATE TABLE ts_kv (
            entity_id uuid NOT NULL,
            key int NOT NULL,
            ts bigint NOT NULL,
            bool_v boolean,
            str_v varchar(10000000),
            long_v bigint,
            dbl_v double precision,
            json_v json,
            CONSTRAINT ts_kv_pkey PRIMARY KEY (entity_id, key, ts)
        ) PARTITION BY RANGE (ts);
        CREATE TABLE ts_kv_indefinite PARTITION OF ts_kv DEFAULT;

        CREATE SEQUENCE ts_kv_latest_version_seq CACHE 1;
        CREATE TABLE ts_kv_latest (
            entity_id uuid NOT NULL,
            key int NOT NULL,
            ts bigint NOT NULL,
            bool_v boolean,
            str_v varchar(10000000),
            long_v bigint,
            dbl_v double precision,
            json_v json,
            version bigint NOT NULL DEFAULT 0,
            CONSTRAINT ts_kv_latest_pkey PRIMARY KEY (entity_id, key)
        ) WITH (
            fillfactor = 70,
            autovacuum_vacuum_threshold = 1000,
            autovacuum_vacuum_scale_factor = 0.02,
            autovacuum_vacuum_cost_delay = 0,
            autovacuum_analyze_scale_factor = 0.1
        );
        """
}
