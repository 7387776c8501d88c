/// Decides when a member that cannot reach what it works with gives its partitions to others, and when it takes its part
/// again (`cluster.md` 13, 12). Knows no I/O.
public struct ReachabilityJudge: Sendable {
    public enum Verdict: Sendable, Equatable {
        /// Leave for a while.
        case withdraw
        case rejoin
        /// Nothing changes.
        case stay
    }

    /// How long it may be out of reach.
    public let patience: Duration
    public private(set) var isWithdrawn = false
    private var reached: BootTime

    /// - Parameter now: Counts as the last time it was reached.
    public init(patience: Duration, at now: BootTime) {
        self.patience = patience
        reached = now
    }

    /// Takes the outcome of an attempt that began at `began` and ended at `ended`.
    public mutating func observe(_ isReachable: Bool, from began: BootTime, to ended: BootTime) -> Verdict {
        if isReachable {
            reached = ended
            guard isWithdrawn else { return .stay }
            isWithdrawn = false
            return .rejoin
        }
        // What was stopped meanwhile learnt nothing: only attempts that were really made count.
        if ended - began > patience { reached = ended }
        guard !isWithdrawn, ended - reached >= patience else { return .stay }
        isWithdrawn = true
        return .withdraw
    }
}
