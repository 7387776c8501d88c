import Kafka
import Synchronization
import TestSupport
import Testing

/// Gathers what a producer reports.
final class Reports: Sendable {
    private let all = Mutex<[DeliveryReport]>([])
    var reports: [DeliveryReport] { all.withLock { $0 } }
    func add(_ reports: [DeliveryReport]) { all.withLock { $0 += reports } }
}

func bytes<R>(_ text: String, _ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    try Array(text.utf8).withUnsafeBytes { try body($0) }
}

@Suite(.serialized) struct KafkaTests {
    private func properties(_ kafka: MockKafka, _ more: KafkaProperties = KafkaProperties()) -> KafkaProperties {
        KafkaProperties(["bootstrap.servers": kafka.bootstrapServers]).merging(more)
    }

    @Test func unknownSettingIsNamed() {
        let error = #expect(throws: KafkaError.self) {
            try KafkaProducer(KafkaProperties(["bootstrap.serverz": "x"])) { _ in }
        }
        #expect(error?.description.contains("bootstrap.serverz") == true)
    }

    @Test func recordsComeBackInOrderWithKeyAndHeaders() async throws {
        let kafka = MockKafka()
        kafka.createTopic("t", partitions: 2)
        let producer = try KafkaProducer(properties(kafka)) { _ in }
        let reports = Reports()
        let receiver = producer.addReceiver { reports.add($0) }
        let topic = producer.topic("t")
        for number in 0..<100 {
            try bytes("key") { key in
                try bytes("value \(number)") { value in
                    try producer.produce(
                        to: topic, partition: 1, key: key, value: value, headers: ["h": [UInt8(number)]],
                        receiver: receiver, ticket: UInt32(number))
                }
            }
        }
        try await eventually("100 reports") { reports.reports.count == 100 }
        #expect(reports.reports.filter { !$0.isDelivered }.isEmpty)
        #expect(reports.reports.map(\.ticket) == Array(0..<100))

        let consumer = try KafkaConsumer(properties(kafka), group: "g")
        let queue = PartitionQueue(of: consumer, topic: "t", partition: 1, wakes: -1)
        try consumer.assign([KafkaPosition(topic: "t", partition: 1, offset: KafkaPosition.beginning)])
        var values: [String] = []
        var headers: [UInt8] = []
        try await eventually("100 records") {
            _ = queue.take(upTo: 7) { record in
                values.append(String(decoding: record.value, as: UTF8.self))
                headers += record.header("h") ?? []
                #expect(String(decoding: record.key, as: UTF8.self) == "key")
                #expect(record.header("no") == nil)
            }
            return values.count == 100
        }
        #expect(values == (0..<100).map { "value \($0)" })
        #expect(headers == (0..<100).map { UInt8($0) })
        producer.close(within: .seconds(1))
    }

    @Test func committedOffsetIsWhereTheNextConsumerStarts() async throws {
        let kafka = MockKafka()
        kafka.createTopic("t", partitions: 1)
        let producer = try KafkaProducer(properties(kafka)) { _ in }
        let topic = producer.topic("t")
        for number in 0..<10 {
            try bytes("\(number)") { try producer.produce(to: topic, partition: 0, key: $0, value: $0) }
        }
        producer.close(within: .seconds(5))
        do {
            let first = try KafkaConsumer(properties(kafka), group: "g")
            try first.commit([KafkaPosition(topic: "t", partition: 0, offset: 7)])
            try await eventually("the commit's outcome") {
                first.events(milliseconds: 10).contains {
                    if case .committed(_, nil) = $0 { true } else { false }
                }
            }
        }
        let second = try KafkaConsumer(
            properties(kafka, KafkaProperties(["auto.offset.reset": "earliest"])), group: "g", isPolled: true)
        try second.assign([KafkaPosition(topic: "t", partition: 0, offset: KafkaPosition.committed)])
        var offsets: [Int64] = []
        try await eventually("three records") {
            _ = second.poll(upTo: 10, milliseconds: 10) { offsets.append($0.offset) }
            return offsets.count >= 3
        }
        #expect(offsets == [7, 8, 9])
        #expect(try second.watermarks(topic: "t", partition: 0, milliseconds: 5000) == 0..<10)
    }

    @Test func recordAboveTheLimitIsRefusedAtOnce() throws {
        let kafka = MockKafka()
        let producer = try KafkaProducer(properties(kafka, KafkaProperties(["message.max.bytes": "2000"]))) { _ in }
        let error = #expect(throws: KafkaError.self) {
            try [UInt8](repeating: 1, count: 5000).withUnsafeBytes { value in
                try producer.produce(to: producer.topic("t"), partition: 0, key: value, value: value)
            }
        }
        #expect(error?.isTooLarge == true)
        producer.close(within: .seconds(1))
    }

    @Test func fullBufferIsToldApart() throws {
        // Nobody listens there.
        let producer = try KafkaProducer(
            KafkaProperties(["bootstrap.servers": "127.0.0.1:9", "queue.buffering.max.messages": "10"])
        ) { _ in }
        let error = #expect(throws: KafkaError.self) {
            for _ in 0..<11 {
                try bytes("x") { try producer.produce(to: producer.topic("t"), partition: 0, key: $0, value: $0) }
            }
        }
        #expect(error?.isQueueFull == true)
        producer.close(within: .zero)
    }

    /// Names come from headers of records, too. One that is none must not shift those that follow.
    @Test func aNameThatIsNoneTakesNoOtherTopicsPlace() async throws {
        let kafka = MockKafka()
        for name in ["first", "second"] { kafka.createTopic(name, partitions: 1) }
        let producer = try KafkaProducer(properties(kafka)) { _ in }
        let reports = Reports()
        let receiver = producer.addReceiver { reports.add($0) }
        let none = producer.topic(String(repeating: "x", count: 1_000))
        let (first, second) = (producer.topic("first"), producer.topic("second"))
        let error = #expect(throws: KafkaError.self) {
            try bytes("x") { try producer.produce(to: none, partition: 0, key: $0, value: $0) }
        }
        #expect(error?.isClientClosed == false)
        try bytes("1") { try producer.produce(to: first, partition: 0, key: $0, value: $0, receiver: receiver) }
        try bytes("2") { try producer.produce(to: second, partition: 0, key: $0, value: $0, receiver: receiver) }
        try await eventually("both reports") { reports.reports.count { $0.isDelivered } == 2 }
        let consumer = try KafkaConsumer(properties(kafka), group: "g")
        let end = try consumer.watermarks(topic: "first", partition: 0, milliseconds: 10_000).upperBound
        #expect(end == 1)
        producer.close(within: .zero)
    }

    @Test func recordsThatCannotBeSentAreReportedAsFailed() async throws {
        let producer = try KafkaProducer(
            KafkaProperties(["bootstrap.servers": "127.0.0.1:9", "message.timeout.ms": "300"])
        ) { _ in }
        let reports = Reports()
        let receiver = producer.addReceiver { reports.add($0) }
        try bytes("x") {
            try producer.produce(
                to: producer.topic("t"), partition: 0, key: $0, value: $0, receiver: receiver, ticket: 9)
        }
        try await eventually("a report") { !reports.reports.isEmpty }
        #expect(reports.reports.map(\.ticket) == [9])
        #expect(reports.reports.first?.error?.name == "_MSG_TIMED_OUT")
        producer.close(within: .zero)
    }

    @Test func closingReportsWhatIsLeft() throws {
        let producer = try KafkaProducer(KafkaProperties(["bootstrap.servers": "127.0.0.1:9"])) { _ in }
        let reports = Reports()
        let receiver = producer.addReceiver { reports.add($0) }
        try bytes("x") {
            try producer.produce(
                to: producer.topic("t"), partition: 0, key: $0, value: $0, receiver: receiver, ticket: 1)
        }
        producer.close(within: .zero)
        #expect(reports.reports.map(\.isDelivered) == [false])
        #expect(throws: KafkaError.self) {
            try bytes("x") { try producer.produce(to: producer.topic("t"), partition: 0, key: $0, value: $0) }
        }
    }
}
