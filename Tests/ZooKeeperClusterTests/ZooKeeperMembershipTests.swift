import Cluster
import Logging
import Metrics
import Synchronization
import TestSupport
import Testing
import ZooKeeper

@testable import ZooKeeperCluster

/// Consumes at once, and remembers what it was told.
private final class RecordingConsumer: PartitionConsumer {
    private struct State {
        var owned: Set<Int> = []
        var abandoned: Set<Int> = []
        var drained: Set<Int> = []
    }

    private let state = Mutex(State())
    private let isStuck: Bool
    private let stuck = Mutex<[CheckedContinuation<Void, Never>]>([])

    /// - Parameter isStuck: Whether nothing it gives up is ever drained.
    init(isStuck: Bool = false) {
        self.isStuck = isStuck
    }

    var owned: Set<Int> { state.withLock { $0.owned } }
    var abandoned: Set<Int> { state.withLock { $0.abandoned } }
    var drained: Set<Int> { state.withLock { $0.drained } }

    func own(_ partitions: Set<Int>) async {
        let released = state.withLock { state in
            let released = state.owned.subtracting(partitions)
            state.owned = partitions
            return released
        }
        if isStuck, !released.isEmpty {
            await withCheckedContinuation { waiter in stuck.withLock { $0.append(waiter) } }
        }
        state.withLock { $0.drained.formUnion(released) }
    }

    func abandon(_ partitions: Set<Int>) {
        state.withLock { state in
            state.owned.subtract(partitions)
            state.abandoned.formUnion(partitions)
        }
        let waiters = stuck.withLock { stuck in
            defer { stuck = [] }
            return stuck
        }
        for waiter in waiters { waiter.resume() }
    }
}

/// Does what it is told to own only when it is let, as one does whose thread was not run for a while.
private final class HesitantConsumer: PartitionConsumer {
    private struct State {
        var owned: Set<Int> = []
        var abandoned: Set<Int> = []
        var taken = 0
        var waiting: [CheckedContinuation<Void, Never>] = []
        var isLet = false
    }

    private let state = Mutex(State())

    var owned: Set<Int> { state.withLock { $0.owned } }
    var abandoned: Set<Int> { state.withLock { $0.abandoned } }
    var isAsked: Bool { state.withLock { !$0.waiting.isEmpty } }
    /// How often it did what it was told.
    var taken: Int { state.withLock { $0.taken } }

    func go() {
        let waiting = state.withLock { state in
            state.isLet = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for waiter in waiting { waiter.resume() }
    }

    func own(_ partitions: Set<Int>) async {
        await withCheckedContinuation { waiter in
            let isLet = state.withLock { state in
                if !state.isLet { state.waiting.append(waiter) }
                return state.isLet
            }
            if isLet { waiter.resume() }
        }
        state.withLock { state in
            state.owned = partitions
            state.taken += 1
        }
    }

    func abandon(_ partitions: Set<Int>) {
        state.withLock { state in
            state.owned.subtract(partitions)
            state.abandoned.formUnion(partitions)
        }
    }
}

private let queue = PartitionedQueue(name: "core", partitions: 8, role: .core)

@Suite(.enabled(if: TestZooKeeper.isAvailable, "ZooKeeper is not installed"), .serialized)
struct ZooKeeperMembershipTests {
    private static let server = TestZooKeeper()

    private func configuration(_ server: TestZooKeeper, root: String, delay: Duration = .zero) -> ZooKeeperConfiguration
    {
        var configuration = ZooKeeperConfiguration()
        configuration.servers = server.address
        configuration.root = root
        configuration.sessionTimeout = .milliseconds(1200)
        configuration.recalculationDelay = delay
        configuration.drainTimeout = .seconds(20)
        return configuration
    }

    private func makeRoot() -> String { "/test-\(UInt64.random(in: 0...UInt64.max))" }

    private func member(
        _ id: String, _ configuration: ZooKeeperConfiguration, consumer: RecordingConsumer = RecordingConsumer()
    ) async throws -> (ZooKeeperMembership, RecordingConsumer) {
        let membership = ZooKeeperMembership(
            configuration: configuration, info: ServiceInfo(id: id, roles: [.core]), logger: .disabled,
            metrics: MetricsRegistry())
        try await membership.join()
        await membership.assign(queue, to: consumer)
        return (membership, consumer)
    }

