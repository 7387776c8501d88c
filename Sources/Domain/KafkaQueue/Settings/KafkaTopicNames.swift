public import Configuration
public import Model

/// The names of topics and consumer groups (`cluster.md` 2.1, 2.2): `[prefix.]topic[.isolated.tenant]`. A queue is one
/// topic whose partitions are Kafka's.
public struct KafkaTopicNames: Sendable {
    /// `TB_QUEUE_PREFIX`; empty: none.
    public var prefix = ""
    var coreName = "tb_core"
    var coreNotificationsName = "tb_core.notifications"
    var ruleEngineNotificationsName = "tb_rule_engine.notifications"
    var transportNotificationsName = "tb_transport.notifications"
    var requestsName = "tb_transport.api.requests"
    var responsesName = "tb_transport.api.responses"
    var scriptRequestsName = "js_eval.requests"
    var scriptResponsesName = "js_eval.responses"

    public init() {}

    public init(_ settings: inout SettingsReader) {
        prefix = settings.string("TB_QUEUE_PREFIX", default: "")
        coreName = settings.string("TB_QUEUE_CORE_TOPIC", default: coreName)
        coreNotificationsName = settings.string("TB_QUEUE_CORE_NOTIFICATIONS_TOPIC", default: coreNotificationsName)
        ruleEngineNotificationsName = settings.string(
            "TB_QUEUE_RULE_ENGINE_NOTIFICATIONS_TOPIC", default: ruleEngineNotificationsName)
        transportNotificationsName = settings.string(
            "TB_QUEUE_TRANSPORT_NOTIFICATIONS_TOPIC", default: transportNotificationsName)
        requestsName = settings.string("TB_QUEUE_TRANSPORT_API_REQUEST_TOPIC", default: requestsName)
        responsesName = settings.string("TB_QUEUE_TRANSPORT_API_RESPONSE_TOPIC", default: responsesName)
        scriptRequestsName = settings.string("REMOTE_JS_EVAL_REQUEST_TOPIC", default: scriptRequestsName)
        scriptResponsesName = settings.string("REMOTE_JS_EVAL_RESPONSE_TOPIC", default: scriptResponsesName)
    }

    public var core: String { prefixed(coreName) }
    public var transportAPIRequests: String { prefixed(requestsName) }
    public func coreNotifications(_ serviceID: String) -> String { prefixed("\(coreNotificationsName).\(serviceID)") }
    public func ruleEngineNotifications(_ serviceID: String) -> String {
        prefixed("\(ruleEngineNotificationsName).\(serviceID)")
    }
    public func transportNotifications(_ serviceID: String) -> String {
        prefixed("\(transportNotificationsName).\(serviceID)")
    }
    public func transportAPIResponses(_ serviceID: String) -> String { prefixed("\(responsesName).\(serviceID)") }
    public var scriptRequests: String { prefixed(scriptRequestsName) }
    public func scriptResponses(_ serviceID: String) -> String { prefixed("\(scriptResponsesName).\(serviceID)") }

    /// The topic of a rule engine queue.
    ///
    /// - Parameters:
    ///   - topic: as the queue's record has it.
    ///   - isolated: the tenant whose own queue it is.
    public func ruleEngine(topic: String, isolated: TenantID? = nil) -> String {
        prefixed(isolated.map { "\(topic).isolated.\($0)" } ?? topic)
    }

    /// Where records go that cannot be read.
    public func deadLetters(of topic: String) -> String { topic + ".dead_letters" }

    // MARK: - Groups

    public var coreGroup: String { prefixed("tb-core-node") }
    public var transportAPIGroup: String { prefixed("tb-core-transport-api-consumer") }
    /// Of executors of scripts.
    public var scriptGroup: String { prefixed("js-executor-group") }
    public func ruleEngineGroup(queue: String, isolated: TenantID? = nil) -> String {
        prefixed(isolated.map { "re-\(queue)-isolated-\($0)-consumer" } ?? "re-\(queue)-consumer")
    }
    /// Of a consumer that only this process has; it commits nothing.
    public func nodeGroup(_ serviceID: String) -> String { prefixed("node-\(serviceID)") }

    // MARK: - Prefix

    func prefixed(_ name: String) -> String { prefix.isEmpty ? name : "\(prefix).\(name)" }

    func withoutPrefix(_ name: String) -> String {
        guard !prefix.isEmpty, name.hasPrefix(prefix + ".") else { return name }
        return String(name.dropFirst(prefix.count + 1))
    }
}
