public import Messages
public import Queue
import Kafka
import Logging
import Threads

/// The topics of rule engine queues while queues come, grow and go. Safe from any thread.
public struct KafkaQueueTopics: QueueTopics {
    private let hub: KafkaHub

    public init(hub: KafkaHub) { self.hub = hub }

    /// Creates the queue's topic, or gives it more partitions where it has fewer than the queue.
    public func prepare(_ route: QueueRoute) async throws {
        if let count = try await partitionCount(of: route), count < route.partitions {
            let name = name(of: route)
            try await admin { admin throws(KafkaError) in
                try admin.grow(name, to: route.partitions, milliseconds: 10_000)
            }
            try await awaitPartitions(route)
            hub.logger.notice(
                "a queue has more partitions now",
                ["kafka.topic": .string(name), "partitions": .integer(route.partitions)])
        }
        try await hub.ensureRuleEngineTopics([route])
    }

    /// Brokers hear of new partitions one after the other.
    private func awaitPartitions(_ route: QueueRoute) async throws {
        for _ in 0..<50 {
            if let count = try await partitionCount(of: route), count >= route.partitions { return }
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    /// How many partitions the queue's topic has: more than the queue's where that was made smaller. `nil`: no such topic.
    public func partitionCount(of route: QueueRoute) async throws -> Int? {
        let name = name(of: route)
        return try await admin { admin throws(KafkaError) in
            try admin.partitionCount(of: name, milliseconds: 10_000)
        }
    }

    /// Whether everything that was ever sent to the queue is committed.
    public func isEmpty(_ route: QueueRoute) async throws -> Bool {
        let name = name(of: route)
        let group = hub.settings.topics.ruleEngineGroup(queue: route.name, isolated: route.isolatedTenant)
        guard let count = try await partitionCount(of: route) else { return true }
        let properties = hub.settings.common
        let result: Result<Bool, KafkaError> = await DetachedThread.result("kafka-offsets") {
            Result { () throws(KafkaError) in
                let consumer = try KafkaConsumer(properties, group: group)
                let committed = try consumer.committed(
                    (0..<count).map { KafkaPosition(topic: name, partition: Int32($0), offset: 0) },
                    milliseconds: 10_000)
                for position in committed {
                    let range = try consumer.watermarks(
                        topic: name, partition: position.partition, milliseconds: 10_000)
                    // Where nothing was committed, nothing may ever have been there.
                    let reached = position.offset >= 0 ? position.offset : range.lowerBound
                    if reached < range.upperBound { return false }
                }
                return true
            }
        }
        return try result.get()
    }

    /// Deletes the topics of a queue.
    public func delete(_ route: QueueRoute) async throws {
        let name = name(of: route)
        let letters = hub.settings.topics.deadLetters(of: name)
        try await admin { admin throws(KafkaError) in
            try admin.delete([name, letters], milliseconds: 10_000)
        }
        hub.logger.notice("the topic of a deleted queue is gone", ["kafka.topic": .string(name)])
    }

    private func name(of route: QueueRoute) -> String {
        hub.settings.topics.ruleEngine(topic: route.topic, isolated: route.isolatedTenant)
    }

    private func admin<R: Sendable>(
        _ body: @escaping @Sendable (KafkaAdmin) throws(KafkaError) -> R
    ) async throws -> R {
        let common = hub.settings.common
        let result: Result<R, KafkaError> = await DetachedThread.result("kafka-admin") {
            Result { () throws(KafkaError) in try body(try KafkaAdmin(common)) }
        }
        return try result.get()
    }
}
