import Cluster
import KafkaQueue

/// Lets a process that cannot reach Kafka leave its work to others until it can: `NEEDLETAIL_KAFKA_CUT_PATIENCE_MS`,
/// `NEEDLETAIL_KAFKA_PATIENCE_MS` (`cluster.md` 13, 12).
final class KafkaWatch: Sendable {
    /// What is done about it.
    struct Reactions: Sendable {
        /// Tells the others whether this process doubts that it reaches Kafka.
        var tell: @Sendable (_ doubts: Bool) async -> Void
        /// Whether another process could do this one's work, and has no doubt.
        var hasStandIn: @Sendable () async -> Bool
        var withdraw: @Sendable () async -> Void
        var rejoin: @Sendable () async -> Void
    }

    private let task: Task<Void, Never>

    init(probe: KafkaProbe, judge: ReachabilityJudge, reactions: Reactions) {
        task = Task.detached {
            var judge = judge
            while !Task.isCancelled {
                try? await Task.sleep(for: judge.pause)
                if Task.isCancelled { return }
                let began = BootTime.now()
                let doubted = judge.isDoubtful
                let isReachable = await probe.isReachable(within: judge.attemptLimit)
                var verdict = judge.observe(isReachable, from: began, to: .now())
                if judge.isDoubtful != doubted { await reactions.tell(judge.isDoubtful) }
                if judge.isDoubtful, !judge.isWithdrawn {
                    verdict = judge.observe(othersReach: await reactions.hasStandIn(), at: .now())
                }
                switch verdict {
                case .withdraw: await reactions.withdraw()
                case .rejoin: await reactions.rejoin()
                case .stay: break
                }
            }
        }
    }

    func stop() { task.cancel() }
}
