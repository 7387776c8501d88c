public import Messages
public import Queue
import Kafka
import Synchronization
import Wire

/// Sends notifications to single nodes, or to all of a role. Safe from any thread.
///
/// A notification that cannot be delivered is counted and logged; there is none whose loss harms for good.
public final class KafkaTransportNotifications: TransportNotificationProducer {
    private let sender: NotificationSender
    private let nodes: @Sendable () -> [String]

    /// - Parameter nodes: the service ids of all transports that live now.
    public init(hub: KafkaHub, nodes: @escaping @Sendable () -> [String]) {
        self.nodes = nodes
        let names = hub.settings.topics
        sender = NotificationSender(hub: hub, family: "transports") { names.transportNotifications($0) }
    }

    public func send(_ notification: TransportNotification, to nodeID: String) {
        sender.send(to: CollectionOfOne(nodeID)) { $0.encode(notification) }
    }

    public func broadcast(_ notification: TransportNotification) {
        sender.send(to: nodes()) { $0.encode(notification) }
    }
}

/// The same for core nodes.
public final class KafkaCoreNotifications: CoreNotificationProducer {
    private let sender: NotificationSender
    private let nodes: @Sendable () -> [String]

    /// - Parameter nodes: the service ids of all core nodes that live now.
    public init(hub: KafkaHub, nodes: @escaping @Sendable () -> [String]) {
        self.nodes = nodes
        let names = hub.settings.topics
        sender = NotificationSender(hub: hub, family: "core nodes") { names.coreNotifications($0) }
    }

    public func send(_ notification: CoreNotification, to serviceID: String) {
        sender.send(to: CollectionOfOne(serviceID)) { $0.encode(notification) }
    }

    public func broadcast(_ notification: CoreNotification) {
        sender.send(to: nodes()) { $0.encode(notification) }
    }
}

/// The same for rule engines.
public final class KafkaRuleEngineNotifications: RuleEngineNotificationProducer {
    private let sender: NotificationSender
    private let nodes: @Sendable () -> [String]

    /// - Parameter nodes: the service ids of all rule engines that live now.
    public init(hub: KafkaHub, nodes: @escaping @Sendable () -> [String]) {
        self.nodes = nodes
        let names = hub.settings.topics
        sender = NotificationSender(hub: hub, family: "rule engines") { names.ruleEngineNotifications($0) }
    }

    public func broadcast(_ notification: RuleEngineNotification) {
        sender.send(to: nodes()) { $0.encode(notification) }
    }
}

/// Encodes once and sends to the topics of nodes.
private final class NotificationSender: Sendable {
    private let hub: KafkaHub
    private let receiver: KafkaProducer.Receiver
    private let topicName: @Sendable (String) -> String

    init(hub: KafkaHub, family: String, topicName: @escaping @Sendable (String) -> String) {
        self.hub = hub
        self.topicName = topicName
        receiver = hub.failureReceiver(topic: family)
    }

    func send(to nodes: some Sequence<String>, encode: (inout WireEncoder) -> Void) {
        var encoder = WireEncoder()
        encode(&encoder)
        let empty = UnsafeRawBufferPointer(start: nil, count: 0)
        for node in nodes {
            let name = topicName(node)
            do throws(KafkaError) {
                try encoder.withBytes { value throws(KafkaError) in
                    try hub.producer.produce(
                        to: hub.producer.topic(name), partition: 0, key: empty, value: value, receiver: receiver)
                }
            } catch {
                hub.noteRefused(error, topic: name)
            }
        }
    }
}
