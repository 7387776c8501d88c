public import HTTPServer
import JSON
public import Metrics
import Synchronization

/// Whether one thing that the process needs is there.
public struct HealthCheck: Sendable {
    public var name: String
    public var isReady: @Sendable () async -> Bool

    public init(_ name: String, isReady: @escaping @Sendable () async -> Bool) {
        self.name = name
        self.isReady = isReady
    }
}

/// What operators and orchestrators ask every process for (`cluster.md` 8.2): life, readiness, metrics. Liveness depends
/// on nothing but the process itself. Safe from any thread.
public final class HealthService: HTTPResponder {
    /// The version that `/actuator/info` shows.
    public let version: String
    private let metrics: MetricsRegistry
    private let checks = Mutex<[HealthProbe]>([])

    public init(version: String, metrics: MetricsRegistry, checks: [HealthCheck] = []) {
        self.version = version
        self.metrics = metrics
        self.checks.withLock { $0 = checks.map(HealthProbe.init) }
    }

    public func add(_ check: HealthCheck) {
        checks.withLock { $0.append(HealthProbe(check)) }
    }

    // MARK: - As the only service behind a server

    /// Answers what it knows, and 404 to everything else.
    public func respond(to request: HTTPRequest, with reply: HTTPReply) {
        // Belongs to the connection, which waits for the reply.
        Task.immediate(executorPreference: reply.executor) {
            let answer = request.method == .get || request.method == .head ? await answer(to: request.path) : nil
            reply.respond(answer ?? .text("Not found", status: 404))
        }
    }

    /// The answer to a GET of one of its paths; `nil` for any other path.
    public func answer(to path: String) async -> HTTPResponse? {
        switch path {
        case "/health/live": live()
        case "/health/ready", "/health": await ready()
        case "/metrics", "/actuator/prometheus": prometheus()
        case "/actuator/info": info()
        case "/login": login()
        default: nil
        }
    }

    // MARK: - Answers

    private static func json(_ body: (inout JSONWriter) -> Void) -> HTTPResponse {
        var writer = JSONWriter()
        body(&writer)
        return .json(writer.bytes)
    }

    public func live() -> HTTPResponse { .json(#"{"status":"UP"}"#) }

    /// 200 when every check holds, else 503; the body names the checks. One that does not answer in time does not hold.
    public func ready() async -> HTTPResponse {
        var isReady = true
        var results: [(String, Bool)] = []
        for probe in checks.withLock({ $0 }) {
            let result = await probe.result(within: HealthProbe.limit)
            results.append((probe.check.name, result))
            isReady = isReady && result
        }
        var response = Self.json { writer in
            writer.object { writer in
                writer.member("status", isReady ? "UP" : "DOWN")
                writer.key("checks")
                writer.object { writer in
                    for (name, result) in results {
                        writer.key(name)
                        writer.value(result ? "UP" : "DOWN")
                    }
                }
            }
        }
        response.status = isReady ? 200 : 503
        return response
    }

    public func prometheus() -> HTTPResponse {
        HTTPResponse(
            status: 200, fields: [("Content-Type", MetricsRegistry.contentType)], body: Array(metrics.render().utf8))
    }

    public func info() -> HTTPResponse {
        Self.json { writer in
            writer.object { writer in
                writer.key("build")
                writer.object { writer in
                    writer.member("name", "needletail")
                    writer.member("version", version)
                }
            }
        }
    }

    /// Manifests take this page for a probe.
    public func login() -> HTTPResponse {
        HTTPResponse(
            status: 200, fields: [("Content-Type", "text/html;charset=UTF-8")],
            body: Array("<!DOCTYPE html><title>Needletail</title><p>Needletail is running.</p>".utf8))
    }
}
