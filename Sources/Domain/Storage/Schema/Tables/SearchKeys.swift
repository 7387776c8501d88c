/// What a text inside names and labels of devices and assets is found by (`docs/lists.md`).
///
/// `search_text` is name and label in small letters, with a line feed between them. `search_keys` are hashes of every one, two
/// and three characters in a row of it, together with the tenant: so the index knows tenants apart, and a text of one or two
/// characters is found by it as well. Nothing but PostgreSQL itself is needed.
///
/// Two indexes that give a list its order hold the text too: a walk through the list reads them alone. Every 64th row, as its
/// id's hash has it, is in a third: a sample of each tenant, which tells how frequent a text is.
enum SearchKeys {
    static let sql =
        function + searchable("device", profile: "device_profile_id")
        + searchable("asset", profile: "asset_profile_id")

    /// The cost keeps the planner from ever evaluating it row by row where the index has the answer.
    private static let function = """
        CREATE FUNCTION search_keys(tenant uuid, searched text) RETURNS bigint[]
        LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 10000 AS $body$
        DECLARE
            seed bigint := uuid_hash_extended(tenant, 0);
            keys bigint[] := '{}';
            before_last text COLLATE "C" := '';
            last text COLLATE "C" := '';
            next text COLLATE "C";
        BEGIN
            FOREACH next IN ARRAY string_to_array(searched, NULL) LOOP
                keys := keys || ARRAY[
                    hashtextextended(next, seed), hashtextextended(last || next, seed),
                    hashtextextended(before_last || last || next, seed)];
                before_last := last;
                last := next;
            END LOOP;
            RETURN keys;
        END
        $body$;


        """

    /// The text is in no index together with a column that may be long, so that an entry always fits.
    private static func searchable(_ table: String, profile: String) -> String {
        """
        DROP INDEX IF EXISTS idx_\(table)_name_label_trgm;
        DROP INDEX idx_\(table)_tenant_id_id;
        DROP INDEX idx_\(table)_tenant_id_created_time;
        ALTER TABLE \(table) ADD COLUMN search_text text COLLATE "C"
            GENERATED ALWAYS AS (lower(name) || chr(10) || lower(coalesce(label, ''))) STORED;
        CREATE INDEX idx_\(table)_tenant_id_id ON \(table) (tenant_id, id) INCLUDE (search_text);
        CREATE INDEX idx_\(table)_tenant_id_created_time ON \(table) (tenant_id, created_time, id) INCLUDE (search_text);
        -- A short pending list: it is read by every search.
        CREATE INDEX idx_\(table)_search_keys ON \(table) USING gin (search_keys(tenant_id, search_text))
            WITH (gin_pending_list_limit = 64);
        ALTER INDEX idx_\(table)_search_keys ALTER COLUMN 1 SET STATISTICS 0;
        CREATE INDEX idx_\(table)_sample ON \(table) (tenant_id, uuid_hash_extended(id, 0))
            INCLUDE (id, created_time, search_text, customer_id, \(profile))
            WHERE uuid_hash_extended(id, 0) & 63 = 0;

        """
    }
}
