import Messages
import Reactor
import TransportCore

/// A device behind a gateway. Owned by its link.
final class GatewayChild {
    /// Something to do once the device is known, for a part of that delivery.
    typealias Waiting = (action: GatewayAction, delivery: UInt32)

    /// The session of a device that is known.
    struct Session {
        var info: SessionInfo
        var lane: Int
        var limiter: SessionLimiter
    }

    let name: String
    /// `nil` while the device is being looked up.
    var session: Session?
    /// In order, until ``session`` is there.
    var waiting: [Waiting] = []
    var lastActivity: MonotonicTime
    var reportedActivity = MonotonicTime(nanoseconds: 0)

    init(name: String, now: MonotonicTime) {
        self.name = name
        lastActivity = now
    }
}
