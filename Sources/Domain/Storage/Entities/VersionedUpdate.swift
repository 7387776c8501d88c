internal import Model
internal import Postgres

extension StatementRunner {
    /// Runs an UPDATE that returns one row when the entity exists in the version that the caller read, and tells apart
    /// why it did not.
    ///
    /// - Parameter table: A name out of this module's text.
    func updateVersioned(
        _ type: EntityType, _ id: UUID128, tenant: TenantID, table: StaticString, _ sql: String,
        _ parameters: [PostgresParameter]
    ) async throws -> PostgresRow {
        let result = try await query(sql, parameters)
        if let row = result.first { return row }
        let present = try await query(
            "SELECT 1 FROM \(table) WHERE id = $1 AND tenant_id = $2", [.id(id), .id(tenant)])
        throw present.isEmpty ? EntityError.notFound(type, id) : EntityError.versionConflict(type)
    }
}
