import HTTPServer
import Logging
import Metrics
import Reactor

/// Answers by a closure.
struct ClosureResponder: HTTPResponder {
    let body: @Sendable (HTTPRequest, HTTPReply) -> Void

    func respond(to request: HTTPRequest, with reply: HTTPReply) {
        body(request, reply)
    }
}

/// Tells what it got: method, target, fields that tests look at, and the body.
let echo = ClosureResponder { request, reply in
    reply.respond(.text("\(request.method) \(request.target) [\(String(decoding: request.body, as: UTF8.self))]"))
}

struct RunningServer {
    let server: HTTPServer
    let metrics: MetricsRegistry
    let loops: [EventLoop]

    var port: Int { server.port }
    func client(receiveBuffer: Int32? = nil) -> RawClient { RawClient(port: port, receiveBuffer: receiveBuffer) }

    /// The value of one series in the metrics' text.
    func metric(_ series: String) -> Double? {
        let line = metrics.render().split(separator: "\n").first { $0.hasPrefix(series + " ") }
        return line.flatMap { Double($0.dropFirst(series.count + 1)) }
    }
}

/// Runs a server on a free port while `body` runs.
func withServer(
    _ responder: any HTTPResponder = echo, loops count: Int = 1,
    configure: (inout HTTPServerConfiguration) -> Void = { _ in }, _ body: (RunningServer) async throws -> Void
) async throws {
    var configuration = HTTPServerConfiguration(address: .tcp(host: "127.0.0.1", port: 0))
    configuration.name = "test"
    configuration.lingerTime = .milliseconds(50)
    configure(&configuration)
    let metrics = MetricsRegistry()
    let server = HTTPServer(configuration: configuration, responder: responder, logger: .disabled, metrics: metrics)
    let group = try EventLoopGroup(count: count, name: "http-test")
    group.start()
    defer {
        group.stop()
        group.join()
    }
    try server.open(on: group.loops)
    try await body(RunningServer(server: server, metrics: metrics, loops: group.loops))
}
