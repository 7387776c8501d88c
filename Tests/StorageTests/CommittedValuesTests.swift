import Logging
import Metrics
import Model
import Postgres
import Reactor
import Synchronization
import Telemetry
import TestSupport
import Testing

@testable import Storage

/// Who listens hears of what is committed, and of nothing else.
@Suite(.enabled(if: TestDatabase.isAvailable, "PostgreSQL is not installed"), .serialized)
struct CommittedValuesTests {
    private final class Listener: CommittedValuesListener {
        let entity: UUID128
        let heard = Mutex<[CommittedChange]>([])

        init(of entity: UUID128) { self.entity = entity }

        func wants(_ entity: UUID128, _ origin: borrowing SaveOrigin) -> Bool { entity == self.entity }
        func committed(_ changes: [CommittedChange]) { heard.withLock { $0 += changes } }

        /// What was heard, each as a line.
        var lines: [String] {
            heard.withLock { $0 }.map { change in
                switch change.content {
                case .timeseries(let time, let streams, let points):
                    "ts \(time) \(streams.rawValue) \(Self.text(points))"
                case .attributes(let scope, let time, let points): "\(scope.name) \(time) \(Self.text(points))"
                case .timeseriesDeleted(let keys): "ts deleted \(keys)"
                case .attributesDeleted(let scope, let keys): "\(scope.name) deleted \(keys)"
                case .alarm(let id, let isDeleted): "alarm \(id) \(isDeleted)"
                }
            }
        }

        private static func text(_ points: PointArena) -> String {
            points.entries.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
        }
    }

    private struct Refusal: Error {}

    private static let database = Result {
        let conninfo = try TestDatabase.makeEmpty()
        let connection = try PostgresConnection(connecting: conninfo)
        _ = try SchemaInstaller.install(on: connection, demo: false, options: SchemaSuite.options)
        connection.close()
        return conninfo
    }

    private let entity = UUID128.random()
    private let origin = SaveOrigin(
        tenant: TenantID(UUID128.random()), entityType: .device, calculatedFields: [UUID128.random()])

    private func withStorage(_ body: (Database, TelemetryWriter, Listener) async throws -> Void) async throws {
        let conninfo = try Self.database.get()
        let group = try EventLoopGroup(count: 1, name: "test")
        group.start()
        defer { group.stop() }
        let database = Database(
            configuration: DatabaseConfiguration(conninfo: conninfo), loops: group.loops, logger: .disabled,
            metrics: MetricsRegistry())
        defer { database.close() }
        let writer = TelemetryWriter(
            configuration: TelemetryWriterConfiguration(), partitioning: PartitionManager(scheme: .months),
            logger: .disabled, metrics: MetricsRegistry(), committed: database.committed
        ) { () throws(PostgresError) in try PostgresConnection(connecting: conninfo) }
        writer.start()
        defer { writer.stop() }
        let listener = Listener(of: entity)
        database.committed.add(listener)
        try await body(database, writer, listener)
    }

    private func arena(_ values: [(String, TelemetryValue)]) -> PointArena {
        var arena = PointArena()
        for (key, value) in values { arena.append(key: key, value: value) }
        return arena
    }

    private func save(
        _ values: [(String, TelemetryValue)], of entity: UUID128, at time: Int64, _ writer: TelemetryWriter
    ) async throws {
        let points = arena(values)
        try await writer.save(
            entity: entity, records: [TimeseriesRecord(timestamp: time, arena: points, points: 0..<points.count)],
            origin: origin)
    }

    @Test func pointsAreToldWithTheirOriginBeforeTheSaveReturns() async throws {
        try await withStorage { _, writer, listener in
            try await save([("a", .long(1)), ("b", .string("x")), ("c", .json("[1]"))], of: entity, at: 1000, writer)
            try await save([("other", .long(1))], of: UUID128.random(), at: 1000, writer)
            let values = [TelemetryValue.long(1), .string("x"), .json("[1]")]
            #expect(listener.lines == ["ts 1000 3 a=\(values[0]) b=\(values[1]) c=\(values[2])"])
            #expect(listener.heard.withLock { $0.map(\.origin) } == [origin])
        }
    }

    @Test func pointsThatTheDatabaseRefusesAreNotTold() async throws {
        try await withStorage { _, writer, listener in
            await #expect(throws: TelemetrySaveError.self) {
                try await save([("a", .json("{broken"))], of: entity, at: 1000, writer)
            }
            try await save([("a", .boolean(true))], of: entity, at: 2000, writer)
            #expect(listener.lines == ["ts 2000 3 a=\(TelemetryValue.boolean(true))"])
        }
    }

    @Test func attributesOfWritersAreTold() async throws {
        try await withStorage { _, writer, listener in
            try await writer.saveAttributes(
                entity: entity, scope: .client, timestamp: 5, arena: arena([("fw", .double(1.5))]), origin: origin)
            #expect(listener.lines == ["CLIENT_SCOPE 5 fw=\(TelemetryValue.double(1.5))"])
        }
    }

    @Test func attributesOfRepositoriesAndTheirDeletionAreTold() async throws {
        try await withStorage { database, _, listener in
            let attributes = AttributeRepository(database)
            try await attributes.save(
                entity: entity, scope: .server, [("a", .long(1)), ("b", .long(2)), ("a", .long(3))], at: 7,
                origin: origin)
            try await attributes.delete(entity: entity, scope: .server, keys: ["a", "none"], origin: origin)
            try await attributes.delete(entity: entity, scope: .server, keys: ["a"], origin: origin)
            #expect(
                listener.lines == [
                    "SERVER_SCOPE 7 b=\(TelemetryValue.long(2)) a=\(TelemetryValue.long(3))",
                    "SERVER_SCOPE deleted [\"a\"]",
                ])
            #expect(listener.heard.withLock { $0.map(\.origin) } == [origin, origin])
        }
    }

    @Test func aTransactionTellsWhenItIsCommittedAndNothingWhenItIsNot() async throws {
        try await withStorage { database, _, listener in
            let (entity, origin) = (entity, origin)
            try await database.inTransaction { transaction in
                try await AttributeRepository(transaction).inside(transaction).save(
                    entity: entity, scope: .shared, [("a", .long(1))], at: 1, origin: origin)
                #expect(listener.lines.isEmpty)
            }
            #expect(listener.lines.count == 1)
            await #expect(throws: Refusal.self) {
                try await database.inTransaction { transaction in
                    try await AttributeRepository(transaction).inside(transaction).save(
                        entity: entity, scope: .shared, [("a", .long(2))], at: 2, origin: origin)
                    throw Refusal()
                }
            }
            #expect(listener.lines.count == 1)
        }
    }

    @Test func deletedPointsAreTold() async throws {
        try await withStorage { database, writer, listener in
            try await save([("a", .long(1))], of: entity, at: 1000, writer)
            try await TelemetryReader(database).delete(
                entity: entity, keys: ["a"], TelemetryReader.Deletion(from: 0, to: 2000), origin: origin)
            #expect(listener.lines.last == "ts deleted [\"a\"]")
        }
    }

    @Test func whoDoesNotListenAnyMoreHearsNothing() async throws {
        try await withStorage { database, writer, listener in
            database.committed.remove(listener)
            #expect(!database.committed.isHeard)
            try await save([("a", .long(1))], of: entity, at: 1000, writer)
            #expect(listener.lines.isEmpty)
        }
    }
}
