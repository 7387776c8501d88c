import Model
import Postgres
import Telemetry
import TestSupport
import Testing

@testable import Storage

/// Runs statements on one connection, one caller at a time; enough for tests of repositories.
final class OneConnection: TransactionRunner, @unchecked Sendable {
    // @unchecked: tests of repositories await each call before the next.
    let connection: PostgresConnection

    init() throws {
        connection = try PostgresConnection(connecting: try Self.connectionInfo.get())
    }

    private static let connectionInfo = Result {
        let info = try TestDatabase.makeEmpty()
        let connection = try PostgresConnection(connecting: info)
        _ = try SchemaInstaller.install(on: connection, demo: true, options: SchemaSuite.options)
        connection.close()
        return info
    }

    func query(_ sql: String, _ parameters: [PostgresParameter]) async throws -> PostgresResult {
        try connection.query(sql, parameters)
    }

    func inTransaction<R: Sendable>(
        _ body: @escaping @Sendable (any StatementRunner) async throws -> R
    ) async throws -> R {
        try connection.execute("BEGIN")
        do {
            let result = try await body(self)
            try connection.execute("COMMIT")
            return result
        } catch {
            try connection.execute("ROLLBACK")
            throw error
        }
    }

    /// The demo tenant.
    func tenant() throws -> TenantID {
        let row = try connection.query("SELECT id FROM tenant WHERE title = 'Tenant'")[0]
        return TenantID(try #require(row.id(0)))
    }

    /// A new device of `tenant` with the default profile.
    func makeDevice(_ name: String, tenant: TenantID) async throws -> Device {
        let profile = try #require(try await DeviceProfileRepository(self).findDefault(tenant: tenant))
        let device = Device(
            id: DeviceID(.ordered()), createdTime: 1, tenantID: tenant, name: name, type: profile.name,
            deviceProfileID: profile.id)
        try await DeviceRepository(self).insert(device)
        return device
    }

    /// Inserts points of one key into history, as the writer would.
    func insert(_ entity: UUID128, _ key: String, _ points: [(Int64, TelemetryValue)]) async throws {
        _ = try await query("INSERT INTO key_dictionary (key) VALUES ($1) ON CONFLICT DO NOTHING", [.text(key)])
        for (timestamp, value) in points {
            var columns: [PostgresParameter] = [.null, .null, .null, .null, .null]
            switch value {
            case .boolean(let value): columns[0] = .boolean(value)
            case .string(let value): columns[1] = .text(value)
            case .long(let value): columns[2] = .int8(value)
            case .double(let value): columns[3] = .double(value)
            case .json(let value): columns[4] = .json(value)
            }
            _ = try await query(
                """
                INSERT INTO ts_kv (entity_id, key, ts, bool_v, str_v, long_v, dbl_v, json_v)
                SELECT $1, key_id, $3, $4::bool, $5::text, $6::int8, $7::float8, $8::json FROM key_dictionary WHERE key = $2
                """, [.id(entity), .text(key), .int8(timestamp)] + columns)
        }
    }

    /// Sets the latest value of a key from the newest point of its history.
    func settleLatest(_ entity: UUID128) async throws {
        _ = try await query(
            """
            INSERT INTO ts_kv_latest (entity_id, key, ts, bool_v, str_v, long_v, dbl_v, json_v, version)
            SELECT DISTINCT ON (key) entity_id, key, ts, bool_v, str_v, long_v, dbl_v, json_v, 1
            FROM ts_kv WHERE entity_id = $1 ORDER BY key, ts DESC
            ON CONFLICT (entity_id, key) DO NOTHING
            """, [.id(entity)])
    }
}
