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
    private let events: RuleEvents
    private let statisticsInterval: Duration?
    private let logger: Logger
    private let metrics: MetricsRegistry
    private let shards = Mutex<[LoopBoundShard]>([])

    /// - Parameter events: Takes what is noted of nodes and chains.
    public init(
        chains: any RuleChainSource, writer: TelemetryWriter, outlets: RuleEngineOutlets = RuleEngineOutlets(),
        events: (any EventRecorder)? = nil, eventSettings: RuleEventSettings = RuleEventSettings(), logger: Logger,
        metrics: MetricsRegistry
    ) {
        self.events = RuleEvents(recorder: events ?? NoEvents(), settings: eventSettings)
        statisticsInterval = events == nil ? nil : eventSettings.statisticsInterval
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
            events: events, logger: logger,
            metrics: RuleEngineMetrics(registry: metrics, queueName: "Main", shard: lane))
        let isFirst = shards.withLock { shards in
            shards.append(LoopBoundShard(loop: loop, shard: shard))
            return shards.count == 1
        }
        if isFirst, let interval = statisticsInterval {
            loop.schedule(after: interval, repeating: interval) { [unowned self] in
                // Ends with what the shards say now.
                Task(executorPreference: loop) { await self.recordStatistics() }
            }
        }
        return shard
    }

    /// Notes how many messages nodes and chains had since the last call, of all shards together.
    private func recordStatistics() async {
        var sums: [TenantID: [UUID128: RuleCounts]] = [:]
        for bound in shards.withLock({ $0 }) {
            for (tenant, counts) in await bound.loop.perform({ bound.shard.takeCounts() }) {
                for (entity, count) in counts { sums[tenant, default: [:]][entity, default: RuleCounts()] += count }
            }
        }
        let now = shards.withLock { $0.first?.loop.wallClockMilliseconds } ?? 0
        for (tenant, counts) in sums {
            for (entity, count) in counts {
                events.statistics(of: tenant, entity, processed: count.processed, errors: count.errors, now: now)
            }
        }
    }

    /// Reads the chains of a tenant anew on every shard. Safe from any thread.
    public func reloadChains(of tenant: TenantID) {
        for (lane, bound) in shards.withLock({ $0 }).enumerated() {
            // One of them starts the chains that nobody has used yet.
            bound.loop.execute { bound.shard.reload(tenant, starts: lane == 0) }
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