    private func shares(_ consumers: RecordingConsumer...) -> Bool {
        let all = consumers.map(\.owned)
        return all.allSatisfy { !$0.isEmpty } && all.reduce(0) { $0 + $1.count } == queue.partitions
            && all.reduce(into: Set()) { $0.formUnion($1) } == Set(0..<queue.partitions)
    }

    @Test func theOnlyMemberOwnsEverything() async throws {
        let root = makeRoot()
        let (a, consumer) = try await member("a", configuration(Self.server, root: root))
        try await eventually("everything") { consumer.owned == Set(0..<8) }
        #expect(a.lease.isValid)
        #expect(a.view.members.map(\.id) == ["a"])

        let observer = try ZooKeeperSession(servers: Self.server.address, timeout: .seconds(2)) { _ in }
        defer { observer.close() }
        let nodes = try await observer.children(of: root + "/nodes")
        #expect(nodes == ["0000000000"])
        let info = try ServiceInfo(decoding: await observer.data(at: root + "/nodes/0000000000"))
        #expect(info.id == "a")
        #expect(info.types == ["TB_CORE"])
        #expect(info.system.cpuCount > 0)
        await a.leave()
        let left = try await observer.children(of: root + "/nodes")
        #expect(left == [])
        #expect(consumer.owned == [])
        #expect(consumer.abandoned == [])
        #expect(!a.lease.isValid)
    }

    @Test func partitionsAreSharedAndComeBack() async throws {
        let configuration = configuration(Self.server, root: makeRoot())
        let (a, ofA) = try await member("a", configuration)
        try await eventually("everything") { ofA.owned.count == 8 }
        let (b, ofB) = try await member("b", configuration)
        try await eventually("shares") { shares(ofA, ofB) }
        // What moved was drained, not abandoned.
        #expect(ofA.drained == ofB.owned)
        #expect(ofA.abandoned == [])
        await b.leave()
        try await eventually("everything again") { ofA.owned.count == 8 }
        await a.leave()
    }

    @Test func aSecondProcessWithTheSameIDIsRefused() async throws {
        let configuration = configuration(Self.server, root: makeRoot())
        let (a, consumer) = try await member("a", configuration)
        let second = ZooKeeperMembership(
            configuration: configuration, info: ServiceInfo(id: "a", roles: [.core]), logger: .disabled,
            metrics: MetricsRegistry())
        await #expect(throws: ClusterJoinError.serviceIDInUse("a")) { try await second.join() }
        await second.leave()
        try await eventually("everything") { consumer.owned.count == 8 }
        await a.leave()
    }

    @Test func aProcessIsNoMemberBeforeItJoins() async throws {
        let configuration = configuration(Self.server, root: makeRoot())
        let (a, consumer) = try await member("a", configuration)
        let b = ZooKeeperMembership(
            configuration: configuration, info: ServiceInfo(id: "b", roles: [.core]), logger: .disabled,
            metrics: MetricsRegistry())
        try await eventually("everything") { consumer.owned.count == 8 }
        try await eventually("its view of the others") { b.view.members.map(\.id) == ["a"] }
        #expect(a.view.members.map(\.id) == ["a"])
        #expect(consumer.owned.count == 8)
        try await b.join()
        try await eventually("both") { a.view.members.map(\.id).sorted() == ["a", "b"] }
        await b.leave()
        await a.leave()
    }

    @Test func whoIsToldToEndDoesNotWaitToJoin() async throws {
        var configuration = configuration(Self.server, root: makeRoot())
        configuration.servers = "127.0.0.1:1"
        let membership = ZooKeeperMembership(
            configuration: configuration, info: ServiceInfo(id: "a", roles: [.core]), logger: .disabled,
            metrics: MetricsRegistry())
        let joining = Task { try await membership.join() }
        joining.cancel()
        await #expect(throws: ClusterJoinError.left) { try await joining.value }
        await membership.leave()
    }

