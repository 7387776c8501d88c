public import Model
internal import Postgres

/// The platform's settings: JSON documents by key, those of a tenant or of the system.
public struct AdminSettingsRepository: Sendable {
    private let runner: any StatementRunner

    public init(_ runner: any StatementRunner) { self.runner = runner }

    public func find(_ key: String, tenant: TenantID = .system) async throws -> RawJSON? {
        try await runner.query(
            "SELECT json_value FROM admin_settings WHERE tenant_id = $1 AND key = $2", [.id(tenant), .text(key)]
        ).first?.document(0)
    }

    /// A document with what the table keeps beside it.
    public struct Record: Sendable {
        public var id: UUID128
        public var createdTime: Int64
        public var document: RawJSON
    }

    public func record(_ key: String, tenant: TenantID = .system) async throws -> Record? {
        try await runner.query(
            "SELECT id, created_time, json_value FROM admin_settings WHERE tenant_id = $1 AND key = $2",
            [.id(tenant), .text(key)]
        ).first.flatMap { row in
            row.document(2).map { Record(id: row.id(0) ?? .null, createdTime: row.int8(1) ?? 0, document: $0) }
        }
    }

    public func save(_ key: String, tenant: TenantID = .system, _ document: RawJSON, now: Int64) async throws {
        _ = try await runner.query(
            """
            INSERT INTO admin_settings (id, created_time, tenant_id, key, json_value) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (tenant_id, key) DO UPDATE SET json_value = excluded.json_value
            """, [.id(UUID128.ordered()), .int8(now), .id(tenant), .text(key), .text(document.text)])
    }

    public func delete(_ key: String, tenant: TenantID) async throws -> Bool {
        try await runner.query(
            "DELETE FROM admin_settings WHERE tenant_id = $1 AND key = $2", [.id(tenant), .text(key)]
        ).affectedRows > 0
    }

    /// Stores a document unless the key has one.
    ///
    /// - Returns: What is stored now.
    public func findOrInsert(
        _ key: String, tenant: TenantID = .system, _ document: RawJSON, now: Int64
    ) async throws -> RawJSON {
        if let stored = try await find(key, tenant: tenant) { return stored }
        _ = try await runner.query(
            """
            INSERT INTO admin_settings (id, created_time, tenant_id, key, json_value)
            SELECT $1, $2, $3, $4, $5 WHERE NOT EXISTS (
                SELECT 1 FROM admin_settings WHERE tenant_id = $3 AND key = $4)
            """, [.id(UUID128.ordered()), .int8(now), .id(tenant), .text(key), .text(document.text)])
        return try await find(key, tenant: tenant) ?? document
    }
}
