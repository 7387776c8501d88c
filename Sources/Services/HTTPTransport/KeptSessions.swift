import Messages
import Reactor
import TransportCore

/// What earlier requests of a device left for the next ones.
final class KeptSession {
    var info: SessionInfo
    var limiter: SessionLimiter
    /// Milliseconds since 1970: the activity that the core was told of, and the last one.
    var reportedActivity: Int64 = 0
    var lastActivity: Int64 = 0
    var isUnreported = false

    init(_ info: SessionInfo, limiter: SessionLimiter) {
        self.info = info
        self.limiter = limiter
    }
}

/// Tells the core of the activity of devices: the first after a pause at once, those that follow once a period
/// (`device-api.md` 6.1). Owned by a loop.
final class ActivityReports {
    private let loop: EventLoop
    private let period: Duration
    private let periodMilliseconds: Int64
    private let report: (SessionInfo, Int64) -> Void
    private var unreported: [KeptSession] = []
    private var timer: LoopTimer?

    init(loop: EventLoop, period: Duration, report: @escaping (SessionInfo, Int64) -> Void) {
        self.loop = loop
        self.period = period
        periodMilliseconds =
            Int64(period.components.seconds) * 1_000 + Int64(period.components.attoseconds / 1_000_000_000_000_000)
        self.report = report
    }

    func note(_ session: KeptSession) {
        let now = loop.wallClockMilliseconds
        session.lastActivity = now
        guard !session.isUnreported else { return }
        if now - session.reportedActivity >= periodMilliseconds { return send(session) }
        session.isUnreported = true
        unreported.append(session)
        if timer == nil { timer = loop.schedule(after: period) { [unowned self] in flush() } }
    }

    private func send(_ session: KeptSession) {
        session.reportedActivity = session.lastActivity
        report(session.info, session.lastActivity)
    }

    private func flush() {
        timer = nil
        let sessions = unreported
        unreported.removeAll(keepingCapacity: true)
        for session in sessions {
            session.isUnreported = false
            send(session)
        }
    }
}
