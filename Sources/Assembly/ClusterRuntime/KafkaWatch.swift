import Cluster
import KafkaQueue
import ZooKeeperCluster

/// Lets a process that cannot reach Kafka leave its partitions to others until it can: `NEEDLETAIL_KAFKA_PATIENCE_MS`
/// (`cluster.md` 13, 12).
final class KafkaWatch: Sendable {
    private let task: Task<Void, Never>

    init(probe: KafkaProbe, membership: ZooKeeperMembership, patience: Duration) {
        task = Task.detached {
            var judge = ReachabilityJudge(patience: patience, at: .now())
            while !Task.isCancelled {
                try? await Task.sleep(for: judge.isWithdrawn ? .seconds(1) : .seconds(5))
                if Task.isCancelled { return }
                let began = BootTime.now()
                let isReachable = await probe.isReachable()
                switch judge.observe(isReachable, from: began, to: .now()) {
                case .withdraw: await membership.withdraw()
                case .rejoin: await membership.rejoin()
                case .stay: break
                }
            }
        }
    }

    func stop() { task.cancel() }
}
