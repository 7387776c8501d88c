import Cluster
import Configuration
import Logging
import Metrics
import Threads
import ZooKeeper

/// Keeps this process's place in the cluster: one session with ZooKeeper after the other, the node that publishes it, the
/// view of the others, and the locks of its partitions.
///
/// Everything that happens is an event, handled in order without waiting; what waits runs beside and comes back as an event.
/// The decisions are those of ``OwnershipMachine``, ``MembershipTracker`` and ``OwnershipLease``.
actor ClusterAgent {
    enum Stage: Sendable, Equatable {
        /// Not seen by itself among the members yet.
        case joining
        case joined
        /// Out of the cluster for a while, by its own wish.
        case withdrawn
        /// On the way out for good.
        case leaving
        /// Everything is given back; the session is being closed.
        case closing
        case left
    }

    let configuration: ZooKeeperConfiguration
    let paths: ClusterPaths
    let lease: OwnershipLease
    let logger: Logger
    let metrics: ClusterMetrics
    let publishView: @Sendable (MembershipView) -> Void
    var info: ServiceInfo
    var load = SystemLoad()

    var stage = Stage.joining
    /// Others give partitions to who is published: not before somebody asked for it.
    var wantsToJoin = false
    var joinWaiters: [CheckedContinuation<ClusterJoinError?, Never>] = []
    var leaveWaiters: [CheckedContinuation<Void, Never>] = []
    var leaveDeadline: BootTime?
    /// The deadline has passed.
    var mustLeaveNow = false

    // The session.
    var generation = 0
    var session: ZooKeeperSession?
    /// Opening takes a thread and a moment.
    var isOpening = false
    var isConnected = false
    /// The present session has been connected at least once.
    var hasBegun = false
    var sessionID: Int64 = 0
    var sessionTimeout = Duration.zero
    var attemptBegan = BootTime.distantPast
    var nextAttempt = BootTime.distantPast
    var failures = 0
    var heartbeatBegan = BootTime.distantPast
    var isHeartbeatOut = false
    var isLeased = false

    // The members.
    var ownNode: String?
    var idTakenSince: BootTime?
    var known: [String: ServiceInfo?] = [:]
    var tracker: MembershipTracker
    var view = MembershipView(epoch: 0, members: [])
    var isListing = false
    var mustListAgain = false
    /// This process was no member for a while: what it should own is to be decided anew once it is.
    var mustReview = false
    var refreshed = BootTime.distantPast

    // The partitions.
    var queues: [String: ManagedQueue] = [:]
    var unassignWaiters: [String: [CheckedContinuation<Void, Never>]] = [:]

    let events: AsyncStream<ClusterEvent>
    nonisolated let post: AsyncStream<ClusterEvent>.Continuation

    init(
        configuration: ZooKeeperConfiguration, info: ServiceInfo, lease: OwnershipLease, logger: Logger,
        metrics: ClusterMetrics, publishView: @escaping @Sendable (MembershipView) -> Void
    ) {
        self.configuration = configuration
        self.info = info
        self.lease = lease
        self.logger = logger
        self.metrics = metrics
        self.publishView = publishView
        paths = ClusterPaths(root: configuration.root)
        tracker = MembershipTracker(delay: configuration.recalculationDelay)
        (events, post) = AsyncStream.makeStream()
    }

    /// Handles events until the process has left the cluster.
    func run() async {
        let post = post
        let ticker = Task {
            while !Task.isCancelled {
                try? await Task.sleep(for: .milliseconds(100))
                post.yield(.tick)
            }
        }
        post.yield(.tick)
        for await event in events {
            handle(event)
            if stage == .left { break }
        }
        ticker.cancel()
        post.finish()
    }

    private func handle(_ event: ClusterEvent) {
        switch event {
        case .tick: tick(at: .now())
        case .opened(let number, let result): opened(number, result)
        case .zooKeeper(let number, let event) where number == generation: heard(event)
        case .heartbeat(let number, let sentAt, let succeeded) where number == generation:
            heartbeatEnded(sentAt: sentAt, succeeded: succeeded)
        case .idTaken(let number) where number == generation:
            idTakenSince = .now()
            logger.warning("the service id is in use; waiting for its session to end", ["service.id": .string(info.id)])
        case .refused(let number, let error) where number == generation: failJoiners(error)
        case .published(let number, let result) where number == generation: published(result)
        case .nodes(let number, let result) where number == generation: listed(result)
        case .lock(let number, let queue, let partition, let outcome):
            lockEnded(queue, partition, outcome, generation: number)
        case .released(let number, let queue, let partition):
            feed(queue, .lockReleased(partition, session: number))
        case .consumed(let queue, let partitions): consumed(queue, partitions)
        case .closed: finishLeaving()
        case .zooKeeper, .heartbeat, .idTaken, .refused, .published, .nodes: break  // Of an earlier session.
        }
    }

    private func tick(at now: BootTime) {
        if let deadline = leaveDeadline, now >= deadline { abandonAll() }
        if session == nil, !isOpening, now >= nextAttempt, !isOnTheWayOut { openSession(at: now) }
        if session != nil, !hasBegun, now - attemptBegan > configuration.connectionTimeout { giveUpAttempt() }
        if isLeased, !lease.isValid(at: now) { leaseLapsed() }
        if isConnected, !isHeartbeatOut, now - heartbeatBegan >= sessionTimeout / 6 { sendHeartbeat(at: now) }
        if tracker.advance(to: now) { viewChanged() }
        checkIDTaken(at: now)
        if isConnected, ownNode != nil, now - refreshed >= .seconds(60) { refreshNode(at: now) }
        expireWaits(at: now)
        checkLeft()
    }

    private var isOnTheWayOut: Bool { stage == .leaving || stage == .closing || stage == .left }

    // MARK: - Session

    private func openSession(at now: BootTime) {
        generation += 1
        let number = generation
        attemptBegan = now
        isOpening = true
        let configuration = configuration
        let post = post
        DetachedThread.start("zookeeper") {
            do throws(ZooKeeperError) {
                let session = try ZooKeeperSession(
                    servers: configuration.servers, timeout: configuration.sessionTimeout
                ) { post.yield(.zooKeeper(generation: number, $0)) }
                if let credentials = configuration.credentials {
                    session.authenticate(scheme: "digest", credentials: credentials.revealed)
                }
                post.yield(.opened(generation: number, .success(session)))
            } catch {
                post.yield(.opened(generation: number, .failure(error)))
            }
        }
    }

    private func opened(_ number: Int, _ result: Result<ZooKeeperSession, ZooKeeperError>) {
        isOpening = false
        switch result {
        case .success(let session):
            guard number == generation, !isOnTheWayOut else {
                DetachedThread.start("zookeeper") { session.close() }
                return
            }
            self.session = session
            if isConnected { connected() }
        case .failure(let error):
            planAttempt()
            logger.limited(
                .warning, "ZooKeeper cannot be reached; trying again", ["error": .string(error.description)])
        }
    }

    private func heard(_ event: ZooKeeperEvent) {
        switch event {
        case .connected(let id, let timeout):
            isConnected = true
            metrics.isConnected.set(1)
            (sessionID, sessionTimeout) = (id, timeout)
            if session != nil { connected() }
        case .disconnected:
            if isConnected { logger.warning("the connection to ZooKeeper is lost; connecting again") }
            isConnected = false
            metrics.isConnected.set(0)
        case .expired:
            endSession("the session with ZooKeeper has expired")
        case .authenticationFailed:
            endSession("ZooKeeper refused NEEDLETAIL_ZOOKEEPER_CREDENTIALS")
        case .changed(let path, _):
            changed(path)
        }
    }

    private func connected() {
        failures = 0
        isHeartbeatOut = false
        sendHeartbeat(at: .now())
        guard !hasBegun else {
            logger.info("connected to ZooKeeper again")
            listNodes()
            return
        }
        hasBegun = true
        logger.info(
            "session with ZooKeeper",
            ["zookeeper.session": .string(String(sessionID, radix: 16)), "timeout": .string("\(sessionTimeout)")])
        for name in queues.keys.sorted() { feed(name, .sessionBegan(generation)) }
        if stage == .joined || (stage == .joining && wantsToJoin) { publishNode() } else { listNodes() }
    }

    private func sendHeartbeat(at now: BootTime) {
        guard let session else { return }
        heartbeatBegan = now
        isHeartbeatOut = true
        let number = generation
        let post = post
        Task {
            var succeeded = true
            do { try await session.sync() } catch { succeeded = false }
            post.yield(.heartbeat(generation: number, sentAt: now, succeeded: succeeded))
        }
    }

    private func heartbeatEnded(sentAt: BootTime, succeeded: Bool) {
        if sentAt == heartbeatBegan { isHeartbeatOut = false }
        guard succeeded else { return }
        if isLeased {
            guard !lease.prolong(sentAt: sentAt, sessionTimeout: sessionTimeout) else { return }
            leaseLapsed()
        }
        lease.confirm(sentAt: sentAt, sessionTimeout: sessionTimeout)
        guard lease.isValid else { return }
        isLeased = true
        for name in queues.keys.sorted() { feed(name, .leaseConfirmed) }
    }

    private func leaseLapsed() {
        isLeased = false
        let active = queues.values.contains { !$0.machine.active.isEmpty }
        for name in queues.keys.sorted() { feed(name, .leaseLapsed) }
        guard active else { return }
        metrics.leasesLapsed.increment()
        logger.error("ZooKeeper has not been heard of for too long; partitions are abandoned until it is")
    }

    private func giveUpAttempt() {
        logger.limited(
            .warning, "ZooKeeper does not answer; trying again",
            ["zookeeper.servers": .string(configuration.servers)])
        discardSession()
        planAttempt()
    }

    private func endSession(_ reason: StaticString) {
        if hasBegun { metrics.sessionsLost.increment() }
        // First what stops those who ask before each step, then those who are told.
        lease.invalidate()
        logger.error(
            reason, ["partitions.abandoned": .integer(queues.values.reduce(0) { $0 + $1.machine.active.count })])
        discardSession()
        mustReview = true
        for name in queues.keys.sorted() {
            feed(name, .sessionEnded)
            feed(name, .desired([]))
        }
        planAttempt()
    }

    private func discardSession() {
        // What still comes of this session is late.
        generation += 1
        lease.invalidate()
        (isLeased, isConnected, hasBegun, isHeartbeatOut, isListing) = (false, false, false, false, false)
        metrics.isConnected.set(0)
        (ownNode, idTakenSince, known) = (nil, nil, [:])
        guard let old = session else { return }
        session = nil
        DetachedThread.start("zookeeper") { old.close() }
    }

    private func planAttempt() {
        let longest = min(configuration.retryInterval, .milliseconds(100) * (1 << min(failures, 12)))
        failures += 1
        nextAttempt = .now() + longest * Double.random(in: 0.5...1)
    }

    // MARK: - Leaving

    /// Leaves for good; returns when everything is drained and released, or cannot be.
    func leave() async {
        guard stage != .left else { return }
        await withCheckedContinuation { continuation in
            leaveWaiters.append(continuation)
            guard !isOnTheWayOut else { return }
            stage = .leaving
            leaveDeadline = .now() + configuration.drainTimeout + .seconds(5)
            failJoiners(.left)
            unpublishNode()
            for name in queues.keys.sorted() { feed(name, .desired([])) }
            post.yield(.tick)
        }
    }

    /// Out of time: what is not drained is abandoned, and the locks go with the session.
    private func abandonAll() {
        leaveDeadline = nil
        mustLeaveNow = true
        lease.invalidate()
        for name in queues.keys.sorted() { feed(name, .sessionEnded) }
    }

    private func checkLeft() {
        guard stage == .leaving, !isOpening else { return }
        // Without a connection nothing can be given back; the session's end does it.
        let isQuiet = queues.values.allSatisfy { queue in
            queue.isQuiet || (!isConnected && queue.machine.active.isEmpty && !queue.isTelling)
        }
        guard isQuiet || mustLeaveNow else { return }
        stage = .closing
        leaveDeadline = nil
        generation += 1
        lease.invalidate()
        guard let old = session else { return finishLeaving() }
        session = nil
        let post = post
        DetachedThread.start("zookeeper") {
            old.close()
            post.yield(.closed)
        }
    }

    private func finishLeaving() {
        stage = .left
        isConnected = false
        metrics.isConnected.set(0)
        for waiter in leaveWaiters { waiter.resume() }
        leaveWaiters = []
        for waiter in unassignWaiters.values.joined() { waiter.resume() }
        unassignWaiters = [:]
        logger.info("left the cluster")
    }
}
