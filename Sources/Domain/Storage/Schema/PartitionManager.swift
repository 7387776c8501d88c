public import Postgres
internal import Synchronization

/// Makes the partitions of one table when rows for them first appear, and remembers which exist.
///
/// Safe from any thread; each caller brings its own connection. Devices choose the times of their rows, so both the
/// range of times and the number of partitions are bounded: what lies outside goes to the default partition, which
/// takes everything.
public final class PartitionManager: Sendable {
    public struct Limits: Sendable {
        /// Rows older than this, in milliseconds before the present, get no partition of their own. Default: 20 years.
        public var pastMilliseconds: Int64 = 20 * 365 * CivilDate.millisecondsPerDay
        /// Rows further ahead than this get none either. Default: 2 years.
        public var futureMilliseconds: Int64 = 2 * 365 * CivilDate.millisecondsPerDay
        /// Partitions of the table, at most; planning time grows with them. Default: 1000.
        public var count = 1000

        public init() {}
    }

    public let table: String
    public let scheme: PartitionScheme
    public let limits: Limits
    private let state = Mutex(State())

    private struct State {
        /// Starts of ranges that need no more attention: their partition exists, or cannot be made and the rows fall
        /// into another.
        var settled: Set<Int64> = []
        /// The names of the table's partitions, once they were read.
        var names: Set<String>?
    }

    /// - Parameter table: A partitioned table of ours.
    public init(table: String = "ts_kv", scheme: PartitionScheme, limits: Limits = Limits()) {
        self.table = table
        self.scheme = scheme
        self.limits = limits
    }

    /// Makes sure that rows of these times can be inserted. Blocks only for times of a range not seen before.
    ///
    /// Call outside a transaction: a partition that another process makes at the same time would fail it.
    ///
    /// - Parameter now: Milliseconds since 1970.
    public func prepare(
        for times: some Sequence<Int64>, now: Int64, on connection: PostgresConnection
    ) throws(PostgresError) {
        if scheme == .indefinite { return }
        // Batches are sorted or recent: neighbours mostly share a range.
        var last: PartitionScheme.Range?
        for time in times {
            if let last, time >= last.start, time < last.end { continue }
            guard isWithinLimits(time, now: now), let range = scheme.range(containing: time) else { continue }
            last = range
            if !state.withLock({ $0.settled.contains(range.start) }) { try make(range, on: connection) }
        }
    }

    /// Whether ``prepare(for:now:on:)`` has nothing to do for that time. Never blocks.
    public func isPrepared(for time: Int64, now: Int64) -> Bool {
        guard isWithinLimits(time, now: now), let range = scheme.range(containing: time) else { return true }
        return state.withLock { $0.settled.contains(range.start) }
    }

    /// The table that holds rows of that time by itself, once ``prepare(for:now:on:)`` has seen the time; `nil` when
    /// they fall into another one. Never blocks.
    public func partition(for time: Int64, now: Int64) -> (name: String, range: PartitionScheme.Range)? {
        guard isWithinLimits(time, now: now), let range = scheme.range(containing: time) else { return nil }
        let name = "\(table)_\(range.suffix)"
        return state.withLock { $0.names?.contains(name) ?? false } ? (name, range) : nil
    }

    /// Forgets which partitions exist: one that was remembered is gone.
    public func forget() {
        state.withLock { $0 = State() }
    }

    /// Whether rows of that time may have a partition of their own.
    public func isWithinLimits(_ time: Int64, now: Int64) -> Bool {
        time >= 0 && time >= now - limits.pastMilliseconds && time <= now + limits.futureMilliseconds
    }

    private func make(_ range: PartitionScheme.Range, on connection: PostgresConnection) throws(PostgresError) {
        let name = "\(table)_\(range.suffix)"
        var names = try knownNames(on: connection)
        if !names.contains(name), names.count < limits.count {
            do throws(PostgresError) {
                // Name and bounds are computed here from numbers; nothing of a row is part of the statement.
                try connection.execute(
                    """
                    CREATE TABLE IF NOT EXISTS \(name) PARTITION OF \(table)
                    FOR VALUES FROM (\(range.start)) TO (\(range.end))
                    """)
                names.insert(name)
            } catch {
                guard Self.meansSettled(error) else { throw error }
            }
        }
        state.withLock { state in
            state.settled.insert(range.start)
            state.names = (state.names ?? []).union(names)
        }
    }

    /// The range is covered already, or its rows lie in the default partition and have to stay there, or another
    /// process was faster.
    private static func meansSettled(_ error: PostgresError) -> Bool {
        switch error.sqlState {
        case "42P17",  // would overlap
            "23514",  // the default partition holds rows of the range
            "42P07", "23505":  // made by another process at the same moment
            true
        default: false
        }
    }

    private func knownNames(on connection: PostgresConnection) throws(PostgresError) -> Set<String> {
        if let names = state.withLock({ $0.names }) { return names }
        let found = try connection.query(
            """
            SELECT c.relname::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
            WHERE i.inhparent = $1::text::regclass
            """, [.text(table)])
        return Set(found.compactMap { $0.text(0) })
    }
}
