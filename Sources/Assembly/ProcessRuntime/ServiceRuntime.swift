public import HTTPServer
public import Logging
public import Metrics
public import Reactor
public import ServiceHealth
import Synchronization
import Synchronization

/// What every process has whatever it does: event loops, metrics, an HTTP server for health and metrics, readiness, and the
/// line of statistics. Owned by the task that starts and stops the process.
///
/// The HTTP server opens first and answers probes from then on; anything else is answered 503 until ``serve(_:)``.
public final class ServiceRuntime {
    public let settings: RuntimeSettings
    public let logger: Logger
    public let metrics = MetricsRegistry()
    public let health: HealthService
    private let readiness = Readiness()
    private let gate: ServiceGate
    private let upgrades = Upgrades()
    private var groups: [EventLoopGroup] = []
    private var http: HTTPServer?

    public init(settings: RuntimeSettings, logger: Logger) {
        self.settings = settings
        self.logger = logger
        health = HealthService(version: BuildInformation.version, metrics: metrics)
        gate = ServiceGate(health: health)
        let readiness = readiness
        health.add(HealthCheck("services") { readiness.isReady })
    }

    // MARK: - Start

    /// Says hello in the log, and prepares what the whole process shares.
    public func begin() {
        logger.info(
            "starting",
            [
                "version": .string(BuildInformation.version), "service.id": .string(settings.serviceID),
                "descriptors": .integer(DescriptorLimit.raise()),
            ])
        ProcessMetrics.register(in: metrics)
    }

    /// Makes event loops and starts them. They are stopped with the process.
    public func startLoops(count: Int, name: String) throws -> EventLoopGroup {
        let group = try EventLoopGroup(count: count, name: name)
        group.start()
        groups.append(group)
        return group
    }

    /// Opens the HTTP server on loops that run.
    public func openHTTP(_ configuration: HTTPServerConfiguration, on loops: [EventLoop]) async throws {
        var configuration = configuration
        let upgrades = upgrades
        configuration.upgrade = { request, connection in upgrades.withLock { $0 }?(request, connection) }
        let server = HTTPServer(
            configuration: configuration, responder: gate, logger: logger.labelled("http"), metrics: metrics)
        http = server
        try await server.open(onRunning: loops)
        logger.info(
            "listening", ["protocol": "http", "address": .string("\(settings.httpAddress):\(server.port)")])
    }

    /// From now on requests go to `responder`; health stays answered by it or by ``health``.
    public func serve(_ responder: any HTTPResponder) {
        gate.open(responder)
    }

    /// From now on connections whose clients ask for another protocol are offered to `upgrade`.
    public func serveUpgrades(_ upgrade: @escaping HTTPUpgrade) {
        upgrades.withLock { $0 = upgrade }
    }

    /// Everything has started: the process is ready, and says how much it does now and then.
    public func started(statisticsOn loop: EventLoop) {
        let (metrics, logger, interval) = (metrics, logger, settings.statisticsInterval)
        loop.execute {
            let statistics = StatisticsLog(metrics: metrics, logger: logger)
            loop.schedule(after: interval, repeating: interval) { statistics.write() }
        }
        readiness.set(true)
        logger.info("started")
    }

    // MARK: - Stop

    /// The process is not ready any more; what it does goes on.
    public func beginStopping() {
        logger.info("stopping")
        readiness.set(false)
    }

    /// Stops accepting requests and lets running ones finish.
    public func stopHTTP() async {
        await http?.stop(within: .seconds(3))
    }

    /// Gives the first loops a moment to send what they have for the devices.
    public func settle() async {
        for loop in groups.first?.loops ?? [] { await loop.sleep(.milliseconds(50)) }
    }

    /// Stops the loops and waits for their threads, those made last first.
    public func stopLoops() {
        for group in groups.reversed() { group.stop() }
        for group in groups.reversed() { group.join() }
        groups = []
    }
}

/// Whether everything has started and nothing is stopping. Safe from any thread.
private final class Readiness: Sendable {
    private let value = Atomic<Bool>(false)

    var isReady: Bool { value.load(ordering: .relaxed) }

    func set(_ isReady: Bool) {
        value.store(isReady, ordering: .relaxed)
    }
}

/// Answers probes while the service behind it starts.
private final class ServiceGate: HTTPResponder, @unchecked Sendable {
    // @unchecked: `responder` is set once, before `isOpen`, and read only after it.
    private let health: HealthService
    private let isOpen = Atomic<Bool>(false)
    private var responder: (any HTTPResponder)?

    init(health: HealthService) {
        self.health = health
    }

    func open(_ responder: any HTTPResponder) {
        precondition(!isOpen.load(ordering: .relaxed), "a service is opened once")
        self.responder = responder
        isOpen.store(true, ordering: .releasing)
    }

    func respond(to request: HTTPRequest, with reply: HTTPReply) {
        if isOpen.load(ordering: .acquiring), let responder { return responder.respond(to: request, with: reply) }
        guard request.path.hasPrefix("/health") || request.path.hasPrefix("/metrics") || request.path.hasPrefix("/act")
        else { return reply.respond(.text("The service is starting", status: 503)) }
        health.respond(to: request, with: reply)
    }
}

/// Who takes connections over, once there is somebody.
private final class Upgrades: Sendable {
    private let upgrade = Mutex<HTTPUpgrade?>(nil)

    func withLock<R: Sendable>(_ body: (inout sending HTTPUpgrade?) -> sending R) -> R { upgrade.withLock(body) }
}
