public import Logging
public import Messages
public import Metrics
public import Model
public import Queue
public import Reactor
public import ScriptEngine
public import Storage
import Synchronization

/// The rule engine of one process: a shard on each lane of its queue.
public final class RuleEngineService: Sendable {
    private let chains: any RuleChainSource
    private let writer: TelemetryWriter
    private let outlets: RuleEngineOutlets
    private let events: RuleEvents
    private let scripts: ScriptEngine
    private let statisticsInterval: Duration?
    private let logger: Logger
    private let metrics: MetricsRegistry
    private let state = Mutex(State())

    private struct State {
        var shards: [LoopBoundShard] = []
        var queues = QueueTable([])
    }

    /// - Parameters:
    ///   - events: Takes what is noted of nodes and chains.
    ///   - scripts: Runs the scripts of nodes; `nil` where there are none.
    public init(
        chains: any RuleChainSource, writer: TelemetryWriter, outlets: RuleEngineOutlets = RuleEngineOutlets(),
        events: (any EventRecorder)? = nil, eventSettings: RuleEventSettings = RuleEventSettings(),
        scripts: ScriptEngine? = nil, logger: Logger, metrics: MetricsRegistry
    ) {
        self.scripts = scripts ?? .none(metrics: metrics)
        self.events = RuleEvents(recorder: events ?? NoEvents(), settings: eventSettings)
        statisticsInterval = events == nil ? nil : eventSettings.statisticsInterval
        self.chains = chains
        self.writer = writer
        self.outlets = outlets
        self.logger = logger
        self.metrics = metrics
    }

    /// Makes the consumer of one lane; the same for the same lane of the same queue. Called on the lane's loop.
    ///
    /// - Parameter queue: The queue that all messages of the lane come from; `nil` when each names its own.
    public func makeConsumer(
        on loop: EventLoop, lane: Int, of queue: QueueKey? = nil
    ) -> any RuleEngineLaneConsumer {
        let (known, queues) = state.withLock { state in
            (state.shards.first { $0.loop === loop && $0.lane == lane && $0.queue == queue }, state.queues)
        }
        if let known { return known.shard }
        let shard = RuleEngineShard(
            loop: loop, chains: chains, makeSink: { self.writer.makeSink(on: $0, completions: $1) }, outlets: outlets,
            events: events, scripts: scripts, logger: logger,
            metrics: RuleEngineMetrics(
                registry: metrics, queue: queue ?? QueueKey(name: QueueRoute.main), shard: lane),
            queue: queue)
        shard.setQueues(queues)
        shard.startSelfActing()
        let isFirst = state.withLock { state in
            state.shards.append(LoopBoundShard(loop: loop, shard: shard, lane: lane, queue: queue))
            return state.shards.count == 1
        }
        if isFirst, let database = outlets.database, let queue = outlets.queue {
            let clock = FieldClock(loop: loop, database: database, queue: queue, logger: logger)
            loop.schedule(after: FieldClock.interval, repeating: FieldClock.interval) { clock.tick() }
        }
        if isFirst, let interval = statisticsInterval {
            loop.schedule(after: interval, repeating: interval) { [unowned self] in
                // Ends with what the shards say now.
                Task(executorPreference: loop) { await self.recordStatistics() }
            }
        }
        return shard
    }

    /// The queues there are, and how they are processed from now on. Safe from any thread.
    public func setQueues(_ records: [QueueRecord]) {
        let table = QueueTable(records)
        let shards = state.withLock { state in
            state.queues = table
            return state.shards
        }
        for bound in shards { bound.loop.execute { bound.shard.setQueues(table) } }
    }

    /// Notes how many messages nodes and chains had since the last call, of all shards together.
    private func recordStatistics() async {
        var sums: [TenantID: [UUID128: RuleCounts]] = [:]
        for bound in state.withLock({ $0.shards }) {
            for (tenant, counts) in await bound.loop.perform({ bound.shard.takeCounts() }) {
                for (entity, count) in counts { sums[tenant, default: [:]][entity, default: RuleCounts()] += count }
            }
        }
        let now = state.withLock { $0.shards.first?.loop.wallClockMilliseconds } ?? 0
        for (tenant, counts) in sums {
            for (entity, count) in counts {
                events.statistics(of: tenant, entity, processed: count.processed, errors: count.errors, now: now)
            }
        }
    }

    /// Reads the chains of a tenant anew on every shard. Safe from any thread.
    public func reloadChains(of tenant: TenantID) {
        for (number, bound) in state.withLock({ $0.shards }).enumerated() {
            // One of them starts the chains that nobody has used yet; the others, those that act by themselves.
            bound.loop.execute {
                bound.shard.reload(tenant, starts: number == 0)
                if number > 0 { bound.shard.startSelfActing(of: tenant) }
            }
        }
    }

    /// What tenants used since it was asked last.
    public func takeUsage() async -> [TenantID: UsageCounts] {
        var taken: [TenantID: UsageCounts] = [:]
        for bound in state.withLock({ $0.shards }) {
            for (tenant, counts) in await bound.loop.perform({ bound.shard.takeUsage() }) {
                taken[tenant, default: UsageCounts()] += counts
            }
        }
        return taken
    }

    /// What became of messages since it was asked last, by tenant and queue.
    public func takeQueueReports() async -> [QueueCountsKey: QueueReport] {
        var taken: [QueueCountsKey: QueueReport] = [:]
        for bound in state.withLock({ $0.shards }) {
            for (key, report) in await bound.loop.perform({ bound.shard.takeQueueReports() }) {
                taken[key, default: QueueReport()] += report
            }
        }
        return taken
    }

    /// Acts on what every rule engine is told. Safe from any thread.
    public func receive(_ notification: RuleEngineNotification) {
        switch notification {
        case .entityChanged(let tenant, let entity, let change):
            tell(entity, change, of: tenant)
            switch entity.type {
            case .ruleChain, .apiUsageState: reloadChains(of: tenant)
            case .calculatedField:
                for bound in state.withLock({ $0.shards }) {
                    bound.loop.execute { bound.shard.reloadFields(of: tenant) }
                }
            case .device, .asset, .customer, .deviceProfile, .assetProfile:
                for bound in state.withLock({ $0.shards }) { bound.loop.execute { bound.shard.fields.forget(entity) } }
            default: break
            }
        }
    }

    /// Nodes that keep something of an entity hear of its changes.
    private func tell(_ entity: EntityID, _ change: EntityChange, of tenant: TenantID) {
        guard entity.type == .deviceProfile || entity.type == .device else { return }
        for bound in state.withLock({ $0.shards }) {
            bound.loop.execute { bound.shard.entityChanged(entity, change, of: tenant) }
        }
    }

    private struct LoopBoundShard: @unchecked Sendable {
        // @unchecked: the shard is touched on its loop only.
        let loop: EventLoop
        let shard: RuleEngineShard
        let lane: Int
        let queue: QueueKey?
    }
}
