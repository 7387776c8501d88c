public import Kafka
import Threads

/// Asks a broker for something small, to know whether Kafka can be reached.
public final class KafkaProbe: Sendable {
    private let admin: KafkaAdmin
    private let topic: String

    /// - Parameter topic: One that exists.
    public init(hub: KafkaHub, topic: String) throws(KafkaError) {
        var properties = hub.settings.common
        // A broker that is back is noticed soon: the next attempt to connect is never far.
        properties["socket.connection.setup.timeout.ms"] = "3000"
        properties["reconnect.backoff.max.ms"] = "500"
        admin = try KafkaAdmin(properties)
        self.topic = topic
    }

    /// Whether a broker answered within `limit`.
    public func isReachable(within limit: Duration = .seconds(10)) async -> Bool {
        let (admin, topic) = (admin, topic)
        let milliseconds = Int32(clamping: max(1, Int64(limit / .milliseconds(1))))
        return await DetachedThread.result("kafka-probe") {
            (try? admin.partitionCount(of: topic, milliseconds: milliseconds)) ?? nil != nil
        }
    }
}
