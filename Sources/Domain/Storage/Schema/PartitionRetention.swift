internal import Postgres

/// Drops partitions whose time has passed: retention costs no row (`persistence.md` 5, 9.3).
///
/// Goes by the bounds of partitions, whatever their names and lengths are; the default partition has none and stays.
struct PartitionRetention {
    let runner: any StatementRunner

    /// Drops the partitions of a table that end at or before `time`, milliseconds since 1970.
    ///
    /// - Returns: How many.
    func drop(of table: StaticString, endingBefore time: Int64) async throws -> Int {
        let found = try await runner.query(
            """
            SELECT quote_ident(name) FROM (
                SELECT c.relname::text AS name,
                    substring(pg_get_expr(c.relpartbound, c.oid) FROM 'TO \\(''(-?[0-9]+)''\\)')::int8 AS bound
                FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = $1::text::regclass
            ) partitions WHERE bound <= $2 ORDER BY bound
            """, [.text("\(table)"), .int8(time)])
        let names = found.compactMap { $0.text(0) }
        // Another node may be faster: the same work twice is none.
        for name in names { _ = try await runner.query("DROP TABLE IF EXISTS \(name)", []) }
        return names.count
    }
}

extension AuditLogRepository {
    /// Drops partitions whose records are all older than their time to live; 0 keeps them for ever.
    ///
    /// - Parameter now: Milliseconds since 1970.
    /// - Returns: How many partitions.
    public func expire(now: Int64, seconds: Int64) async throws -> Int {
        guard seconds > 0 else { return 0 }
        return try await PartitionRetention(runner: runner).drop(of: "audit_log", endingBefore: now - seconds * 1000)
    }
}

extension EventRepository {
    /// Drops partitions whose events are all older than their time to live.
    ///
    /// - Parameters:
    ///   - now: Milliseconds since 1970.
    ///   - debug: Time to live of events of single messages, in seconds; 0 for ever.
    ///   - regular: The same of all others.
    /// - Returns: How many partitions.
    public func expire(now: Int64, debug: Int64, regular: Int64) async throws -> Int {
        var dropped = 0
        for kind in EventKind.allCases {
            let seconds = kind.isDebug ? debug : regular
            guard seconds > 0 else { continue }
            dropped += try await PartitionRetention(runner: runner).drop(
                of: kind.table, endingBefore: now - seconds * 1000)
        }
        return dropped
    }
}