    @Test func aProcessThatCountsPartitionsOtherwiseIsRefusedAndNobodyNotices() async throws {
        let configuration = configuration(Self.server, root: makeRoot())
        func made(_ id: String, _ partitions: Int) -> ZooKeeperMembership {
            ZooKeeperMembership(
                configuration: configuration, info: ServiceInfo(id: id, roles: [.core], corePartitions: partitions),
                logger: .disabled, metrics: MetricsRegistry())
        }
        let first = made("a", 8)
        try await first.join()
        let same = made("b", 8)
        try await same.join()
        let other = made("c", 5)
        await #expect(throws: ClusterJoinError.otherPartitions(own: 5, member: "a", count: 8)) {
            do { try await other.join() } catch ClusterJoinError.otherPartitions(let own, _, let count) {
                // Either of the two may be the one that it names.
                throw ClusterJoinError.otherPartitions(own: own, member: "a", count: count)
            }
        }
        #expect(first.view.members.map(\.id).sorted() == ["a", "b"])
        await other.leave()
        await same.leave()
        await first.leave()
    }

    @Test func anExpiredSessionAbandonsAtOnceAndOwnsAgain() async throws {
        let root = makeRoot()
        let (a, consumer) = try await member("a", configuration(Self.server, root: root))
        try await eventually("everything") { consumer.owned.count == 8 }
        let identity = try #require(await a.sessionIdentity)
        // Another connection takes the session over and closes it, as often as its owner takes it back before.
        try await eventually("the session to end") {
            let connected = Mutex(false)
            let thief = try ZooKeeperSession(servers: Self.server.address, timeout: .seconds(2), resuming: identity) {
                _ in
                connected.withLock { $0 = true }
            }
            try await eventually("an answer") { connected.withLock { $0 } }
            thief.close()
            for _ in 0..<20 where consumer.abandoned.isEmpty { try await Task.sleep(for: .milliseconds(10)) }
            return !consumer.abandoned.isEmpty
        }
        try await eventually("abandoned") { consumer.abandoned == Set(0..<8) }
        try await eventually("owned again") { consumer.owned == Set(0..<8) && a.lease.isValid }
        #expect(a.view.members.map(\.id) == ["a"])
        await a.leave()
    }

    /// The server stands still: the lease ends before the server could give the partitions to others.
    @Test func aSilentServerEndsTheLease() async throws {
        let server = TestZooKeeper()
        let (a, consumer) = try await member("a", configuration(server, root: makeRoot()))
        try await eventually("everything") { consumer.owned.count == 8 }
        server.stop()
        try await eventually("the end of the lease") { !a.lease.isValid }
        try await eventually("abandoned") { consumer.abandoned == Set(0..<8) && consumer.owned.isEmpty }
        server.resume()
        try await eventually("owned again") { consumer.owned == Set(0..<8) && a.lease.isValid }
        await a.leave()
        server.kill()
    }

    /// Else two processes would consume them.
    @Test func whatIsAbandonedBeforeItIsTakenUpIsNotConsumed() async throws {
        let server = TestZooKeeper()
        let consumer = HesitantConsumer()
        let membership = ZooKeeperMembership(
            configuration: configuration(server, root: makeRoot()), info: ServiceInfo(id: "a", roles: [.core]),
            logger: .disabled, metrics: MetricsRegistry())
        try await membership.join()
        await membership.assign(queue, to: consumer)
        try await eventually("the first call") { consumer.isAsked }
        server.stop()
        try await eventually("abandoned") { !membership.lease.isValid && !consumer.abandoned.isEmpty }
        consumer.go()
        try await eventually("taken up and given up again") { consumer.taken > 0 && consumer.owned.isEmpty }
        server.resume()
        try await eventually("owned") { consumer.owned == Set(0..<8) && membership.lease.isValid }
        await membership.leave()
        server.kill()
    }

    @Test func aKilledServerIsSurvived() async throws {
        let server = TestZooKeeper()
        let configuration = configuration(server, root: makeRoot())
        let (a, ofA) = try await member("a", configuration)
        let (b, ofB) = try await member("b", configuration)
        try await eventually("shares") { shares(ofA, ofB) }
        server.kill()
        try await eventually("nobody owns") { ofA.owned.isEmpty && ofB.owned.isEmpty }
        // The view holds.
        #expect(a.view.members.map(\.id) == ["a", "b"])
        server.start()
        try await eventually("shares again") { shares(ofA, ofB) && a.lease.isValid && b.lease.isValid }
        await b.leave()
        await a.leave()
        server.kill()
    }

