internal import HTTPServer
internal import ServiceHealth

/// What operators and orchestrators ask for (`cluster.md` 8.2), as endpoints of the API.
struct ServiceEndpoints: EndpointGroup {
    let health: HealthService

    var endpoints: [Endpoint] {
        [
            .open(.get, "/health/live") { _ in health.live() },
            .open(.get, "/health/ready") { _ in await health.ready() },
            .open(.get, "/health") { _ in await health.ready() },
            .open(.get, "/metrics") { _ in health.prometheus() },
            .open(.get, "/actuator/prometheus") { _ in health.prometheus() },
            .open(.get, "/actuator/info") { _ in health.info() },
            .open(.get, "/login") { _ in health.login() },
        ]
    }
}
