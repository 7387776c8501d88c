public import Logging
public import Metrics
public import Reactor
internal import Synchronization

/// An HTTP/1.1 server on event loops: keep-alive, pipelining with answers in order, chunked bodies in both directions.
///
/// Requests whose meaning is in doubt are refused with 400 and the connection is closed; see ``RequestError``. Safe
/// from any thread.
public final class HTTPServer: Sendable {
    private struct State {
        var loops: [ServerLoop] = []
        var port = 0
    }

    private let configuration: HTTPServerConfiguration
    private let responder: any HTTPResponder
    private let logger: Logger
    private let metrics: HTTPServerMetrics
    private let state = Mutex(State())
    private let connections = ConnectionCount()

    public init(
        configuration: HTTPServerConfiguration, responder: any HTTPResponder, logger: Logger, metrics: MetricsRegistry
    ) {
        precondition(
            (256...65_536).contains(configuration.maximumHeadBytes),
            "a head of at most \(configuration.maximumHeadBytes) bytes; expected 256 to 65536")
        self.configuration = configuration
        self.responder = responder
        self.logger = logger
        self.metrics = HTTPServerMetrics(metrics, server: configuration.name)
    }

    /// The port that is listened on; 0 before the server is open.
    public var port: Int { state.withLock { $0.port } }

    /// Listens on each of the loops, by a socket of its own. Before the loops are started, or on the only one.
    public func open(on loops: [EventLoop]) throws(ReactorError) {
        for loop in loops { try listen(on: loop) }
    }

    /// Listens on loops that run.
    ///
    /// - Throws: Also when another process listens on the port already.
    public func open(onRunning loops: [EventLoop]) async throws(ReactorError) {
        try Listener.checkThatNobodyListens(on: configuration.address)
        for loop in loops {
            let outcome = await withCheckedContinuation {
                (opened: CheckedContinuation<Result<Void, ReactorError>, Never>) in
                loop.execute {
                    do throws(ReactorError) {
                        opened.resume(returning: .success(try self.listen(on: loop)))
                    } catch {
                        opened.resume(returning: .failure(error))
                    }
                }
            }
            try outcome.get()
        }
    }

    /// Stops accepting, closes idle connections, lets running requests finish, and aborts what is left after
    /// `deadline`. Comes back when no connection is left. The loops must run; they are not stopped.
    public func stop(within deadline: Duration) async {
        let loops = state.withLock { state in
            defer { state.loops = [] }
            return state.loops
        }
        await withTaskGroup { group in
            for one in loops { group.addTask { await one.stop(within: deadline) } }
        }
    }

    private func listen(on loop: EventLoop) throws(ReactorError) {
        let shared = ServerLoop(
            loop: loop, configuration: configuration, responder: responder, metrics: metrics, logger: logger,
            openConnections: connections)
        var options = ListenerOptions()
        options.expectsProxyHeader = configuration.expectsProxyHeader
        let listener = try Listener.open(
            address, on: loop, options: options, tls: configuration.tls
        ) { [self] connection in accept(connection, shared) }
        shared.started(listener)
        state.withLock { state in
            state.port = listener.localPort
            state.loops.append(shared)
        }
    }

    /// With port 0 the first listener lets the system choose, and the others use the same port.
    private var address: SocketAddress {
        guard case .tcp(let host, 0) = configuration.address else { return configuration.address }
        return .tcp(host: host, port: port)
    }

    private func accept(_ connection: Connection, _ shared: ServerLoop) -> (any ConnectionHandler)? {
        guard configuration.admits?(connection) != false else { return nil }
        guard connections.take(limit: configuration.maximumConnections) else {
            metrics.refusedConnections.increment()
            return nil
        }
        return shared.accepted(connection)
    }
}