    @Test func aMemberWaitsForAServerThatIsNotThereYet() async throws {
        let server = TestZooKeeper()
        server.kill()
        let membership = ZooKeeperMembership(
            configuration: configuration(server, root: makeRoot()), info: ServiceInfo(id: "a", roles: [.core]),
            logger: .disabled, metrics: MetricsRegistry())
        async let joined: Void = membership.join()
        server.start()
        try await joined
        #expect(membership.view.members.map(\.id) == ["a"])
        await membership.leave()
        server.kill()
    }

    @Test func aConsumerThatDoesNotDrainIsCutOff() async throws {
        var configuration = configuration(Self.server, root: makeRoot())
        configuration.drainTimeout = .milliseconds(300)
        let (a, ofA) = try await member("a", configuration, consumer: RecordingConsumer(isStuck: true))
        try await eventually("everything") { ofA.owned.count == 8 }
        let (b, ofB) = try await member("b", configuration)
        try await eventually("shares") { shares(ofA, ofB) }
        #expect(ofA.abandoned == ofB.owned)
        await b.leave()
        await a.leave()
    }

    @Test func whoWithdrawsGivesEverythingAwayUntilItRejoins() async throws {
        let configuration = configuration(Self.server, root: makeRoot())
        let (a, ofA) = try await member("a", configuration)
        let (b, ofB) = try await member("b", configuration)
        try await eventually("shares") { shares(ofA, ofB) }
        await a.withdraw()
        try await eventually("everything elsewhere") { ofB.owned.count == 8 && ofA.owned.isEmpty }
        await a.rejoin()
        try await eventually("shares again") { shares(ofA, ofB) }
        await a.leave()
        await b.leave()
    }

    @Test func aQueueCanBeUnassigned() async throws {
        let configuration = configuration(Self.server, root: makeRoot())
        let (a, consumer) = try await member("a", configuration)
        try await eventually("everything") { consumer.owned.count == 8 }
        await a.unassign("core")
        #expect(consumer.owned == [])
        #expect(consumer.drained == Set(0..<8))
        await a.leave()
    }

    @Test func aDeletedNodeIsPublishedAgain() async throws {
        let root = makeRoot()
        let (a, consumer) = try await member("a", configuration(Self.server, root: root))
        let operatorSession = try ZooKeeperSession(servers: Self.server.address, timeout: .seconds(2)) { _ in }
        defer { operatorSession.close() }
        try await operatorSession.delete(root + "/nodes/0000000000")
        try await eventually("a new node") { try await operatorSession.children(of: root + "/nodes") == ["0000000001"] }
        try await eventually("everything") { consumer.owned.count == 8 }
        await a.leave()
    }

    @Test func aRestartWithinTheDelayMovesNothing() async throws {
        let configuration = configuration(Self.server, root: makeRoot(), delay: .seconds(60))
        let (a, ofA) = try await member("a", configuration)
        let (b, ofB) = try await member("b", configuration)
        try await eventually("shares") { shares(ofA, ofB) }
        let (before, drainedBefore) = (ofA.owned, ofA.drained)
        await b.leave()
        let (again, ofAgain) = try await member("b", configuration)
        try await eventually("shares again") { shares(ofA, ofAgain) }
        #expect(ofA.owned == before)
        #expect(ofA.drained == drainedBefore)
        await again.leave()
        await a.leave()
    }
}

@Suite struct ZooKeeperConfigurationTests {
    @Test(arguments: ["localhost:2181", "a:1,b:65535", "[::1]:2181"])
    func serversAreHostsWithPorts(_ text: String) {
        #expect(ZooKeeperConfiguration.isServerList(text))
    }

    @Test(arguments: ["", "localhost", "localhost:0", "localhost:65536", ":2181", "a:1,", "a b:1"])
    func malformedServersAreRefused(_ text: String) {
        #expect(!ZooKeeperConfiguration.isServerList(text))
    }

    @Test func rootsArePaths() {
        #expect(ZooKeeperConfiguration.isPath("/thingsboard"))
        #expect(ZooKeeperConfiguration.isPath("/a/b"))
        for wrong in ["", "/", "a", "/a/", "//a", "/a/../b", "/a b"] { #expect(!ZooKeeperConfiguration.isPath(wrong)) }
    }
}
