import JSON
import Messages
import Model
import Reactor
import Storage

/// "deduplication" (`rule-engine.md` 3.5): of the messages that an originator sends in some time one goes on. Each is done at
/// once; what waits is in memory only.
final class DeduplicationNode: RememberingNode {
    static let type = "org.thingsboard.rule.engine.deduplication.TbMsgDeduplicationNode"
    static let configurationVersion = 1

    private let settings: DeduplicationMemory.Settings
    private let maximumPending: Int
    var memory: DeduplicationMemory!

    init(configuration: JSONValue, context: RuleNodeContext) throws(RuleNodeConfigurationError) {
        var fields = try NodeConfiguration(configuration)
        let interval = try fields.integer("interval", default: 0)
        guard (1...315_360_000).contains(interval) else {
            throw RuleNodeConfigurationError("interval is no number of seconds")
        }
        let name = try fields.string("strategy") ?? ""
        guard let strategy = DeduplicationMemory.Strategy(rawValue: name) else {
            throw RuleNodeConfigurationError("unknown strategy \(name)")
        }
        let type = try fields.string("outMsgType") ?? ""
        maximumPending = try fields.integer("maxPendingMsgs", default: 0)
        let retries = try fields.integer("maxRetries", default: 0)
        try fields.end()
        settings = DeduplicationMemory.Settings(
            interval: Int64(interval) * 1_000, strategy: strategy, type: MessageType(type), retries: retries)
    }

    func makeMemory(_ place: RuleNodePlace, _ context: RuleNodeContext) -> DeduplicationMemory {
        DeduplicationMemory(place: place, context: context, settings: settings)
    }

    func process(_ message: RuleMessage, _ context: RuleNodeContext) -> NodeOutcome {
        guard memory.count(of: message.originator) < maximumPending else {
            return .failure(
                message,
                "[\(memory.place.node.uuid.text)] Max limit of pending messages reached for deduplication id: "
                    + "[\(message.originator.uuid.text)]")
        }
        memory.keep(message)
        return .acknowledge(message)
    }
}

/// Messages that wait for others of their originator. Owned by the shard's loop.
final class DeduplicationMemory: RuleNodeMemory {
    enum Strategy: String {
        case first = "FIRST"
        case last = "LAST"
        case all = "ALL"
    }

    struct Settings {
        /// Milliseconds.
        var interval: Int64
        var strategy: Strategy
        /// Of the message that all become.
        var type: MessageType
        var retries: Int
    }

    let place: RuleNodePlace
    private let context: RuleNodeContext
    private let settings: Settings
    private var pending: [EntityID: (messages: [RuleMessage], timer: LoopTimer?)] = [:]
    private var isStopped = false

    init(place: RuleNodePlace, context: RuleNodeContext, settings: Settings) {
        self.place = place
        self.context = context
        self.settings = settings
    }

    func stop() {
        isStopped = true
        for one in pending.values { one.timer?.cancel() }
        pending.removeAll()
    }

    func count(of originator: EntityID) -> Int { pending[originator]?.messages.count ?? 0 }

    func keep(_ message: RuleMessage) {
        pending[message.originator, default: ([], nil)].messages.append(message)
        schedule(message.originator)
    }

    private func schedule(_ originator: EntityID) {
        guard pending[originator]?.timer == nil else { return }
        pending[originator]?.timer = context.loop.schedule(after: .milliseconds(settings.interval + 1)) { [weak self] in
            self?.fire(originator)
        }
    }

    private func fire(_ originator: EntityID) {
        guard var messages = pending.removeValue(forKey: originator)?.messages else { return }
        let now = context.loop.wallClockMilliseconds
        for message in Self.take(from: &messages, settings, now: now, queue: place.queueName) { send(message) }
        if !messages.isEmpty {
            pending[originator] = (messages, nil)
            schedule(originator)
        }
    }

    /// Takes the messages whose time is over, and gives what becomes of each time: it begins with the earliest message.
    static func take(
        from messages: inout [RuleMessage], _ settings: Settings, now: Int64, queue: String?
    ) -> [RuleMessage] {
        var results: [RuleMessage] = []
        while let start = messages.map(\.metadataTimestamp).min(), start + settings.interval <= now {
            let pack = messages.filter { $0.metadataTimestamp < start + settings.interval }
            messages.removeAll { $0.metadataTimestamp < start + settings.interval }
            var result = pack[0]
            switch settings.strategy {
            case .first:
                for one in pack where one.metadataTimestamp < result.metadataTimestamp { result = one }
            case .last:
                for one in pack where one.metadataTimestamp > result.metadataTimestamp { result = one }
            case .all:
                let elements = pack.map { one -> JSONValue in
                    let metadata = one.metadata.dictionary.sorted { $0.key < $1.key }
                    return [
                        "msg": one.payload.json ?? .null,
                        "metadata": .object(JSONObject(metadata.map { ($0.key, .string($0.value)) })),
                    ]
                }
                result = RuleMessage(
                    id: result.id, timestamp: now, type: settings.type, originator: result.originator,
                    tenantID: result.tenantID, metadata: MessageMetadata(["ts": String(now)]),
                    payload: .text(JSONValue.array(elements).serializedString))
            }
            if let queue { result.queueName = queue }
            result.labels = []
            results.append(result)
        }
        return results
    }

    private func send(_ message: RuleMessage) {
        let sent = context.shard.emitted(message, .success, by: place)
        let sender = context.sending
        let retries = settings.retries
        Task(executorPreference: context.loop) { await sender.sendOn(sent, retries: retries) }
    }
}

extension SideMessageSender {
    /// Sends a message; again, with pauses of 10 s, where the queue does not take it.
    fileprivate func sendOn(_ message: RuleMessage, retries: Int) async {
        var attempt = 0
        while true {
            if await sendOn(message) { return }
            attempt += 1
            guard attempt <= retries else { return }
            await loop.sleep(.seconds(10))
        }
    }
}
