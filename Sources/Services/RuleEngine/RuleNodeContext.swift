public import Logging
public import Messages
import JSON
import Model
public import Queue
public import Reactor
import ScriptEngine
public import Storage

/// What a node may use of its shard. Owned by the shard's loop.
public final class RuleNodeContext {
    /// Names a suspended message until it is resumed, once.
    public struct Suspension: Sendable, Hashable {
        let slot: UInt32
    }

    public let loop: EventLoop
    /// Where telemetry and attributes are saved. Completions of saves with a suspension as token resume the message along
    /// `Success`, or `Failure` when the values are refused.
    public let telemetry: any TelemetrySink
    public let outlets: RuleEngineOutlets
    public let logger: Logger
    /// Knows the numbers of keys that were read before.
    private var reader: TelemetryReader?
    /// The shard that owns the context; set once, right after it was made.
    unowned var shard: RuleEngineShard!

    init(loop: EventLoop, telemetry: any TelemetrySink, outlets: RuleEngineOutlets, logger: Logger) {
        self.loop = loop
        self.telemetry = telemetry
        self.outlets = outlets
        self.logger = logger
    }

    /// Keeps the message that is being processed until it is resumed. The node returns ``NodeOutcome/suspended`` then.
    public func suspend(_ message: RuleMessage) -> Suspension {
        Suspension(slot: shard.suspend(message))
    }

    /// Goes on with a message as `body` says, which may wait; what it throws is a failure. The node returns what this does.
    public func later(
        _ message: RuleMessage, _ body: @escaping @Sendable () async throws -> NodeOutcome
    ) -> NodeOutcome {
        shard.later(message, body)
        return .suspended
    }

    /// The same with the database. While that cannot be reached the message waits, and `body` begins again.
    func later(
        _ message: RuleMessage,
        _ body: @escaping @Sendable (any TransactionRunner, TelemetryReader) async throws -> NodeOutcome
    ) -> NodeOutcome {
        guard let database = outlets.database else { return .failure(message, "There is no database here") }
        let reader = reader ?? TelemetryReader(database)
        self.reader = reader
        return later(message) { [loop] in
            var pause = 50
            while true {
                do {
                    return try await body(database, reader)
                } catch DatabaseError.connectionLost, DatabaseError.unavailable, DatabaseError.timeout,
                    DatabaseError.overloaded
                {
                    await loop.sleep(.milliseconds(pause))
                    pause = min(2_000, pause * 2)
                }
            }
        }
    }

    /// Makes a suspended message wait for `completions` saves with its token instead of one.
    public func expect(_ completions: Int, for suspension: Suspension) {
        shard.expect(completions, slot: suspension.slot)
    }

    /// Tells the owner of a device something once the saves of a suspended message are stored; nothing when the database
    /// refuses them.
    public func announce(_ announcement: DeviceNotification, after suspension: Suspension) {
        shard.announce(announcement, slot: suspension.slot)
    }

    /// Whether the tenant of the message that is being processed may store no more telemetry.
    public var isStorageDisabled: Bool { shard.currentUsage?.features.storage == .disabled }

    /// Counts points that are saved, each for the days that it is to be kept.
    public func countStored(_ points: Int) { shard.currentUsage?.counts.storedDataPoints += Int64(points) }

    // MARK: - Scripts

    /// What was compiled for the node that is being made.
    var preparedScript: Result<Script, ScriptError>?

    /// The script of the node that is being made.
    func takeScript(_ wanted: NodeScript?) throws(RuleNodeConfigurationError) -> Script {
        switch preparedScript {
        case .success(let script): return script
        case .failure(let error): throw RuleNodeConfigurationError(error.message)
        case nil: throw RuleNodeConfigurationError("\(wanted?.language.rawValue ?? "") script was not compiled")
        }
    }

    /// Calls a script for the message that is being processed, which waits meanwhile and goes on as `outcome` says, or along
    /// `Failure` with the error's text.
    func run(
        _ script: Script, for message: RuleMessage,
        _ outcome: @escaping @Sendable (RuleMessage, JSONValue) throws(ScriptError) -> NodeOutcome
    ) -> NodeOutcome {
        shard.run(script, for: message) { message, result in
            do throws(ScriptError) {
                return try outcome(message, try result.get())
            } catch {
                return .failure(message, error.message)
            }
        }
    }

    /// Sends a new message on from the current node, in place of one that is done already, once `body` has its data and
    /// label.
    public func answer(
        _ message: RuleMessage, _ body: @escaping @Sendable () async -> (data: String, label: RelationLabel)
    ) {
        shard.answer(message, body)
    }
}

extension RuleNodeContext.Suspension {
    /// Its form as the token of a save.
    public var token: UInt32 { slot }
}

/// Where nodes send what is not for other nodes. Safe from any thread.
public struct RuleEngineOutlets: Sendable {
    /// Calls to devices; `nil` where nothing can be called: every call ends as that of a device without connection does.
    public var calls: DeviceCaller?
    /// Messages for the owners of devices.
    public var core: (any CoreQueueProducer)?
    /// Answers for sessions of devices.
    public var transports: (any TransportNotificationProducer)?
    /// Answers for REST calls, which wait on core nodes.
    public var nodes: (any CoreNotificationProducer)?
    /// Messages for the rule engine itself.
    public var queue: (any RuleEngineQueue)?
    /// What nodes read and change.
    public var database: (any TransactionRunner)?

    public init(
        calls: DeviceCaller? = nil, core: (any CoreQueueProducer)? = nil,
        transports: (any TransportNotificationProducer)? = nil, nodes: (any CoreNotificationProducer)? = nil,
        queue: (any RuleEngineQueue)? = nil, database: (any TransactionRunner)? = nil
    ) {
        self.calls = calls
        self.core = core
        self.transports = transports
        self.nodes = nodes
        self.queue = queue
        self.database = database
    }
}
