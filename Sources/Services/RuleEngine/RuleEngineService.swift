public import Logging
public import Messages
public import Metrics
public import Model
public import Queue
public import Reactor
public import Storage
import Synchronization

/// The rule engine of one process: a shard on each lane of its queue.
public final class RuleEngineService: Sendable {
    private let chains: any RuleChainSource
    private let writer: TelemetryWriter
    private let outlets: RuleEngineOutlets
    private let logger: Logger
    private let metrics: MetricsRegistry
    private let shards = Mutex<[LoopBoundShard]>([])

    public init(
        chains: any RuleChainSource, writer: TelemetryWriter, outlets: RuleEngineOutlets = RuleEngineOutlets(),
        logger: Logger,
        metrics: MetricsRegistry
    ) {
        self.chains = chains
        self.writer = writer
        self.outlets = outlets
        self.logger = logger
        self.metrics = metrics
    }

    /// Makes the consumer of one lane. Called on the lane's loop.
    public func makeConsumer(on loop: EventLoop, lane: Int) -> any RuleEngineLaneConsumer {
        let shard = RuleEngineShard(
            loop: loop, chains: chains, makeSink: { self.writer.makeSink(on: $0, completions: $1) }, outlets: outlets,
            logger: logger,
            metrics: RuleEngineMetrics(registry: metrics, queueName: "Main", shard: lane))
        shards.withLock { $0.append(LoopBoundShard(loop: loop, shard: shard)) }
        return shard
    }

    /// Reads the chains of a tenant anew on every shard. Safe from any thread.
    public func reloadChains(of tenant: TenantID) {
        for bound in shards.withLock({ $0 }) {
            bound.loop.execute { bound.shard.reload(tenant) }
        }
    }

    /// Acts on what every rule engine is told. Safe from any thread.
    public func receive(_ notification: RuleEngineNotification) {
        switch notification {
        case .entityChanged(let tenant, let entity, _):
            if entity.type == .ruleChain { reloadChains(of: tenant) }
        }
    }

    private struct LoopBoundShard: @unchecked Sendable {
        // @unchecked: the shard is touched on its loop only.
        let loop: EventLoop
        let shard: RuleEngineShard
    }
}
