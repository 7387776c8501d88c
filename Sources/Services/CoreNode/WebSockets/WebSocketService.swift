public import HTTPServer
internal import Logging
internal import Metrics
public import Messages
public import Model
public import Reactor
internal import Storage
internal import Synchronization
internal import WebSocket

/// The WebSocket API (`websocket-api.md`): takes connections over from the HTTP server and keeps their sessions. Safe from
/// any thread; a session belongs to the loop of its connection.
public final class WebSocketService: Sendable {
    private struct State {
        var sessions: [ObjectIdentifier: WebSocketSession] = [:]
        /// Loops whose sessions are looked after.
        var loops: Set<ObjectIdentifier> = []
        var isStopping = false
    }

    let settings: WebSocketSettings
    let services: Services
    let authenticator: Authenticator
    let watched: WatchedValues
    let limits: WebSocketLimits
    let tenantRates: RateLimiter
    let userRates: RateLimiter
    let metrics: WebSocketMetrics
    let logger: Logger
    private let state = Mutex(State())

    /// How often a loop looks after its sessions.
    private static let sweepInterval: Duration = .seconds(1)
    private static let path = "/api/ws"

    init(
        settings: WebSocketSettings, services: Services, authenticator: Authenticator, committed: CommittedValues,
        logger: Logger, metrics: MetricsRegistry
    ) {
        self.settings = settings
        self.services = services
        self.authenticator = authenticator
        self.logger = logger
        watched = WatchedValues(source: committed)
        limits = WebSocketLimits(services.limits)
        tenantRates = RateLimiter("ws-tenant", shared: services.counts)
        userRates = RateLimiter("ws-user", shared: services.counts)
        self.metrics = WebSocketMetrics(metrics)
        metrics.gauge("ws_sessions", help: "Open WebSocket sessions of the API.") { [weak self] in
            Double(self?.state.withLock { $0.sessions.count } ?? 0)
        }
    }

    /// Takes a connection over whose client asked for a WebSocket of the API; `nil` leaves the request to the REST API. On
    /// the connection's loop.
    public func upgrade(_ request: HTTPRequest, _ connection: Connection) -> (any ConnectionHandler)? {
        let path = request.path
        guard path == Self.path || path.hasPrefix(Self.path + "/plugins/"),
            let handshake = try? WebSocketHandshake(request, subprotocols: [])
        else { return nil }
        let session = WebSocketSession(
            service: self, connection: connection, kind: Self.kind(of: path), token: request.query.first("token"))
        let isAdmitted = state.withLock { state in
            guard !state.isStopping, state.sessions.count < WebSocketSettings.maximumSessions else { return false }
            state.sessions[ObjectIdentifier(session)] = session
            return true
        }
        guard isAdmitted else { return nil }
        lookAfter(connection.loop)
        connection.write { handshake.encode(into: &$0) }
        session.open()
        return session
    }

    /// `nil`: none that there is.
    private static func kind(of path: String) -> WebSocketSessionKind? {
        switch path.dropFirst(Self.path.count) {
        case "": .general
        case "/plugins/telemetry": .telemetry
        case "/plugins/notifications": .notifications
        default: nil
        }
    }

    func closed(_ session: WebSocketSession) {
        state.withLock { $0.sessions[ObjectIdentifier(session)] = nil }
    }

    private func lookAfter(_ loop: EventLoop) {
        guard state.withLock({ $0.loops.insert(ObjectIdentifier(loop)).inserted }) else { return }
        loop.schedule(after: Self.sweepInterval, repeating: Self.sweepInterval) { [weak self, unowned loop] in
            guard let self else { return }
            let sessions = state.withLock { state in state.sessions.values.filter { $0.loop === loop } }
            for session in sessions { session.lookAfter() }
        }
    }

    // MARK: - Other processes

    /// The entities that clients look at.
    public var watchedEntities: [UUID128] { watched.entities }

    /// Tells `observer` which entities clients look at. From then on values may be committed elsewhere: what came before it
    /// was known there is looked for.
    public func observeWatched(_ observer: any WatchedValuesObserver) { watched.observe(observer) }

    /// What another process has committed of entities that clients look at.
    public func receive(_ changes: [WatchedChange]) {
        metrics.remoteChanges.increment(by: changes.count)
        watched.committed(changes.map { CommittedChange($0) })
    }

    /// Closes all sessions; clients come back to another node. Returns when they are told.
    public func stop() async {
        let sessions = state.withLock { state in
            state.isStopping = true
            return Array(state.sessions.values)
        }
        for session in sessions {
            await withCheckedContinuation { done in
                session.loop.execute {
                    session.close(.goingAway, "")
                    done.resume()
                }
            }
        }
    }
}

/// What sessions count.
struct WebSocketMetrics: Sendable {
    let commands: Counter
    let sent: Counter
    let dropped: Counter
    let refused: Counter
    let remoteChanges: Counter
    let subscriptions: Gauge

    init(_ registry: MetricsRegistry) {
        commands = registry.counter("ws_commands_total", help: "Commands of WebSocket clients.")
        sent = registry.counter("ws_messages_sent_total", help: "Messages sent to WebSocket clients.")
        dropped = registry.counter(
            "ws_updates_dropped_total",
            help: "Messages dropped because a session had too many (wsUpdatesPerSessionRateLimit).")
        refused = registry.counter(
            "ws_sessions_refused_total",
            help: "Sessions closed by the server: not authenticated, over a limit, or too slow.")
        remoteChanges = registry.counter(
            "ws_remote_changes_total",
            help: "Changes that other processes committed and WebSocket clients of this one look at.")
        subscriptions = registry.gauge("ws_subscriptions", help: "Subscriptions of WebSocket sessions.")
    }
}
