/// Indexes of lists (`docs/lists.md`): the order that a tenant's devices and assets are shown in, and text inside names.
///
/// As they were up to the schema 1.4: `SearchKeys` has replaced what needs the extension `pg_trgm`, and the order with it.
enum SearchIndexes {
    static let sql = """
        CREATE INDEX idx_device_tenant_id_id ON device (tenant_id, id);
        CREATE INDEX idx_device_tenant_id_created_time ON device (tenant_id, created_time);
        CREATE INDEX idx_asset_tenant_id_id ON asset (tenant_id, id);
        CREATE INDEX idx_asset_tenant_id_created_time ON asset (tenant_id, created_time);

        DO $body$
        BEGIN
            IF EXISTS (SELECT 1 FROM pg_available_extensions WHERE name = 'pg_trgm') THEN
                CREATE EXTENSION IF NOT EXISTS pg_trgm;
                -- A short pending list: it is read by every search.
                CREATE INDEX idx_device_name_label_trgm ON device USING gin (name gin_trgm_ops, label gin_trgm_ops)
                    WITH (gin_pending_list_limit = 64);
                CREATE INDEX idx_asset_name_label_trgm ON asset USING gin (name gin_trgm_ops, label gin_trgm_ops)
                    WITH (gin_pending_list_limit = 64);
            END IF;
        EXCEPTION WHEN insufficient_privilege THEN
            RAISE WARNING 'pg_trgm may not be created: text search goes without an index';
        END
        $body$;
        """
}
