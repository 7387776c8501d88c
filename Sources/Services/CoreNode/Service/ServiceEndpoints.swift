internal import HTTPServer
internal import JSON
internal import Metrics

/// Whether the process can do its work. Liveness depends on nothing but the process itself.
public struct HealthChecks: Sendable {
    public struct Check: Sendable {
        public var name: String
        public var isReady: @Sendable () async -> Bool

        public init(_ name: String, isReady: @escaping @Sendable () async -> Bool) {
            self.name = name
            self.isReady = isReady
        }
    }

    public var checks: [Check]
    /// Shown by `/actuator/info`.
    public var version: String

    public init(checks: [Check], version: String) {
        self.checks = checks
        self.version = version
    }
}

/// What operators and orchestrators ask for (`cluster.md` 8.2).
struct ServiceEndpoints: EndpointGroup {
    let health: HealthChecks
    let metrics: MetricsRegistry

    var endpoints: [Endpoint] {
        [
            .open(.get, "/health/live", live), .open(.get, "/health/ready", ready),
            .open(.get, "/health", ready), .open(.get, "/metrics", prometheus),
            .open(.get, "/actuator/prometheus", prometheus), .open(.get, "/actuator/info", info),
            .open(.get, "/login", login),
        ]
    }

    @Sendable private func live(_ call: Call) async throws -> HTTPResponse { .json(#"{"status":"UP"}"#) }

    @Sendable private func ready(_ call: Call) async throws -> HTTPResponse {
        var isReady = true
        var results: [(String, Bool)] = []
        for check in health.checks {
            let result = await check.isReady()
            results.append((check.name, result))
            isReady = isReady && result
        }
        var response = HTTPResponse.json { writer in
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

    @Sendable private func prometheus(_ call: Call) async throws -> HTTPResponse {
        HTTPResponse(
            status: 200, fields: [("Content-Type", "text/plain; version=0.0.4; charset=utf-8")],
            body: Array(metrics.render().utf8))
    }

    @Sendable private func info(_ call: Call) async throws -> HTTPResponse {
        .json { writer in
            writer.object { writer in
                writer.key("build")
                writer.object { writer in
                    writer.member("name", "needletail")
                    writer.member("version", health.version)
                }
            }
        }
    }

    /// Manifests take this page for a probe.
    @Sendable private func login(_ call: Call) async throws -> HTTPResponse {
        HTTPResponse(
            status: 200, fields: [("Content-Type", "text/html;charset=UTF-8")],
            body: Array("<!DOCTYPE html><title>Needletail</title><p>Needletail is running.</p>".utf8))
    }
}
