internal import Logging
internal import Metrics
internal import Reactor

/// What the connections of one loop share. Used on that loop's thread only.
final class ServerLoop: @unchecked Sendable {
    // @unchecked: references travel to other threads with replies; every member but the mailbox is touched on the loop.

    /// An answer from another thread.
    struct Answer: Sendable {
        let connection: HTTPConnection
        let ticket: UInt64
        let response: HTTPResponse
    }

    let loop: EventLoop
    let configuration: HTTPServerConfiguration
    let responder: any HTTPResponder
    let metrics: HTTPServerMetrics
    let logger: Logger
    /// Of all loops of the server.
    let openConnections: ConnectionCount
    let parser = HeadParser()
    /// Answers from other threads arrive here.
    let answers: Mailbox<Answer>
    var counts: HTTPServerCounts
    /// Bytes of bodies held for requests without an answer.
    var heldBodyBytes = 0
    private(set) var isStopping = false
    private var connections: [ObjectIdentifier: HTTPConnection] = [:]
    private var listener: Listener?
    private var date = DateField()
    private var sweepTimer: LoopTimer?
    private var whenEmpty: (() -> Void)?

    init(
        loop: EventLoop, configuration: HTTPServerConfiguration, responder: any HTTPResponder,
        metrics: HTTPServerMetrics, logger: Logger, openConnections: ConnectionCount
    ) {
        self.openConnections = openConnections
        self.loop = loop
        self.configuration = configuration
        self.responder = responder
        self.metrics = metrics
        self.logger = logger
        counts = HTTPServerCounts(metrics)
        answers = Mailbox(on: loop) { answers in
            for answer in answers { answer.connection.complete(answer.ticket, with: answer.response) }
        }
    }

    /// The field `Date` of this moment.
    var dateLine: [UInt8] {
        date.update(wallClockMilliseconds: loop.wallClockMilliseconds)
        return date.line
    }

    /// On the loop, or before it runs.
    func started(_ listener: Listener) {
        self.listener = listener
        loop.addTickHook { [self] in counts.publish(to: metrics) }
    }

    /// A connection that has been counted.
    func accepted(_ connection: Connection) -> HTTPConnection {
        let accepted = HTTPConnection(on: connection, of: self)
        connections[ObjectIdentifier(accepted)] = accepted
        metrics.connections.add(1)
        if sweepTimer == nil { startSweeping() }
        return accepted
    }

    func closed(_ connection: HTTPConnection) {
        guard connections.removeValue(forKey: ObjectIdentifier(connection)) != nil else { return }
        metrics.connections.add(-1)
        openConnections.giveBack()
        if connections.isEmpty {
            sweepTimer?.cancel()
            sweepTimer = nil
            whenEmpty?()
            whenEmpty = nil
        }
    }

    // MARK: - Stopping

    /// Stops accepting, closes idle connections, and calls `finished` when the others have been answered, or have been
    /// aborted after `deadline`.
    func stop(within deadline: Duration, _ finished: @escaping () -> Void) {
        isStopping = true
        listener?.close()
        listener = nil
        if connections.isEmpty { return finished() }
        whenEmpty = finished
        for connection in Array(connections.values) { connection.stop() }
        _ = loop.schedule(after: deadline) { [self] in
            for connection in Array(connections.values) { connection.abort() }
        }
    }

    /// The same from any thread.
    func stop(within deadline: Duration) async {
        await withCheckedContinuation { (stopped: CheckedContinuation<Void, Never>) in
            loop.execute { self.stop(within: deadline) { stopped.resume() } }
        }
    }

    // MARK: - Time

    /// Deadlines are looked at now and then instead of a timer for each connection: four times in the shortest of them.
    private func startSweeping() {
        let period = min(max(configuration.shortestTimeout / 4, .milliseconds(5)), .seconds(1))
        sweepTimer = loop.schedule(after: period, repeating: period) { [self] in
            let now = loop.now
            for connection in Array(connections.values) { connection.sweep(now) }
        }
    }
}
