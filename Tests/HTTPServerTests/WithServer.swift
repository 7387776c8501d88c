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

    /// The value of one series in the metrics' text; the order of labels does not matter.
    func metric(_ series: String) -> Double? {
        for line in metrics.render().split(separator: "\n") where line.first != "#" {
            guard let blank = line.lastIndex(of: " ") else { continue }
            if parts(line[..<blank]) == parts(series[...]) { return Double(line[line.index(after: blank)...]) }
        }
        return nil
    }

    private func parts(_ series: Substring) -> Set<Substring> {
        Set(series.split { "{,}".contains($0) })
    }
}

/// Runs a server on a free port while `body` runs.
func withServer(
    _ responder: any HTTPResponder = echo, loops count: Int = 1,
    configure: (inout HTTPServerConfiguration) -> Void = { _ in },
    _ body: @concurrent (RunningServer) async throws -> Void
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
    try await server.open(onRunning: group.loops)
    // Raw clients block, which must not hold up the threads that tasks share; a concurrent closure follows the
    // preference.
    let blocking = try EventLoop(name: "http-test-client", index: 0)
    blocking.start()
    defer {
        blocking.stop()
        blocking.join()
    }
    let running = RunningServer(server: server, metrics: metrics, loops: group.loops)
    try await withTaskExecutorPreference(blocking) { try await body(running) }
}
