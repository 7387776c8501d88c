import Logging
import Metrics
import Model
import Postgres
import Reactor
import Telemetry
import TestSupport
import Testing

@testable import Storage

/// The write path against a real server (`persistence.md` 7, 16).
@Suite(.enabled(if: TestDatabase.isAvailable, "PostgreSQL is not installed"), .serialized)
struct TelemetryWriterTests {
    private let conninfo: String
    private let connection: PostgresConnection

    init() throws {
        conninfo = try Self.database.get()
        connection = try PostgresConnection(connecting: conninfo)
    }

    private static let database = Result {
        let conninfo = try TestDatabase.makeEmpty()
        let connection = try PostgresConnection(connecting: conninfo)
        _ = try SchemaInstaller.install(on: connection, demo: false, options: SchemaSuite.options)
        connection.close()
        return conninfo
    }

    private func withWriter(
        threads: Int = 3, linger: Duration = .milliseconds(3), _ body: (TelemetryWriter) async throws -> Void
    ) async throws {
        var configuration = TelemetryWriterConfiguration()
        configuration.threads = threads
        configuration.linger = linger
        let conninfo = conninfo
        let writer = TelemetryWriter(
            configuration: configuration, partitioning: PartitionManager(scheme: .months), logger: .disabled,
            metrics: MetricsRegistry()
        ) { () throws(PostgresError) in try PostgresConnection(connecting: conninfo) }
        writer.start()
        defer { writer.stop() }
        try await body(writer)
    }

    private func record(_ timestamp: Int64, _ values: [(String, TelemetryValue)]) -> TimeseriesRecord {
        var arena = PointArena()
        for (key, value) in values { arena.append(key: key, value: value) }
        return TimeseriesRecord(timestamp: timestamp, arena: arena, points: 0..<arena.count)
    }

    private func texts(_ sql: String, _ entity: UUID128) throws -> [String] {
        try connection.query(sql, [.uuid(high: entity.high, low: entity.low)]).map { $0.text(0) ?? "NULL" }
    }

    private static let history = """
        SELECT ts || ' ' || coalesce(bool_v::text, str_v, long_v::text, dbl_v::text, json_v::text) FROM ts_kv
        WHERE entity_id = $1 ORDER BY ts
        """
    private static let latest = """
        SELECT ts || ' ' || coalesce(bool_v::text, str_v, long_v::text, dbl_v::text, json_v::text) FROM ts_kv_latest
        WHERE entity_id = $1
        """

