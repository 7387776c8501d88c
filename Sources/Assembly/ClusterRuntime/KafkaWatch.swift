import Cluster
import KafkaQueue

/// Lets a process that cannot reach Kafka leave its work to others until it can: `NEEDLETAIL_KAFKA_PATIENCE_MS`
/// (`cluster.md` 13, 12).
final class KafkaWatch: Sendable {
    private let task: Task<Void, Never>

    /// - Parameters:
    ///   - withdraw: Called when Kafka has been out of reach for `patience`.
    ///   - rejoin: Called when it is there again after that.
    init(
        probe: KafkaProbe, patience: Duration, withdraw: @escaping @Sendable () async -> Void,
        rejoin: @escaping @Sendable () async -> Void
    ) {
        task = Task.detached {
            var judge = ReachabilityJudge(patience: patience, at: .now())
            // An attempt that lasts longer than the patience would count as none.
            let limit = min(Duration.seconds(10), patience / 2)
            while !Task.isCancelled {
                try? await Task.sleep(for: judge.isWithdrawn ? .seconds(1) : limit / 2)
                if Task.isCancelled { return }
                let began = BootTime.now()
                let isReachable = await probe.isReachable(within: limit)
                switch judge.observe(isReachable, from: began, to: .now()) {
                case .withdraw: await withdraw()
                case .rejoin: await rejoin()
                case .stay: break
                }
            }
        }
    }

    func stop() { task.cancel() }
}
