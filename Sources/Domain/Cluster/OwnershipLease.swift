import Synchronization

/// Whether this process may act as an owner, decided by its own clock alone (`cluster.md` 13, 1).
///
/// The server ends a session when it has not heard of it for the session's timeout. A request that was answered was heard of
/// after it was sent; so until its sending plus the timeout nobody else can have taken a lock of this session. The lease
/// ends a quarter of the timeout before that, for what the leader of an ensemble learns late and for clocks that run apart.
/// A process that was stopped, or cut off, finds its lease at an end before it does anything else. Safe from any thread.
public final class OwnershipLease: Sendable {
    private let end: Atomic<Int64>

    private init(end: BootTime) {
        self.end = Atomic(end.nanoseconds)
    }

    /// A lease that is not valid yet.
    public convenience init() {
        self.init(end: .distantPast)
    }

    /// The lease of a process that is alone.
    public static let unlimited = OwnershipLease(end: .distantFuture)

    public var isValid: Bool { isValid(at: .now()) }

    /// Who was told that it is over drops what it has; so it stays over, whatever is heard later, until it is begun anew by
    /// ``confirm(sentAt:sessionTimeout:)``.
    public func isValid(at now: BootTime) -> Bool {
        var known = end.load(ordering: .acquiring)
        while now.nanoseconds >= known {
            guard known != .min else { return false }
            let (isOver, newer) = end.compareExchange(
                expected: known, desired: .min, ordering: .acquiringAndReleasing)
            if isOver { return false }
            known = newer
        }
        return true
    }

    /// When the lease ends unless it is confirmed again.
    public var endTime: BootTime { BootTime(nanoseconds: end.load(ordering: .acquiring)) }

    /// A request sent at `sendTime` was answered in the session that holds the locks. Called by the lease's one owner.
    public func confirm(sentAt sendTime: BootTime, sessionTimeout: Duration) {
        let confirmed = Self.end(sentAt: sendTime, sessionTimeout: sessionTimeout).nanoseconds
        if confirmed > end.load(ordering: .relaxed) { end.store(confirmed, ordering: .releasing) }
    }

    /// The same for a lease in use.
    ///
    /// - Returns: `false` when somebody was told that it is over: what this process consumes must be abandoned before the
    ///   lease begins anew, so that what was dropped comes again.
    public func prolong(sentAt sendTime: BootTime, sessionTimeout: Duration) -> Bool {
        let confirmed = Self.end(sentAt: sendTime, sessionTimeout: sessionTimeout).nanoseconds
        var known = end.load(ordering: .acquiring)
        while known != .min {
            guard confirmed > known else { return true }
            let (isLater, newer) = end.compareExchange(
                expected: known, desired: confirmed, ordering: .acquiringAndReleasing)
            if isLater { return true }
            known = newer
        }
        return false
    }

    /// The session is over: the lease ends now. Called by the lease's one owner.
    public func invalidate() {
        end.store(.min, ordering: .releasing)
    }

    /// Until when a request sent at `sendTime` and answered proves ownership.
    public static func end(sentAt sendTime: BootTime, sessionTimeout: Duration) -> BootTime {
        sendTime + sessionTimeout * 3 / 4
    }
}