    @Test func everyTypeIsStoredInItsColumn() async throws {
        let entity = UUID128.random()
        try await withWriter { writer in
            try await writer.save(
                entity: entity,
                records: [
                    record(
                        1000,
                        [
                            ("b", .boolean(true)), ("l", .long(-5)), ("d", .double(2.5)), ("s", .string("text")),
                            ("j", .json("{\"a\":[1]}")),
                        ])
                ])
        }
        let rows = try connection.query(
            """
            SELECT d.key, bool_v::text, long_v::text, dbl_v::text, str_v, json_v::text FROM ts_kv t
            JOIN key_dictionary d ON d.key_id = t.key WHERE entity_id = $1 ORDER BY d.key
            """, [.uuid(high: entity.high, low: entity.low)])
        let found = rows.map { row in (0..<6).map { row.text($0) } }
        #expect(
            found == [
                ["b", "true", nil, nil, nil, nil], ["d", nil, nil, "2.5", nil, nil],
                ["j", nil, nil, nil, nil, "{\"a\":[1]}"], ["l", nil, "-5", nil, nil, nil],
                ["s", nil, nil, nil, "text", nil],
            ])
    }

    @Test func anOlderPointDoesNotBecomeTheLatest() async throws {
        let entity = UUID128.random()
        try await withWriter { writer in
            try await writer.save(entity: entity, records: [record(1000, [("k", .long(1))])])
            try await writer.save(entity: entity, records: [record(500, [("k", .long(2))])])
        }
        #expect(try texts(Self.history, entity) == ["500 2", "1000 1"])
        #expect(try texts(Self.latest, entity) == ["1000 1"])
    }

    @Test func theSameTimeWithAnotherTypeReplacesTheValue() async throws {
        let entity = UUID128.random()
        try await withWriter { writer in
            try await writer.save(entity: entity, records: [record(1000, [("k", .long(1))])])
            try await writer.save(entity: entity, records: [record(1000, [("k", .string("now text"))])])
        }
        #expect(try texts(Self.history, entity) == ["1000 now text"])
        #expect(try texts(Self.latest, entity) == ["1000 now text"])
        let isCleared = try connection.query(
            "SELECT long_v IS NULL FROM ts_kv WHERE entity_id = $1", [.uuid(high: entity.high, low: entity.low)])
        #expect(isCleared[0].bool(0) == true)
    }

    @Test func duplicatesInOneBatchKeepTheLastValue() async throws {
        let entity = UUID128.random()
        try await withWriter { writer in
            try await writer.save(
                entity: entity, records: (1...600).map { record(Int64(1000 + $0 % 300), [("k", .long(Int64($0)))]) })
        }
        let rows = try texts(Self.history, entity)
        #expect(rows.count == 300)
        #expect(rows.first == "1000 600")
        #expect(rows.last == "1299 599")
        #expect(try texts(Self.latest, entity) == ["1299 599"])
    }

    @Test func twentyThousandPointsOfOneKeyInOneCall() async throws {
        let entity = UUID128.random()
        try await withWriter { writer in
            try await writer.save(
                entity: entity, records: (0..<20_000).map { record(Int64($0), [("k", .long(Int64($0)))]) })
        }
        #expect(try texts(Self.history, entity).count == 20_000)
        #expect(try texts(Self.latest, entity) == ["19999 19999"])
    }

    @Test func aRepeatedBatchIsStoredOnce() async throws {
        let entity = UUID128.random()
        let records = (0..<1000).map { record(Int64($0), [("k", .long(Int64($0)))]) }
        try await withWriter { writer in
            try await writer.save(entity: entity, records: records)
            try await writer.save(entity: entity, records: records)
        }
        #expect(try texts(Self.history, entity).count == 1000)
    }

    /// What another process writes in another order is waited for, or written again; it is never a deadlock.
    @Test func twoProcessesThatWriteTheSameKeysDoNotLockEachOtherOut() async throws {
        let entities = (0..<50).map { _ in UUID128.random() }
        let keys = (0..<20).map { "contested\($0)" }
        try await withWriter { one in
            try await withWriter { other in
                try await withThrowingTaskGroup { group in
                    for (writer, isReversed) in [(one, false), (other, true)] {
                        group.addTask {
                            for round in 0..<20 {
                                let order = isReversed ? entities.reversed() : entities
                                try await withThrowingTaskGroup { saves in
                                    for entity in order {
                                        saves.addTask {
                                            var arena = PointArena()
                                            for key in isReversed ? keys.reversed() : keys {
                                                arena.append(key: key, value: .long(Int64(round)))
                                            }
                                            let record = TimeseriesRecord(
                                                timestamp: Int64(1_700_000_000_000 + round), arena: arena,
                                                points: 0..<arena.count)
                                            try await writer.save(entity: entity, records: [record])
                                        }
                                    }
                                    try await saves.waitForAll()
                                }
                            }
                        }
                    }
                    try await group.waitForAll()
                }
            }
        }
        let deadlocks = try connection.query(
            "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        #expect(deadlocks[0].int8(0) == 0)
        let stored = try connection.query(
            "SELECT count(*), min(long_v), max(long_v) FROM ts_kv_latest WHERE entity_id = ANY($1)",
            [.uuidArray(entities)])[0]
        #expect(stored.int8(0) == 1000 && stored.int8(1) == 19 && stored.int8(2) == 19)
    }

    @Test func negativeAndFarTimesAreStored() async throws {
        let entity = UUID128.random()
        let times: [Int64] = [-5000, 0, 1_700_000_000_000, 253_402_300_799_000, Int64.max]
        try await withWriter { writer in
            try await writer.save(entity: entity, records: times.map { record($0, [("k", .long(1))]) })
        }
        #expect(try texts(Self.history, entity).count == times.count)
    }

    @Test func aRefusedValueHarmsNoOther() async throws {
        let good = UUID128.random()
        let bad = UUID128.random()
        try await withWriter(threads: 1, linger: .milliseconds(50)) { writer in
            let (one, two) = ([record(1, [("k", .long(1))])], [record(2, [("k", .long(2))])])
            // Not JSON: the database refuses it.
            let broken = [record(1, [("k", .json("{"))])]
            async let first: Void = writer.save(entity: good, records: one)
            async let refused = isRefused(
                await outcome { try await writer.save(entity: bad, records: broken) })
            async let second: Void = writer.save(entity: good, records: two)
            try await first
            try await second
            #expect(await refused)
        }
        #expect(try texts(Self.history, good) == ["1 1", "2 2"])
        #expect(try texts(Self.history, bad).isEmpty)
    }

    @Test func aLostConnectionIsOpenedAnewAndNothingIsLost() async throws {
        let entity = UUID128.random()
        try await withWriter { writer in
            for round in 0..<20 {
                if round % 5 == 4 {
                    try connection.query(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
                    )
                }
                try await writer.save(entity: entity, records: [record(Int64(round), [("k", .long(Int64(round)))])])
            }
        }
        #expect(try texts(Self.history, entity).count == 20)
    }

    @Test func attributesAreWrittenOnlyWhenTheyChange() async throws {
        let entity = UUID128.random()
        let loop = try EventLoop(name: "sink", index: 0)
        loop.start()
        defer {
            loop.stop()
            loop.join()
        }
        try await withWriter { writer in
            for value in [1, 1, 2] as [Int64] {
                await withCheckedContinuation { (stored: CheckedContinuation<Void, Never>) in
                    loop.execute {
                        var arena = PointArena()
                        arena.append(key: "fw", value: .long(value))
                        let sink = writer.makeSink(on: loop) { completions in
                            #expect(completions.allSatisfy { $0.isStored && $0.token == 9 })
                            stored.resume()
                        }
                        sink.saveAttributes(
                            entity: entity, scope: .client, timestamp: value * 100, arena: arena, points: 0..<1,
                            onlyChanged: true, origin: .system, token: 9)
                        SinkKeeper.keep(sink)
                    }
                }
            }
        }
        let rows = try connection.query(
            "SELECT attribute_type, long_v, last_update_ts FROM attribute_kv WHERE entity_id = $1",
            [.uuid(high: entity.high, low: entity.low)])
        #expect(rows.count == 1)
        #expect(rows[0].int4(0) == AttributeScope.client.rawValue)
        #expect(rows[0].int8(1) == 2)
        #expect(rows[0].int8(2) == 200)
    }
}

/// Keeps sinks alive until the process ends: their tick hooks stay with the loop.
private enum SinkKeeper {
    nonisolated(unsafe) private static var kept: [any TelemetrySink] = []
    /// Called on the one loop of the test.
    static func keep(_ sink: any TelemetrySink) { kept.append(sink) }
}

private func outcome(_ body: () async throws -> Void) async -> Result<Void, any Error> {
    do { return .success(try await body()) } catch { return .failure(error) }
}

private func isRefused(_ outcome: Result<Void, any Error>) -> Bool {
    if case .failure(TelemetrySaveError.refused) = outcome { return true }
    return false
}
