import Postgres
import TestSupport
import Testing

@testable import Storage

@Suite struct PartitionSchemeTests {
    @Test(
        arguments: [
            (PartitionScheme.days, 1_795_224_303_000, "2026_11_21", 1_795_219_200_000, 1_795_305_600_000),
            (.months, 1_795_224_303_000, "2026_11", 1_793_491_200_000, 1_796_083_200_000),
            (.years, 1_795_224_303_000, "2026", 1_767_225_600_000, 1_798_761_600_000),
            (.months, 0, "1970_01", 0, 2_678_400_000),
            (.months, 951_782_400_000, "2000_02", 949_363_200_000, 951_868_800_000),
            (.fixed(milliseconds: 3_600_000), 7_200_001, "7200000", 7_200_000, 10_800_000),
        ] as [(PartitionScheme, Int64, String, Int64, Int64)])
    func rangeHoldsItsTime(_ scheme: PartitionScheme, _ time: Int64, _ suffix: String, _ start: Int64, _ end: Int64) {
        #expect(scheme.range(containing: time) == PartitionScheme.Range(start: start, end: end, suffix: suffix))
    }

    @Test func rangesAreAdjacent() {
        for scheme in [PartitionScheme.days, .months, .years] {
            var time: Int64 = 0
            var ranges = 0
            while time < 5_000_000_000_000, ranges < 2000 {
                guard let range = scheme.range(containing: time) else { break }
                #expect(range.start == time)
                #expect(scheme.range(containing: range.end - 1) == range)
                time = range.end
                ranges += 1
            }
            #expect(ranges > 100)
        }
    }

    @Test func negativeTimesAndTheIndefiniteSchemeHaveNoRange() {
        #expect(PartitionScheme.days.range(containing: -1) == nil)
        #expect(PartitionScheme.indefinite.range(containing: 1) == nil)
    }
}

extension SchemaSuite {
    @Suite struct Partitions {
        private let now: Int64 = 1_795_224_303_000

        private func withSchema(_ body: (PostgresConnection) throws -> Void) throws {
            try SchemaSuite.withEmptyDatabase { connection throws in
                _ = try SchemaInstaller.install(on: connection, demo: false, options: SchemaSuite.options)
                try body(connection)
            }
        }

        private func partitions(_ connection: PostgresConnection) throws -> [String?] {
            try SchemaSuite.texts(
                """
                SELECT c.relname::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                WHERE i.inhparent = 'ts_kv'::regclass ORDER BY 1
                """, connection)
        }

        private func insert(_ time: Int64, _ connection: PostgresConnection) throws -> String? {
            try connection.query(
                """
                INSERT INTO ts_kv (entity_id, key, ts, long_v) VALUES (gen_random_uuid(), 1, $1, 1)
                RETURNING tableoid::regclass::text
                """, [.int8(time)])[0].text(0)
        }

        @Test func partitionIsMadeOnceAndTakesItsRows() throws {
            try withSchema { connection throws in
                let manager = PartitionManager(scheme: .months)
                #expect(!manager.isPrepared(for: now, now: now))
                try manager.prepare(for: [now, now + 1, now - 40 * 86_400_000], now: now, on: connection)
                #expect(manager.isPrepared(for: now, now: now))
                #expect(try partitions(connection) == ["ts_kv_2026_10", "ts_kv_2026_11", "ts_kv_indefinite"])
                #expect(try insert(now, connection) == "ts_kv_2026_11")
                // Another process finds it there.
                try PartitionManager(scheme: .months).prepare(for: [now], now: now, on: connection)
                #expect(try partitions(connection).count == 3)
            }
        }

        @Test func timesOutsideTheLimitsGoToTheDefaultPartition() throws {
            try withSchema { connection throws in
                let manager = PartitionManager(scheme: .months)
                let far: [Int64] = [-5, 1, now + 3 * 365 * 86_400_000, .max]
                try manager.prepare(for: far, now: now, on: connection)
                #expect(try partitions(connection) == ["ts_kv_indefinite"])
                for time in far { #expect(try insert(time, connection) == "ts_kv_indefinite") }
            }
        }

        @Test func numberOfPartitionsIsBounded() throws {
            try withSchema { connection throws in
                var limits = PartitionManager.Limits()
                limits.count = 3
                let manager = PartitionManager(scheme: .days, limits: limits)
                try manager.prepare(for: (0..<10).map { now - $0 * 86_400_000 }, now: now, on: connection)
                #expect(try partitions(connection).count == 3)
                #expect(try insert(now - 9 * 86_400_000, connection) == "ts_kv_indefinite")
            }
        }

        @Test func rowsInTheDefaultPartitionStayThere() throws {
            try withSchema { connection throws in
                #expect(try insert(now, connection) == "ts_kv_indefinite")
                let manager = PartitionManager(scheme: .months)
                try manager.prepare(for: [now], now: now, on: connection)
                #expect(try partitions(connection) == ["ts_kv_indefinite"])
                #expect(try insert(now, connection) == "ts_kv_indefinite")
            }
        }

        @Test func overlappingRangesFallIntoTheOlderOnes() throws {
            try withSchema { connection throws in
                try PartitionManager(scheme: .months).prepare(for: [now], now: now, on: connection)
                try PartitionManager(scheme: .days).prepare(for: [now], now: now, on: connection)
                #expect(try insert(now, connection) == "ts_kv_2026_11")
            }
        }

        @Test func eventTablesAreCutIntoHours() throws {
            try withSchema { connection throws in
                let manager = PartitionManager(
                    table: "rule_node_debug_event", scheme: .fixed(milliseconds: 3_600_000))
                try manager.prepare(for: [now], now: now, on: connection)
                let name = try connection.query(
                    """
                    INSERT INTO rule_node_debug_event (id, tenant_id, ts, entity_id, service_id)
                    VALUES (gen_random_uuid(), gen_random_uuid(), $1, gen_random_uuid(), 'x')
                    RETURNING tableoid::regclass::text
                    """, [.int8(now)])[0].text(0)
                #expect(name == "rule_node_debug_event_1795222800000")
            }
        }
    }
}
