import Glibc
import Postgres

/// How many rows a second the database takes from a loop that does nothing else: the platform's ceiling.
///
/// The rows are those of `SMART_METER` messages of 1000 devices: three keys, a boolean and two integers.
struct StorageLimit: Sendable {
    enum Writes: String { case copy, upsert }

    let database: String
    let writes: Writes
    /// Connections, each in a thread of its own.
    let backEnds: Int

    static let batchRows = 9_999
    static let devices = 1000

    /// Writes for `duration` and prints the rate.
    func run(for duration: Duration) async throws {
        let clock = ContinuousClock()
        let began = clock.now
        let deadline = began + duration
        let rows = try await withThrowingTaskGroup { group in
            for number in 0..<backEnds {
                group.addTask { try write(number: number, until: deadline) }
            }
            return try await group.reduce(0, +)
        }
        let took = clock.now - began
        Output.line(
            name: writes.rawValue, unit: "rows/s", perSecond: Double(rows) / took.inSeconds,
            note: "\(backEnds) back ends, \(Self.batchRows) rows a transaction")
    }

    /// One connection's part. Blocks.
    private func write(number: Int, until deadline: ContinuousClock.Instant) throws -> Int {
        let connection = try PostgresConnection(connecting: database)
        defer { connection.close() }
        var batch = Batch(number: number)
        let clock = ContinuousClock()
        var rows = 0
        while clock.now < deadline {
            switch writes {
            case .copy: try copy(batch, over: connection)
            case .upsert: try upsert(batch, over: connection)
            }
            rows += Self.batchRows
            batch.advance()
        }
        return rows
    }

    private func copy(_ batch: Batch, over connection: PostgresConnection) throws(PostgresError) {
        let sql = "COPY ts_kv (entity_id, key, ts, bool_v, long_v) FROM STDIN (FORMAT binary)"
        try connection.copyIn(sql) { writer throws(PostgresError) in
            for row in batch.rows {
                writer.beginRow(columns: 5)
                writer.append(uuidHigh: row.device.high, low: row.device.low)
                writer.append(row.key)
                writer.append(row.timestamp)
                if let bool = row.bool { writer.append(bool) } else { writer.appendNull() }
                if let long = row.long { writer.append(long) } else { writer.appendNull() }
            }
        }
    }

    private func upsert(_ batch: Batch, over connection: PostgresConnection) throws(PostgresError) {
        var devices = PostgresArray(of: .uuid, capacity: Self.batchRows)
        var keys = PostgresArray(of: .int4, capacity: Self.batchRows)
        var timestamps = PostgresArray(of: .int8, capacity: Self.batchRows)
        var bools = PostgresArray(of: .bool, capacity: Self.batchRows)
        var longs = PostgresArray(of: .int8, capacity: Self.batchRows)
        for row in batch.rows {
            devices.append(uuidHigh: row.device.high, low: row.device.low)
            keys.append(row.key)
            timestamps.append(row.timestamp)
            if let bool = row.bool { bools.append(bool) } else { bools.appendNull() }
            if let long = row.long { longs.append(long) } else { longs.appendNull() }
        }
        let sql = """
            INSERT INTO ts_kv (entity_id, key, ts, bool_v, long_v)
            SELECT * FROM unnest($1::uuid[], $2::int4[], $3::int8[], $4::bool[], $5::int8[])
            ON CONFLICT (entity_id, key, ts) DO UPDATE SET bool_v = excluded.bool_v, long_v = excluded.long_v,
            str_v = NULL, dbl_v = NULL, json_v = NULL
            """
        _ = try connection.query(
            sql, [.array(devices), .array(keys), .array(timestamps), .array(bools), .array(longs)])
    }
}

/// The rows of one transaction: each device's next message, round and round.
private struct Batch {
    struct Row {
        var device: (high: UInt64, low: UInt64)
        var key: Int32
        var timestamp: Int64
        var bool: Bool?
        var long: Int64?
    }

    private let high: UInt64
    private let start: Int64
    private var message = 0

    /// - Parameter number: of the back end; every one has devices of its own, and every run has.
    init(number: Int) {
        high = UInt64.random(in: 0...UInt64.max)
        start = Int64(time(nil)) * 1000
    }

    mutating func advance() { message += StorageLimit.batchRows / 3 }

    var rows: some Sequence<Row> {
        (0..<StorageLimit.batchRows).lazy.map { row in
            let message = message + row / 3
            let device = UInt64(message % StorageLimit.devices)
            return Row(
                device: (high, device), key: Int32(1 + row % 3),
                timestamp: start + Int64(message / StorageLimit.devices),
                bool: row % 3 == 1 ? false : nil, long: row % 3 == 1 ? nil : Int64(message))
        }
    }
}

extension Duration {
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}

/// One result on standard output.
enum Output {
    static func line(name: String, unit: String, perSecond: Double, note: String = "") {
        let rounded = Int(perSecond.rounded())
        print("{\"name\":\"\(name)\",\"unit\":\"\(unit)\",\"perSecond\":\(rounded),\"note\":\"\(note)\"}")
        fflush(nil)
    }
}

/// Ends the process with a message on standard error.
func fail(_ message: String, status: Int32) -> Never {
    let line = "needletail-benchmarks: \(message)\n"
    line.withCString { _ = write(STDERR_FILENO, $0, strlen($0)) }
    exit(status)
}
