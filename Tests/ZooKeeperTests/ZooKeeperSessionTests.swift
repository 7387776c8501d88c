import Synchronization
import TestSupport
import Testing
import ZooKeeper

/// Collects what a session is told.
final class EventLog: Sendable {
    private let events = Mutex<[ZooKeeperEvent]>([])

    func add(_ event: ZooKeeperEvent) { events.withLock { $0.append(event) } }
    var all: [ZooKeeperEvent] { events.withLock { $0 } }

    var isConnected: Bool {
        all.contains { if case .connected = $0 { true } else { false } }
    }
}

/// A session that is connected.
func connected(
    _ server: TestZooKeeper, log: EventLog = EventLog(), timeout: Duration = .seconds(2)
) async throws
    -> ZooKeeperSession
{
    let session = try ZooKeeperSession(servers: server.address, timeout: timeout) { log.add($0) }
    try await eventually("a connection") { log.isConnected }
    return session
}

extension TestZooKeeper {
    /// Ends a session: another connection takes it over and closes it, as often as its owner takes it back before.
    func expire(_ identity: ZooKeeperSession.Identity, until isExpired: () -> Bool) async throws {
        try await eventually("the session to end") {
            let log = EventLog()
            let thief = try ZooKeeperSession(servers: address, timeout: .seconds(2), resuming: identity) { log.add($0) }
            try await eventually("a connection") { log.isConnected || log.all.contains(.expired) }
            thief.close()
            for _ in 0..<20 where !isExpired() { try await Task.sleep(for: .milliseconds(10)) }
            return isExpired()
        }
    }
}

@Suite(.enabled(if: TestZooKeeper.isAvailable, "ZooKeeper is not installed"), .serialized)
struct ZooKeeperSessionTests {
    private static let server = TestZooKeeper()

    private func withSession<R>(
        log: EventLog = EventLog(), _ body: (ZooKeeperSession) async throws -> R
    ) async throws -> R {
        let session = try await connected(Self.server, log: log)
        defer { session.close() }
        return try await body(session)
    }

    private func kind(_ body: () async throws(ZooKeeperError) -> Void) async -> ZooKeeperError.Kind? {
        do {
            try await body()
            return nil
        } catch {
            return error.kind
        }
    }

    @Test func nodesAreMadeReadWrittenAndDeleted() async throws {
        try await withSession { session in
            try await session.ensure("/a/b")
            try await session.create("/a/b/c", data: [1, 0, 255])
            let data = try await session.data(at: "/a/b/c")
            #expect(data == [1, 0, 255])
            try await session.setData([7], at: "/a/b/c")
            let status = try await session.status(of: "/a/b/c")
            #expect(status?.version == 1)
            #expect(status?.ephemeralOwner == 0)
            let children = try await session.children(of: "/a/b")
            #expect(children == ["c"])
            try await session.delete("/a/b/c")
            let gone = try await session.status(of: "/a/b/c")
            #expect(gone == nil)
        }
    }

    @Test func dataMayBeEmpty() async throws {
        try await withSession { session in
            try await session.create("/empty")
            let data = try await session.data(at: "/empty")
            #expect(data == [])
        }
    }

    @Test func sequentialNodesAreNumberedBelowAnEmptyName() async throws {
        try await withSession { session in
            try await session.ensure("/sequence")
            let first = try await session.create("/sequence/", mode: .ephemeralSequential)
            let second = try await session.create("/sequence/", mode: .ephemeralSequential)
            #expect(first == "/sequence/0000000000")
            #expect(second == "/sequence/0000000001")
        }
    }

    @Test func refusalsHaveNames() async throws {
        try await withSession { session in
            try await session.ensure("/refusals/child")
            #expect(
                await kind { () async throws(ZooKeeperError) in try await session.create("/refusals") } == .nodeExists)
            #expect(
                await kind { () async throws(ZooKeeperError) in try await session.delete("/refusals") } == .notEmpty)
            #expect(await kind { () async throws(ZooKeeperError) in try await session.delete("/nowhere") } == .noNode)
            #expect(
                await kind { () async throws(ZooKeeperError) in _ = try await session.data(at: "/nowhere") } == .noNode)
            #expect(
                await kind { () async throws(ZooKeeperError) in
                    try await session.setData([], at: "/refusals", version: 9)
                } == .badVersion)
            #expect(
                await kind { () async throws(ZooKeeperError) in try await session.create("no/slash") } == .badArguments)
        }
    }

    @Test func malformedServersAreRefusedAtOnce() {
        #expect(throws: ZooKeeperError.self) {
            try ZooKeeperSession(servers: "no.such.host.invalid:2181", timeout: .seconds(1)) { _ in }
        }
    }

    @Test func watchesTellOnce() async throws {
        let log = EventLog()
        try await withSession(log: log) { session in
            try await session.ensure("/watched")
            _ = try await session.children(of: "/watched", watch: true)
            _ = try await session.status(of: "/watched/x", watch: true)
            try await withSession { other in
                try await other.create("/watched/x")
                try await other.delete("/watched/x")
            }
            try await eventually("both watches") {
                log.all.contains(.changed(path: "/watched", .children))
                    && log.all.contains(.changed(path: "/watched/x", .created))
            }
            #expect(!log.all.contains(.changed(path: "/watched/x", .deleted)))
        }
    }

    @Test func ephemeralNodesGoWithTheirSession() async throws {
        try await withSession { observer in
            let session = try await connected(Self.server)
            try await session.create("/ephemeral", mode: .ephemeral)
            let status = try await observer.status(of: "/ephemeral")
            #expect(status?.ephemeralOwner == session.identity?.session)
            session.close()
            let gone = try await observer.status(of: "/ephemeral")
            #expect(gone == nil)
        }
    }

    @Test func aClosedSessionRefuses() async throws {
        let session = try await connected(Self.server)
        session.close()
        session.close()
        #expect(await kind { () async throws(ZooKeeperError) in try await session.create("/closed") } == .closed)
        #expect(session.identity == nil)
    }

    @Test func expiryIsTold() async throws {
        let log = EventLog()
        let session = try await connected(Self.server, log: log)
        defer { session.close() }
        let identity = try #require(session.identity)
        try await Self.server.expire(identity) { log.all.contains(.expired) }
        #expect(
            await kind { () async throws(ZooKeeperError) in try await session.create("/expired") } == .sessionExpired)
    }

    @Test func nodesOfTheCreatorAreClosedToOthers() async throws {
        try await withSession { session in
            session.authenticate(scheme: "digest", credentials: "needletail:secret")
            try await session.create("/secured", onlyForCreator: true)
            try await withSession { stranger in
                #expect(
                    await kind { () async throws(ZooKeeperError) in try await stranger.setData([1], at: "/secured") }
                        == .notAuthorized)
            }
        }
    }

    @Test func aKilledServerIsFoundAgain() async throws {
        let server = TestZooKeeper()
        let log = EventLog()
        let session = try await connected(server, log: log, timeout: .seconds(4))
        defer { session.close() }
        try await session.create("/survives", mode: .ephemeral)
        server.kill()
        try await eventually("the loss") { log.all.contains(.disconnected) }
        server.start()
        try await eventually("the way back") { (try? await session.status(of: "/survives")) != nil }
        let status = try await session.status(of: "/survives")
        #expect(status?.ephemeralOwner == session.identity?.session)
        server.kill()
    }
}
