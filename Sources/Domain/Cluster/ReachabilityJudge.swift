/// Decides when a member that cannot reach what it works with leaves its work to others, and when it takes its part again
/// (`cluster.md` 13, 12). Knows no I/O.
///
/// Leaving helps only where another one can do the work: it needs, besides an outage of ``patience``, that others have reached
/// it all the while. So each tells the others as soon as it doubts (``isDoubtful``), and nobody leaves when all of them do.
public struct ReachabilityJudge: Sendable {
    public enum Verdict: Sendable, Equatable {
        /// Leave for a while.
        case withdraw
        case rejoin
        /// Nothing changes.
        case stay
    }

    /// How long it may be out of reach while others reach it.
    public let patience: Duration
    /// How long it may be, whatever others say. `nil`: for ever.
    public let longest: Duration?
    public private(set) var isWithdrawn = false
    /// Whether the newest attempt failed.
    public private(set) var isDoubtful = false
    private var reached: BootTime
    /// Since then others are known to reach it, without a break.
    private var othersReachSince: BootTime?

    /// - Parameter now: Counts as the last time it was reached.
    public init(patience: Duration, longest: Duration? = nil, at now: BootTime) {
        self.patience = patience
        self.longest = longest
        reached = now
    }

    /// How long an attempt may take. Doubts of all are known to all before anybody's patience ends.
    public var attemptLimit: Duration { min(.seconds(10), patience / 6) }

    /// From the end of an attempt to the beginning of the next one.
    public var pause: Duration {
        if isWithdrawn { return .seconds(1) }
        return isDoubtful ? attemptLimit / 2 : attemptLimit
    }

    /// Takes the outcome of an attempt that began at `began` and ended at `ended`.
    public mutating func observe(_ isReachable: Bool, from began: BootTime, to ended: BootTime) -> Verdict {
        isDoubtful = !isReachable
        if isReachable {
            reached = ended
            othersReachSince = nil
            guard isWithdrawn else { return .stay }
            isWithdrawn = false
            return .rejoin
        }
        // What was stopped meanwhile learnt nothing: only attempts that were really made count.
        if ended - began > patience / 2 { forget(at: ended) }
        guard !isWithdrawn, let longest, ended - reached >= longest else { return .stay }
        isWithdrawn = true
        return .withdraw
    }

    /// Takes, after a failed attempt, whether another member that can do this one's work has no doubt.
    public mutating func observe(othersReach: Bool, at now: BootTime) -> Verdict {
        guard isDoubtful, !isWithdrawn else { return .stay }
        guard othersReach else {
            othersReachSince = nil
            return .stay
        }
        let since = othersReachSince ?? now
        othersReachSince = since
        // When all find it again at the same time, some do so a moment sooner than others.
        guard now - reached >= patience, now - since >= patience * 2 / 3 else { return .stay }
        isWithdrawn = true
        return .withdraw
    }

    private mutating func forget(at now: BootTime) {
        reached = now
        othersReachSince = nil
    }
}
