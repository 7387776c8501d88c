/// Views that lists read from (`persistence.md` 4.2, 13).
enum Views {
    /// A device with its customer and whether it is active. `condition` joins what holds the flag.
    private static func deviceInfo(_ name: String, from table: String, condition: String) -> String {
        """
        CREATE OR REPLACE VIEW \(name) AS
        SELECT d.*,
            c.title AS customer_title,
            COALESCE(c.is_public, false) AS customer_is_public,
            d.type AS device_profile_name,
            COALESCE(a.bool_v, false) AS active
        FROM device d
            LEFT JOIN customer c ON c.id = d.customer_id
            LEFT JOIN \(table) a ON a.entity_id = d.id AND \(condition);

        """
    }

    private static let activeKey = "(SELECT key_id FROM key_dictionary WHERE key = 'active')"

    static let sql =
        deviceInfo(
            "device_info_active_attribute_view", from: "attribute_kv",
            condition: "a.attribute_type = 2 AND a.attribute_key = \(activeKey)")
        + deviceInfo("device_info_active_ts_view", from: "ts_kv_latest", condition: "a.key = \(activeKey)")
        + alarmInfo + edgeActive + widgetTypeInfo

    /// Binds `device_info_view`, and `device_active_view` behind our own lists, to where the state of devices is kept
    /// (`PERSIST_STATE_TO_TELEMETRY`). Run at every start, so that changing the setting takes effect.
    static func bindDeviceInfo(toTelemetry: Bool) -> String {
        let source = toTelemetry ? "device_info_active_ts_view" : "device_info_active_attribute_view"
        let active =
            toTelemetry
            ? "ts_kv_latest WHERE key = \(activeKey)"
            : "attribute_kv WHERE attribute_type = 2 AND attribute_key = \(activeKey)"
        return """
            CREATE OR REPLACE VIEW device_info_view AS SELECT * FROM \(source);
            CREATE OR REPLACE VIEW device_active_view AS SELECT entity_id, bool_v FROM \(active)
            """
    }

    /// The originator's type is its place in the declaration of entity types.
    private static let alarmInfo = """
        CREATE OR REPLACE VIEW alarm_info AS
        SELECT a.*,
            (CASE WHEN a.cleared THEN 'CLEARED_' ELSE 'ACTIVE_' END)
                || (CASE WHEN a.acknowledged THEN 'ACK' ELSE 'UNACK' END) AS status,
            COALESCE(CASE a.originator_type
                WHEN 0 THEN (SELECT title FROM tenant WHERE id = a.originator_id)
                WHEN 1 THEN (SELECT title FROM customer WHERE id = a.originator_id)
                WHEN 2 THEN (SELECT email FROM tb_user WHERE id = a.originator_id)
                WHEN 3 THEN (SELECT title FROM dashboard WHERE id = a.originator_id)
                WHEN 4 THEN (SELECT name FROM asset WHERE id = a.originator_id)
                WHEN 5 THEN (SELECT name FROM device WHERE id = a.originator_id)
                WHEN 9 THEN (SELECT name FROM entity_view WHERE id = a.originator_id)
                WHEN 13 THEN (SELECT name FROM device_profile WHERE id = a.originator_id)
                WHEN 14 THEN (SELECT name FROM asset_profile WHERE id = a.originator_id)
                WHEN 18 THEN (SELECT name FROM edge WHERE id = a.originator_id)
            END, 'Deleted') AS originator_name,
            COALESCE(CASE a.originator_type
                WHEN 0 THEN (SELECT title FROM tenant WHERE id = a.originator_id)
                WHEN 1 THEN (SELECT COALESCE(NULLIF(title, ''), email) FROM customer WHERE id = a.originator_id)
                WHEN 2 THEN (SELECT email FROM tb_user WHERE id = a.originator_id)
                WHEN 3 THEN (SELECT title FROM dashboard WHERE id = a.originator_id)
                WHEN 4 THEN (SELECT COALESCE(NULLIF(label, ''), name) FROM asset WHERE id = a.originator_id)
                WHEN 5 THEN (SELECT COALESCE(NULLIF(label, ''), name) FROM device WHERE id = a.originator_id)
                WHEN 9 THEN (SELECT name FROM entity_view WHERE id = a.originator_id)
                WHEN 13 THEN (SELECT name FROM device_profile WHERE id = a.originator_id)
                WHEN 14 THEN (SELECT name FROM asset_profile WHERE id = a.originator_id)
                WHEN 18 THEN (SELECT COALESCE(NULLIF(label, ''), name) FROM edge WHERE id = a.originator_id)
            END, 'Deleted') AS originator_label,
            u.first_name AS assignee_first_name,
            u.last_name AS assignee_last_name,
            u.email AS assignee_email
        FROM alarm a
            LEFT JOIN tb_user u ON u.id = a.assignee_id;

        """

    private static let edgeActive = """
        CREATE OR REPLACE VIEW edge_active_attribute_view AS
        SELECT e.*
        FROM edge e
            JOIN attribute_kv a ON a.entity_id = e.id AND a.attribute_type = 2 AND a.bool_v
                AND a.attribute_key = \(activeKey);

        """

    private static let widgetTypeInfo = """
        CREATE OR REPLACE VIEW widget_type_info_view AS
        SELECT t.*,
            COALESCE(NULLIF(t.descriptor, '')::json ->> 'type', '') AS widget_type,
            COALESCE((
                SELECT json_agg(json_build_object('id', b.id, 'name', b.title) ORDER BY b.title)
                FROM widgets_bundle_widget w JOIN widgets_bundle b ON b.id = w.widgets_bundle_id
                WHERE w.widget_type_id = t.id
            ), '[]'::json) AS bundles
        FROM widget_type t;
        """
}
