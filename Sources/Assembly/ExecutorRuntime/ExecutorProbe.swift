import Glibc
import HTTPServer
import ServiceHealth

/// Answers the probe that the reference platform's executor has (`cluster.md` 8.2), beside our own paths.
final class ExecutorProbe: HTTPResponder {
    private let health: HealthService

    init(health: HealthService) { self.health = health }

    func respond(to request: HTTPRequest, with reply: HTTPReply) {
        guard request.path == "/livenessProbe", request.method == .get || request.method == .head else {
            return health.respond(to: request, with: reply)
        }
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        reply.respond(.json(#"{"now":""# + Self.text(now) + #""}"#))
    }

    /// As JavaScript writes a time: `2026-11-21T17:49:05.123Z`.
    static func text(_ time: timespec) -> String {
        var seconds = time.tv_sec
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func padded(_ number: Int, _ digits: Int = 2) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
        }
        let date = "\(parts.tm_year + 1900)-\(padded(Int(parts.tm_mon) + 1))-\(padded(Int(parts.tm_mday)))"
        let clock = "\(padded(Int(parts.tm_hour))):\(padded(Int(parts.tm_min))):\(padded(Int(parts.tm_sec)))"
        return "\(date)T\(clock).\(padded(Int(time.tv_nsec) / 1_000_000, 3))Z"
    }
}
