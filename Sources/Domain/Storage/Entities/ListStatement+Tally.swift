internal import Postgres

/// The length of a list from the changes of it that are kept beside its table (`CountTables`): exact, and no row of the list
/// is read for it.
extension ListStatement {
    /// So many rows of changes are summed up as fast as one.
    private static let fewChanges = 100

    /// Whether the conditions are about columns that changes have.
    var isTallied: Bool { shape.tally != nil && !isAboutJoined }

    private var changes: String {
        guard let tally = shape.tally else { preconditionFailure("\(shape.source) has no tally") }
        return tally
    }

    var tallied: String { "SELECT coalesce(sum(change), 0)::int8 FROM \(changes)\(filter)" }

    /// Whether more than a few changes were not merged yet.
    var fragmented: String {
        "SELECT EXISTS (SELECT 1 FROM \(changes)\(filter) AND NOT is_merged OFFSET \(Self.fewChanges))"
    }

    func tally(on runner: any StatementRunner) async throws -> Int64 {
        try await runner.query(tallied, parameters).first?.int8(0) ?? 0
    }

    /// Puts changes of the same kind together. What others are putting together is left to them; the sum is the same at any
    /// moment.
    ///
    /// The columns of the table are those of ``CountTables``, the last one being the change.
    func mergeChanges(on runner: any StatementRunner) async throws {
        let table = String(changes.prefix { $0 != " " })
        let profile = table == "asset_count" ? "asset_profile_id" : "device_profile_id"
        let columns = "tenant_id, customer_id, \(profile), type"
        _ = try await runner.query(
            """
            WITH gone AS (
                DELETE FROM \(table) WHERE ctid = ANY (ARRAY(
                    SELECT ctid FROM \(changes)\(filter) FOR UPDATE SKIP LOCKED)) RETURNING \(columns), change)
            INSERT INTO \(table) (\(columns), change, is_merged)
            SELECT \(columns), sum(change), true FROM gone GROUP BY \(columns) HAVING sum(change) <> 0
            """, parameters)
    }
}
