public import Cache
public import Logging
public import Messages
public import Metrics
public import Model
public import Queue
public import Reactor
public import Storage

/// The core side of devices behind its loop. Safe from any thread.
public final class DeviceService: Sendable {
    private let core: LoopBound<DeviceCore>

    public var loop: EventLoop { core.loop }

    /// Called on `loop`, which is to consume the core queue.
    public init(
        loop: EventLoop, settings: DeviceCoreSettings, database: Database, writer: TelemetryWriter,
        queue: any RuleEngineQueue, notifications: any TransportNotificationProducer,
        answers: any CoreNotificationProducer, sessionStore: (any CacheStore)? = nil, logger: Logger,
        metrics: MetricsRegistry
    ) {
        core = LoopBound(
            DeviceCore(
                loop: loop, settings: settings, database: database, queue: queue, notifications: notifications,
                answers: answers, logger: logger, metrics: metrics, sessionStore: sessionStore
            ) { writer.makeSink(on: loop, completions: $0) }, on: loop)
    }

    /// Takes a message of the core queue. On the loop, in the order of the queue.
    public func receive(_ message: CoreMessage) {
        core.withValue { $0.receive(message) }
    }

    /// Whether so little waits for the database that more may come. On the loop.
    public var hasRoom: Bool { core.withValue { $0.hasRoom } }

    /// Takes up what is stored of the devices that this node owns; to be called again when there are more of them.
    public func restore(where isOwned: @escaping @Sendable (DeviceID) -> Bool) {
        let bound = core
        Task(executorPreference: loop) {
            let reference = bound.withValue { CoreReference(core: $0) }
            await reference.core.restoreStates(where: isOwned)
        }
    }

    /// Stores the sessions that changed: to be awaited before another node becomes the owner of their devices.
    public func storeSessions() async {
        let bound = core
        await Task(executorPreference: loop) {
            let reference = bound.withValue { CoreReference(core: $0) }
            await reference.core.storeSessions()
        }.value
    }

    /// Forgets devices that belong to another node now.
    public func release(where isOwned: @escaping @Sendable (DeviceID) -> Bool) {
        let bound = core
        loop.execute { bound.withValue { $0.release(where: isOwned) } }
    }

    /// Writes what is only remembered; to be awaited before the writers stop.
    public func flush() async {
        let bound = core
        await loop.perform { bound.withValue { $0.flush() } }
    }

    /// Waits until the rule engine has done what it was told of devices, for a bounded time.
    ///
    /// - Returns: How many messages are left.
    public func finish(within limit: Duration) async -> Int {
        let bound = core
        let loop = loop
        return await Task(executorPreference: loop) {
            let deadline = ContinuousClock.now + limit
            while true {
                let left = bound.withValue { $0.unfinishedMessages }
                if left == 0 || ContinuousClock.now >= deadline { return left }
                await loop.sleep(.milliseconds(20))
            }
        }.value
    }
}
