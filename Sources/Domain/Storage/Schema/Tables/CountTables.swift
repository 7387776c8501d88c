/// How many devices and assets a tenant has, kept beside them (`docs/lists.md`): a list says its total with every page, and
/// counting a million rows for each would cost far more than the page.
///
/// Every statement that changes the number adds rows that say by how much; nothing is updated, so that nobody waits for
/// anybody; lists merge what has gathered. The sum is exact for whoever may see the rows themselves, since both belong to the same transaction.
enum CountTables {
    static let sql = counting("device", profile: "device_profile_id") + counting("asset", profile: "asset_profile_id")

    /// `<table>_count`, by all that lists can be narrowed to.
    private static func counting(_ table: String, profile: String) -> String {
        let columns = "tenant_id, customer_id, \(profile), type"
        return """
            CREATE TABLE \(table)_count (
                tenant_id uuid NOT NULL,
                customer_id uuid NOT NULL,
                \(profile) uuid NOT NULL,
                type varchar(255) NOT NULL,
                change bigint NOT NULL,
                is_merged boolean NOT NULL DEFAULT false
            );
            CREATE INDEX idx_\(table)_count_tenant_id ON \(table)_count (tenant_id);

            CREATE FUNCTION count_\(table)_rows() RETURNS trigger LANGUAGE plpgsql AS $body$
            BEGIN
                IF TG_OP = 'INSERT' THEN
                    INSERT INTO \(table)_count (\(columns), change)
                    SELECT \(columns), count(*) FROM new_rows GROUP BY \(columns);
                ELSIF TG_OP = 'DELETE' THEN
                    INSERT INTO \(table)_count (\(columns), change)
                    SELECT \(columns), -count(*) FROM old_rows GROUP BY \(columns);
                ELSE
                    INSERT INTO \(table)_count (\(columns), change) VALUES
                        (OLD.tenant_id, OLD.customer_id, OLD.\(profile), OLD.type, -1),
                        (NEW.tenant_id, NEW.customer_id, NEW.\(profile), NEW.type, 1);
                END IF;
                RETURN NULL;
            END
            $body$;

            LOCK TABLE \(table) IN SHARE ROW EXCLUSIVE MODE;
            INSERT INTO \(table)_count (\(columns), change, is_merged)
                SELECT \(columns), count(*), true FROM \(table) GROUP BY \(columns);
            CREATE TRIGGER count_inserted AFTER INSERT ON \(table) REFERENCING NEW TABLE AS new_rows
                FOR EACH STATEMENT EXECUTE FUNCTION count_\(table)_rows();
            CREATE TRIGGER count_deleted AFTER DELETE ON \(table) REFERENCING OLD TABLE AS old_rows
                FOR EACH STATEMENT EXECUTE FUNCTION count_\(table)_rows();
            CREATE TRIGGER count_moved AFTER UPDATE ON \(table) FOR EACH ROW
                WHEN ((OLD.tenant_id, OLD.customer_id, OLD.\(profile), OLD.type)
                    IS DISTINCT FROM (NEW.tenant_id, NEW.customer_id, NEW.\(profile), NEW.type))
                EXECUTE FUNCTION count_\(table)_rows();

            """
    }
}
