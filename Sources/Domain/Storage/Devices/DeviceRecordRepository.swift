public import Model
internal import Postgres

/// Reads devices for the node that owns them, many at once.
public struct DeviceRecordRepository: Sendable {
    private let runner: any StatementRunner
    /// Whether the state of devices is telemetry.
    private let readsTelemetry: Bool

    public init(_ runner: any StatementRunner, readsTelemetry: Bool = false) {
        self.runner = runner
        self.readsTelemetry = readsTelemetry
    }

    private static let state = """
        'active', 'lastConnectTime', 'lastDisconnectTime', 'lastActivityTime', 'inactivityAlarmTime'
        """

    private static func keys(_ names: String) -> String {
        "ARRAY(SELECT key_id FROM key_dictionary WHERE key IN (\(names)))"
    }

    /// What is kept of the state: values by key. The timeout is an attribute in any case.
    private static func values(ofTelemetry: Bool) -> String {
        guard ofTelemetry else {
            return """
                attribute_kv a ON a.entity_id = d.id AND a.attribute_type = 2
                    AND a.attribute_key = ANY(\(keys(state + ", 'inactivityTimeout'")))
                """
        }
        return """
            LATERAL (
                SELECT key AS attribute_key, bool_v, long_v, dbl_v FROM ts_kv_latest
                WHERE entity_id = d.id AND key = ANY(\(keys(state)))
                UNION ALL SELECT attribute_key, bool_v, long_v, dbl_v FROM attribute_kv
                WHERE entity_id = d.id AND attribute_type = 2 AND attribute_key = ANY(\(keys("'inactivityTimeout'")))
            ) AS a ON true
            """
    }

    /// A number that is no time is none: one device's must not keep others from being read.
    private static func number(_ key: StaticString) -> String {
        "max(coalesce(a.long_v, CASE WHEN abs(a.dbl_v) < 9e15 THEN a.dbl_v::int8 END)) FILTER (WHERE k.key = '\(key)')"
    }

    private func select(where condition: String, behind: String = "") -> String {
        """
        SELECT d.id, d.tenant_id, d.created_time, d.name, d.type, d.label, d.customer_id, p.default_rule_chain_id,
            p.default_queue_name, bool_or(a.bool_v) FILTER (WHERE k.key = 'active'), \(Self.number("lastConnectTime")),
            \(Self.number("lastDisconnectTime")), \(Self.number("lastActivityTime")),
            \(Self.number("inactivityAlarmTime")), \(Self.number("inactivityTimeout"))
        FROM device d JOIN device_profile p ON p.id = d.device_profile_id
            LEFT JOIN \(Self.values(ofTelemetry: readsTelemetry))
            LEFT JOIN key_dictionary k ON k.key_id = a.attribute_key
        WHERE \(condition) GROUP BY d.id, p.id \(behind)
        """
    }

    /// Those of `ids` that there are, in no order.
    public func find(_ ids: [UUID128]) async throws -> [DeviceRecord] {
        try await runner.query(select(where: "d.id = ANY($1)"), [.ids(ids)]).map(DeviceRecord.init)
    }

    /// A part of all devices in the order of their ids, starting behind `id`.
    public func page(after id: UUID128, limit: Int) async throws -> [DeviceRecord] {
        try await runner.query(
            select(
                where: "d.id = ANY(ARRAY(SELECT id FROM device WHERE id > $1 ORDER BY id LIMIT $2))",
                behind: "ORDER BY d.id"),
            [.id(id), .int8(Int64(limit))]
        ).map(DeviceRecord.init)
    }
}

extension DeviceRecord {
    init(_ row: PostgresRow) {
        let queue = row.text(8)
        var connectivity = DeviceConnectivity()
        connectivity.isActive = row.bool(9) ?? false
        let time = DeviceConnectivity.time
        connectivity.lastConnectTime = time(row.int8(10) ?? 0)
        connectivity.lastDisconnectTime = time(row.int8(11) ?? 0)
        connectivity.lastActivityTime = time(row.int8(12) ?? 0)
        connectivity.inactivityAlarmTime = time(row.int8(13) ?? 0)
        connectivity.inactivityTimeout = row.int8(14).map(time)
        self.init(
            tenantID: row.entity(1), deviceID: row.entity(0), createdTime: time(row.int8(2) ?? 0),
            name: row.text(3) ?? "", type: row.text(4) ?? "", label: row.text(5),
            customerID: row.id(6).map(CustomerID.init) ?? .null,
            ruleChainID: row.id(7).map(RuleChainID.init), queueName: queue?.isEmpty ?? true ? nil : queue,
            connectivity: connectivity)
    }
}
