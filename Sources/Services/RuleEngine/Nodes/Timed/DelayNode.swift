import JSON
import Messages
import Model
import Reactor
import Storage

/// "delay (deprecated)" (`rule-engine.md` 3.7): a message is done at once, and goes on some time later. What waits is in
/// memory only.
final class DelayNode: RememberingNode {
    static let type = "org.thingsboard.rule.engine.delay.TbMsgDelayNode"

    /// No period is longer: ten years.
    private static let longestPeriod = 315_360_000

    private let period: Int
    private let pattern: MessageTemplate?
    private let maximumPending: Int
    var memory: DelayMemory!

    init(configuration: JSONValue, context: RuleNodeContext) throws(RuleNodeConfigurationError) {
        var fields = try NodeConfiguration(configuration)
        period = try fields.integer("periodInSeconds", default: 0)
        maximumPending = try fields.integer("maxPendingMsgs", default: 0)
        let pattern = try fields.string("periodInSecondsPattern") ?? ""
        self.pattern =
            try fields.bool("useMetadataPeriodInSecondsPatterns", default: false) ? MessageTemplate(pattern) : nil
        try fields.end()
    }

    func makeMemory(_ place: RuleNodePlace, _ context: RuleNodeContext) -> DelayMemory {
        DelayMemory(place: place, context: context)
    }

    func process(_ message: RuleMessage, _ context: RuleNodeContext) -> NodeOutcome {
        guard memory.count < maximumPending else {
            return .failure(message, "Max limit of pending messages reached!")
        }
        var seconds = period
        if let pattern {
            do throws(RuleNodeError) {
                guard let given = Int(try pattern.filled(message)) else {
                    return .failure(
                        message, "Can't parse period in seconds from metadata using pattern: \(pattern.text)")
                }
                seconds = given
            } catch {
                return .failure(message, error.message)
            }
        }
        memory.keep(message, for: .seconds(max(0, min(seconds, Self.longestPeriod))))
        return .acknowledge(message)
    }
}

/// Messages that wait for their time. Owned by the shard's loop.
final class DelayMemory: RuleNodeMemory {
    private let place: RuleNodePlace
    private let context: RuleNodeContext
    private var timers: [UInt64: LoopTimer] = [:]
    private var serial: UInt64 = 0

    init(place: RuleNodePlace, context: RuleNodeContext) {
        self.place = place
        self.context = context
    }

    var count: Int { timers.count }

    func stop() {
        for timer in timers.values { timer.cancel() }
        timers.removeAll()
    }

    func keep(_ message: RuleMessage, for time: Duration) {
        serial += 1
        timers[serial] = context.loop.schedule(after: time) { [weak self, serial] in
            guard let self else { return }
            timers[serial] = nil
            context.emit(message, .success, by: place)
        }
    }
}

extension RuleNodeContext {
    /// Sends a new message on from a node along a label, through the queue that it names.
    ///
    /// - Parameter error: Why, where the label is `Failure`.
    func emit(_ message: RuleMessage, _ label: RelationLabel, error: String? = nil, by place: RuleNodePlace) {
        let sent = shard.emitted(message, label, error: error, by: place)
        let sender = sending
        Task(executorPreference: loop) { await sender.sendOn(sent) }
    }
}
