import JSON
import Model
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import Storage

/// Answers in pieces say what answers in one piece say (`rest-api.md` 4.9).
@Suite(.enabled(if: TestDatabase.isAvailable, "PostgreSQL is not installed"), .serialized)
struct TelemetryStreamingTests {
    private let database: OneConnection
    private let reader: TelemetryReader
    private let entity = UUID128.ordered()

    init() async throws {
        database = try OneConnection()
        reader = TelemetryReader(database)
        for (key, count) in [("long", 12_001), ("short", 3), ("exact", 5_000)] as [(String, Int64)] {
            _ = try await database.query(
                "INSERT INTO key_dictionary (key) VALUES ($1) ON CONFLICT DO NOTHING", [.text(key)])
            _ = try await database.query(
                """
                INSERT INTO ts_kv (entity_id, key, ts, long_v)
                SELECT $1, key_id, n, n FROM key_dictionary, generate_series(1, $3) AS n WHERE key = $2
                """, [.id(entity), .text(key), .int8(count)])
        }
    }

    private func stream(
        _ keys: [String], _ query: TelemetryReader.HistoryQuery
    ) async throws -> (text: String, pieces: Int, largest: Int) {
        let sent = Mutex<[[UInt8]]>([])
        try await reader.streamHistory(entity: entity, keys: keys, query, strict: true) { piece in
            sent.withLock { $0.append(piece) }
        }
        let pieces = sent.withLock { $0 }
        return (
            String(decoding: pieces.joined(), as: UTF8.self), pieces.count, pieces.map(\.count).max() ?? 0
        )
    }

    private func whole(_ keys: [String], _ query: TelemetryReader.HistoryQuery) async throws -> String {
        var writer = JSONWriter()
        try await reader.writeHistory(entity: entity, keys: keys, query, strict: true, to: &writer)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    @Test(arguments: [true, false])
    func piecesMakeUpTheWhole(_ ascending: Bool) async throws {
        let keys = ["long", "absent", "short", "exact", "long"]
        for (from, to, limit) in [(0, 20_000, 100_000), (7, 11_000, 10_001), (5, 6, 1), (0, 20_000, 0)] {
            let query = TelemetryReader.HistoryQuery(
                from: Int64(from), to: Int64(to), limit: Int64(limit), ascending: ascending)
            let expected = try await whole(keys, query)
            let streamed = try await stream(keys, query)
            #expect(streamed.text == expected, "\(from) \(to) \(limit)")
        }
    }

    @Test func noPieceIsLarge() async throws {
        let streamed = try await stream(["long"], .init(from: 0, to: 20_000, limit: 20_000))
        #expect(streamed.pieces == 3)
        #expect(streamed.largest < 200_000)
    }
}
