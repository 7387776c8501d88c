import JSON
import Model
import Postgres
import Telemetry
import TestSupport
import Testing

@testable import Storage

@Suite(.enabled(if: TestDatabase.isAvailable, "PostgreSQL is not installed"), .serialized)
struct TelemetryReaderTests {
    private let database: OneConnection
    private let reader: TelemetryReader
    private let entity = UUID128.ordered()

    init() throws {
        database = try OneConnection()
        reader = TelemetryReader(database)
    }

    private func aggregate(
        _ aggregation: TelemetryReader.Aggregation, from: Int64, to: Int64, _ interval: TelemetryReader.Interval,
        zone: String? = nil
    ) async throws -> [StoredPoint] {
        try await reader.aggregate(
            entity: entity, keys: ["k"],
            .init(from: from, to: to, aggregation: aggregation, interval: interval, timeZone: zone))["k"] ?? []
    }

    /// All points of the key as one bucket.
    private func whole(_ aggregation: TelemetryReader.Aggregation) async throws -> TelemetryValue? {
        let points = try await aggregate(aggregation, from: 0, to: 100_000, .milliseconds(100_000))
        #expect(points.count <= 1)
        return points.first?.value
    }

    // MARK: - History

    @Test func aRangeIncludesItsStartAndExcludesItsEnd() async throws {
        try await database.insert(entity, "k", (1...5).map { ($0 * 1000, .long($0)) })
        let points = try await reader.history(entity: entity, keys: ["k"], .init(from: 2000, to: 4000))["k"]
        #expect(
            points == [StoredPoint(timestamp: 3000, value: .long(3)), StoredPoint(timestamp: 2000, value: .long(2))])
    }

    @Test func limitAndOrderHoldForEachKey() async throws {
        for key in ["k", "l"] { try await database.insert(entity, key, (1...5).map { ($0, .long($0)) }) }
        let newest = try await reader.history(entity: entity, keys: ["l", "k"], .init(from: 0, to: 9, limit: 2))
        #expect(newest["k"]?.map(\.timestamp) == [5, 4])
        #expect(newest["l"]?.map(\.timestamp) == [5, 4])
        let oldest = try await reader.history(
            entity: entity, keys: ["k"], .init(from: 0, to: 9, limit: 2, ascending: true))
        #expect(oldest["k"]?.map(\.timestamp) == [1, 2])
    }

    @Test func negativeAndFarTimesAreFound() async throws {
        try await database.insert(entity, "k", [(-5000, .long(1)), (4_000_000_000_000, .long(2))])
        let points = try await reader.history(
            entity: entity, keys: ["k"], .init(from: -10_000, to: 5_000_000_000_000))["k"]
        #expect(points?.map(\.timestamp) == [4_000_000_000_000, -5000])
    }

    @Test func readingAnUnknownKeyMakesNoKey() async throws {
        let name = "never-\(entity)"
        #expect(try await reader.history(entity: entity, keys: [name], .init(from: 0, to: 9)).isEmpty)
        #expect(try await reader.latest(entity: entity, keys: [name]).isEmpty)
        let rows = try database.connection.query("SELECT 1 FROM key_dictionary WHERE key = $1", [.text(name)])
        #expect(rows.isEmpty)
    }

    @Test func historyIsWrittenInTheOrderOfTheKeysWithTypesOnDemand() async throws {
        try await database.insert(entity, "k", [(1, .long(7)), (2, .double(10_000_000))])
        try await database.insert(entity, "s", [(1, .string("a\"b")), (2, .boolean(true)), (3, .json(#"{"x":[1]}"#))])
        func text(_ strict: Bool) async throws -> String {
            var writer = JSONWriter()
            try await reader.writeHistory(
                entity: entity, keys: ["s", "k", "nope"], .init(from: 0, to: 9, ascending: true), strict: strict,
                to: &writer)
            return String(decoding: writer.bytes, as: UTF8.self)
        }
        #expect(
            try await text(false)
                == #"{"s":[{"ts":1,"value":"a\"b"},{"ts":2,"value":"true"},{"ts":3,"value":"{\"x\":[1]}"}],"#
                + #""k":[{"ts":1,"value":"7"},{"ts":2,"value":"1.0E7"}]}"#)
        #expect(
            try await text(true)
                == #"{"s":[{"ts":1,"value":"a\"b"},{"ts":2,"value":true},{"ts":3,"value":{"x":[1]}}],"#
                + #""k":[{"ts":1,"value":7},{"ts":2,"value":1.0E7}]}"#)
    }

    // MARK: - Latest

    @Test func latestValuesOfKeysWithoutDataAreNullNow() async throws {
        try await database.insert(entity, "k", [(1, .long(7))])
        try await database.settleLatest(entity)
        var writer = JSONWriter()
        try await reader.writeLatest(entity: entity, keys: ["k", "none", "none"], strict: false, now: 99, to: &writer)
        #expect(
            String(decoding: writer.bytes, as: UTF8.self)
                == #"{"k":[{"ts":1,"value":"7"}],"none":[{"ts":99,"value":null}]}"#)
    }

    @Test func withoutKeysAllLatestValuesCome() async throws {
        try await database.insert(entity, "k", [(1, .long(7))])
        try await database.insert(entity, "l", [(2, .string("x"))])
        try await database.settleLatest(entity)
        #expect(try await reader.latest(entity: entity, keys: nil).keys.sorted() == ["k", "l"])
        #expect(try await reader.keyNames(entity: entity) == ["k", "l"])
    }

    // MARK: - Functions

    @Test func averageOfLongsAndDoublesIsTheExactMean() async throws {
        try await database.insert(entity, "k", [(1, .long(1)), (2, .double(2.5)), (3, .string("5")), (4, .long(4))])
        #expect(try await whole(.average) == .double(2.5))
    }

    @Test func sumStaysWholeWhileAllValuesAre() async throws {
        try await database.insert(entity, "k", [(1, .long(Int64.max - 1)), (2, .long(1))])
        #expect(try await whole(.sum) == .long(.max))
        try await database.insert(entity, "k", [(3, .double(0.5))])
        #expect(try await whole(.sum) == .double(9_223_372_036_854_775_808))
    }

    @Test func aSumBeyond64BitsBecomesADouble() async throws {
        try await database.insert(entity, "k", [(1, .long(.max)), (2, .long(.max))])
        #expect(try await whole(.sum) == .double(18_446_744_073_709_551_616))
    }

    @Test func bucketsWithoutNumbersAverageAndSumToZero() async throws {
        try await database.insert(entity, "k", [(1, .string("a")), (2, .boolean(true))])
        #expect(try await whole(.average) == .double(0))
        #expect(try await whole(.sum) == .long(0))
    }

    @Test func extremesPreferNumbersAndFallBackToText() async throws {
        try await database.insert(entity, "k", [(1, .string("pear")), (2, .string("Apple")), (3, .string("zoo"))])
        #expect(try await whole(.min) == .string("Apple"))
        #expect(try await whole(.max) == .string("zoo"))
        try await database.insert(entity, "k", [(4, .long(3)), (5, .long(9))])
        #expect(try await whole(.min) == .long(3))
        #expect(try await whole(.max) == .long(9))
        try await database.insert(entity, "k", [(6, .double(-0.5))])
        #expect(try await whole(.min) == .double(-0.5))
        #expect(try await whole(.max) == .double(9))
    }

    @Test func extremesOfBooleansAndDocumentsAreNothing() async throws {
        try await database.insert(entity, "k", [(1, .boolean(true)), (2, .json("{}"))])
        #expect(try await whole(.min) == nil)
        #expect(try await whole(.max) == nil)
    }

    @Test func countTakesTheFirstKindThatThereIs() async throws {
        try await database.insert(entity, "k", [(1, .long(1)), (2, .double(1)), (3, .long(1))])
        #expect(try await whole(.count) == .long(3))
        try await database.insert(entity, "k", [(4, .json("{}"))])
        #expect(try await whole(.count) == .long(1))
        try await database.insert(entity, "k", [(5, .string("a")), (6, .string("b"))])
        #expect(try await whole(.count) == .long(2))
        try await database.insert(entity, "k", [(7, .boolean(true))])
        #expect(try await whole(.count) == .long(1))
    }

    // MARK: - Buckets

    @Test func bucketsStartAtTheRangeAndTheLastIsCut() async throws {
        try await database.insert(entity, "k", [(1500, .long(1)), (3400, .long(2)), (7900, .long(3))])
        let points = try await aggregate(.count, from: 1500, to: 8000, .milliseconds(2000))
        // 1500..3500 holds two, 3500..5500 and 5500..7500 none, 7500..8000 one.
        #expect(points.map(\.timestamp) == [2500, 7750])
        #expect(points.map(\.value) == [.long(2), .long(1)])
    }

    @Test func theNumberOfBucketsIsLimited() async throws {
        #expect(try await aggregate(.count, from: 0, to: 700_000, .milliseconds(1000)).isEmpty)
        await #expect(throws: TelemetryReader.QueryError.tooManyIntervals(701)) {
            _ = try await aggregate(.count, from: 0, to: 701_000, .milliseconds(1000))
        }
        await #expect(throws: TelemetryReader.QueryError.self) {
            _ = try await aggregate(.count, from: 10, to: 0, .milliseconds(1000))
        }
        await #expect(throws: TelemetryReader.QueryError.self) {
            _ = try await aggregate(.count, from: .min, to: .max, .milliseconds(1000))
        }
        await #expect(throws: TelemetryReader.QueryError.intervalNotPositive) {
            _ = try await aggregate(.average, from: 0, to: 10, .milliseconds(0))
        }
    }

    @Test func bucketsBelowASecondAreOneSecond() async throws {
        try await database.insert(entity, "k", [(10, .long(1)), (600, .long(1)), (1100, .long(1))])
        #expect(
            try await aggregate(.count, from: 0, to: 2000, .milliseconds(10)).map(\.value) == [.long(2), .long(1)])
    }

    // Friday, 2023-11-10 12:00 UTC, and the days behind it.
    private static let friday: Int64 = 1_699_617_600_000
    private static let day: Int64 = 86_400_000

    @Test func weeksEndOnSundayOrMonday() async throws {
        let noons = (0..<5).map { Self.friday + Int64($0) * Self.day }
        try await database.insert(entity, "k", noons.map { ($0, .long(1)) })
        let end = Self.friday + 5 * Self.day
        // Friday and Saturday; Sunday to Tuesday.
        let american = try await aggregate(.count, from: Self.friday, to: end, .week, zone: "UTC")
        #expect(american.map(\.value) == [.long(2), .long(3)])
        // Friday to Sunday; Monday and Tuesday.
        let iso = try await aggregate(.count, from: Self.friday, to: end, .isoWeek, zone: "UTC")
        #expect(iso.map(\.value) == [.long(3), .long(2)])
        let monday = Self.friday + 2 * Self.day + Self.day / 2
        #expect(iso.map(\.timestamp) == [Self.friday + (monday - Self.friday) / 2, monday + (end - monday) / 2])
    }

    @Test func monthsEndAtLocalMidnightAcrossDaylightSaving() async throws {
        // Berlin: March begins 2024-02-29T23:00Z and ends 2024-03-31T22:00Z, summer time has begun then.
        let march: Int64 = 1_709_247_600_000
        let april: Int64 = 1_711_922_400_000
        try await database.insert(
            entity, "k",
            [(march - 1, .long(1)), (march, .long(10)), (april - 1, .long(100)), (april, .long(1000))])
        let from = march - Self.day
        let to = april + Self.day
        let points = try await aggregate(.sum, from: from, to: to, .month, zone: "Europe/Berlin")
        #expect(points.map(\.value) == [.long(1), .long(110), .long(1000)])
        #expect(
            points.map(\.timestamp)
                == [from + (march - from) / 2, march + (april - march) / 2, april + (to - april) / 2])
    }

    @Test func quartersAndOffsetsWork() async throws {
        // 2024-04-01T00:00+02:00.
        let second: Int64 = 1_711_922_400_000
        try await database.insert(entity, "k", [(second - 1, .long(1)), (second, .long(2))])
        for zone in ["+02:00", "GMT+2", "UTC+0200", "Europe/Berlin"] {
            let points = try await aggregate(
                .sum, from: second - Self.day, to: second + Self.day, .quarter, zone: zone)
            #expect(points.map(\.value) == [.long(1), .long(2)], "\(zone)")
        }
    }

    @Test(arguments: ["Nowhere/Land", "'; DROP TABLE device; --", "", "<+05>-5", "+99:00"])
    func anUnknownTimeZoneIsTakenForUTC(_ zone: String) async throws {
        try await database.insert(entity, "k", [(Self.friday, .long(1))])
        let points = try await aggregate(
            .count, from: Self.friday - Self.day, to: Self.friday + Self.day, .month, zone: zone)
        #expect(points.map(\.value) == [.long(1)])
    }

    // MARK: - Deletion

    @Test func aDeletedRangeGivesTheLatestValueBackToWhatIsInFront() async throws {
        try await database.insert(entity, "k", (1...5).map { ($0 * 1000, .long($0)) })
        try await database.settleLatest(entity)
        try await reader.delete(
            entity: entity, keys: ["k"], .init(from: 4000, to: 6000, rewritesLatest: true))
        #expect(
            try await reader.latest(entity: entity, keys: ["k"])["k"] == StoredPoint(timestamp: 3000, value: .long(3)))
        #expect(
            try await reader.history(entity: entity, keys: ["k"], .init(from: 0, to: 9000))["k"]?.map(\.timestamp)
                == [3000, 2000, 1000])
    }

    @Test func withoutRewritingTheLatestValueIsGone() async throws {
        try await database.insert(entity, "k", [(1000, .long(1)), (2000, .long(2))])
        try await database.settleLatest(entity)
        try await reader.delete(entity: entity, keys: ["k"], .init(from: 2000, to: 3000))
        #expect(try await reader.latest(entity: entity, keys: ["k"]).isEmpty)
    }

    @Test func aLatestValueOutsideTheRangeStays() async throws {
        try await database.insert(entity, "k", [(1000, .long(1)), (2000, .long(2))])
        try await database.settleLatest(entity)
        try await reader.delete(entity: entity, keys: ["k", "unknown"], .init(from: 0, to: 2000))
        #expect(try await reader.latest(entity: entity, keys: ["k"])["k"]?.timestamp == 2000)
        try await reader.delete(entity: entity, keys: ["k"], .init(from: 2000, to: 3000, includesLatest: false))
        #expect(try await reader.latest(entity: entity, keys: ["k"])["k"]?.timestamp == 2000)
    }
}
