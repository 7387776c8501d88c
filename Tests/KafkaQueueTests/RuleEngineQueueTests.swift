import Cluster
import Kafka
import KafkaQueue
import Messages
import Model
import Queue
import Reactor
import Synchronization
import Telemetry
import TestSupport
import Testing

@Suite(.serialized) struct RuleEngineQueueTests {
    @Test(arguments: Backend.all)
    func messagesArriveInOrderOfTheirOriginatorAndAreAcknowledged(_ backend: Backend) async throws {
        try await withLoops(2) { loops in
            try await withHub(backend) { hub in
                let queue = KafkaRuleEngineQueue(hub: hub, routing: QueueRouting([mainRoute]))
                let ledger = Ledger()
                let (consumer, _) = try await makeConsumer(hub, loops, ledger)
                await consumer.own([0, 1, 2, 3])
                let devices = (0..<8).map { _ in UUID128.random() }
                for number in 0..<25 {
                    for device in devices {
                        let outcome = try await queue.send(message(number, originator: device))
                        #expect(outcome == .acknowledged)
                    }
                }
                try await eventually("200 messages") { ledger.count == 200 }
                for device in devices { #expect(ledger.of(device) == (0..<25).map { Int64($0) }) }
                await consumer.stop()
            }
        }
    }

    @Test(arguments: Backend.all)
    func aQueueThatDuplicatesGivesEveryPartitionACopy(_ backend: Backend) async throws {
        try await withLoops(1) { loops in
            try await withHub(backend) { hub in
                var route = mainRoute
                route.duplicates = true
                let queue = KafkaRuleEngineQueue(hub: hub, routing: QueueRouting([route]))
                let ledger = Ledger()
                let (consumer, _) = try await makeConsumer(hub, loops, ledger)
                await consumer.own([0, 1, 2, 3])
                let sent = message(7, originator: .random())
                #expect(try await queue.send(sent) == .acknowledged)
                try await eventually("a message for each partition") { ledger.count >= 4 }
                let copies = ledger.messages
                #expect(Set(copies.map { $0.duplicate?.partition }) == [0, 1, 2, 3])
                #expect(Set(copies.map { $0.duplicate?.correlationID }).count == 1)
                #expect(Set(copies.map(\.id)).count == 4)
                #expect(copies.allSatisfy { $0.originator == sent.originator && $0.payload.text == sent.payload.text })
                let own = copies.first { $0.id == sent.id }
                #expect(own?.duplicate?.partition == Int32(Partitioner(count: 4).partition(of: sent.originator.uuid)))
                // A copy that goes through the queue again is not copied again.
                #expect(try await queue.send(try #require(own)) == .acknowledged)
                try await eventually("the fifth") { ledger.count >= 5 }
                await consumer.stop()
                #expect(ledger.count == 5)
            }
        }
    }

    @Test(arguments: Backend.all)
    func whatIsReleasedIsCommittedAndWhatFollowsStartsBehindIt(_ backend: Backend) async throws {
        try await withLoops(1) { loops in
            try await withHub(backend) { hub in
                let queue = KafkaRuleEngineQueue(hub: hub, routing: QueueRouting([mainRoute]))
                let device = UUID128.random()
                let (first, second) = (Ledger(), Ledger())
                let (one, _) = try await makeConsumer(hub, loops, first)
                await one.own([0, 1, 2, 3])
                for number in 0..<10 { _ = try await queue.send(message(number, originator: device)) }
                try await eventually("10 messages") { first.count == 10 }
                await one.own([])
                let (two, _) = try await makeConsumer(hub, loops, second)
                await two.own([0, 1, 2, 3])
                for number in 10..<20 { _ = try await queue.send(message(number, originator: device)) }
                try await eventually("the rest") { second.of(device).last == 19 }
                #expect(first.of(device) == (0..<10).map { Int64($0) })
                #expect(second.of(device) == (10..<20).map { Int64($0) })
                await one.stop()
                await two.stop()
            }
        }
    }

    @Test(arguments: Backend.all)
    func whatIsNotAcknowledgedComesAgainAfterTheConsumerWasLost(_ backend: Backend) async throws {
        try await withLoops(1) { loops in
            try await withHub(backend) { hub in
                let queue = KafkaRuleEngineQueue(hub: hub, routing: QueueRouting([mainRoute]))
                let device = UUID128.random()
                let (first, second) = (Ledger(), Ledger())
                let (one, _) = try await makeConsumer(hub, loops, first, acknowledges: false)
                await one.own([0, 1, 2, 3])
                for number in 0..<10 { _ = try await queue.send(message(number, originator: device)) }
                try await eventually("10 messages") { first.count == 10 }
                one.abandon([0, 1, 2, 3])
                let (two, _) = try await makeConsumer(hub, loops, second)
                await two.own([0, 1, 2, 3])
                try await eventually("all of them again") { second.count == 10 }
                #expect(second.of(device) == (0..<10).map { Int64($0) })
                await one.stop()
                await two.stop()
            }
        }
    }

    /// librdkafka lets partitions rest for good whose committed offsets it could not learn.
    @Test func aPartitionWhoseBeginningCouldNotBeLearntIsReadLater() async throws {
        let mock = MockKafka()
        try await withLoops(1) { loops in
            try await withHub(mock: mock) { hub in
                let queue = KafkaRuleEngineQueue(hub: hub, routing: QueueRouting([mainRoute]))
                let ledger = Ledger()
                let (consumer, _) = try await makeConsumer(hub, loops, ledger)
                mock.refuseNextOffsets()
                await consumer.own([0, 1, 2, 3])
                // In all partitions.
                let partitioner = Partitioner(count: 4)
                var devices: [Int: UUID128] = [:]
                while devices.count < 4 {
                    let device = UUID128.random()
                    devices[partitioner.partition(of: device)] = device
                }
                for device in devices.values { _ = try await queue.send(message(1, originator: device)) }
                try await eventually("messages of all partitions") { ledger.count == 4 }
                await consumer.stop()
            }
        }
    }

    @Test(arguments: Backend.all)
    func releasingWaitsForWhatIsInWork(_ backend: Backend) async throws {
        try await withLoops(1) { loops in
            try await withHub(backend) { hub in
                let queue = KafkaRuleEngineQueue(hub: hub, routing: QueueRouting([mainRoute]))
                let ledger = Ledger()
                let (consumer, lanes) = try await makeConsumer(hub, loops, ledger, acknowledges: false)
                await consumer.own([0, 1, 2, 3])
                _ = try await queue.send(message(1, originator: .random()))
                try await eventually("the message") { ledger.count == 1 }
                let isReleased = Flag()
                let release = Task {
                    await consumer.own([])
                    isReleased.set()
                }
                // Another message is not taken from what is being released.
                _ = try await queue.send(message(2, originator: .random()))
                #expect(!isReleased.isSet)
                try await loops[0].run { lanes[0].withValue { $0.acknowledgeKept() } }
                await release.value
                #expect(isReleased.isSet)
                #expect(ledger.count == 1)
                await consumer.stop()
            }
        }
    }

    @Test(arguments: Backend.all)
    func abandoningEndsAReleaseThatWaits(_ backend: Backend) async throws {
        try await withLoops(1) { loops in
            try await withHub(backend) { hub in
                let queue = KafkaRuleEngineQueue(hub: hub, routing: QueueRouting([mainRoute]))
                let ledger = Ledger()
                let (consumer, _) = try await makeConsumer(hub, loops, ledger, acknowledges: false)
                await consumer.own([0, 1, 2, 3])
                _ = try await queue.send(message(1, originator: .random()))
                try await eventually("the message") { ledger.count == 1 }
                let release = Task { await consumer.own([]) }
                consumer.abandon([0, 1, 2, 3])
                await release.value
                await consumer.stop()
            }
        }
    }

    @Test(arguments: Backend.all)
    func aFullPartitionRestsUntilSomethingIsDone(_ backend: Backend) async throws {
        try await withLoops(1) { loops in
            try await withHub(backend, change: { $0.maximumInFlight = 5 }) { hub in
                let queue = KafkaRuleEngineQueue(hub: hub, routing: QueueRouting([mainRoute]))
                let ledger = Ledger()
                let (consumer, lanes) = try await makeConsumer(hub, loops, ledger, acknowledges: false)
                let device = UUID128.random()
                for number in 0..<12 { _ = try await queue.send(message(number, originator: device)) }
                await consumer.own([0, 1, 2, 3])
                for expected in [5, 10, 12] {
                    try await eventually("\(expected) messages") { ledger.count == expected }
                    #expect(ledger.count == expected)
                    try await loops[0].run { lanes[0].withValue { $0.acknowledgeKept() } }
                }
                #expect(ledger.of(device) == (0..<12).map { Int64($0) })
                await consumer.stop()
            }
        }
    }

    @Test(arguments: Backend.all)
    func corruptRecordBecomesADeadLetterAndTheRestGoesOn(_ backend: Backend) async throws {
        try await withLoops(1) { loops in
            try await withHub(backend) { hub in
                let source = hub.settings.topics.ruleEngine(topic: mainRoute.topic)
                let raw = try KafkaProducer(hub.settings.common) { _ in }
                let corrupt: [UInt8] = [0xFF, 0xFF, 1, 2, 3]
                try corrupt.withUnsafeBytes {
                    try raw.produce(to: raw.topic(source), partition: 2, key: $0, value: $0)
                }
                raw.close(within: .seconds(5))
                let queue = KafkaRuleEngineQueue(hub: hub, routing: QueueRouting([mainRoute]))
                let ledger = Ledger()
                let (consumer, _) = try await makeConsumer(hub, loops, ledger)
                await consumer.own([0, 1, 2, 3])
                for number in 0..<40 { _ = try await queue.send(message(number, originator: .random())) }
                try await eventually("the good ones") { ledger.count == 40 }
                let reader = try KafkaConsumer(hub.settings.common, group: "letters", isPolled: true)
                let topic = hub.settings.topics.deadLetters(of: source)
                try reader.assign([KafkaPosition(topic: topic, partition: 0, offset: KafkaPosition.beginning)])
                var letters: [String] = []
                try await eventually("the dead letter") {
                    _ = reader.poll(upTo: 10, milliseconds: 10) { record in
                        #expect(Array(record.value) == corrupt)
                        for name in ["topic", "partition", "offset"] {
                            letters.append(String(decoding: record.header(name) ?? [], as: UTF8.self))
                        }
                    }
                    return !letters.isEmpty
                }
                #expect(letters == [source, "2", "0"])
                await consumer.stop()
            }
        }
    }

    @Test func aRecordIsDoneWhenItsDeadLetterIsStored() async throws {
        try await withLoops(1) { loops in
            let kafka = MockKafka()
            try await withHub(mock: kafka, change: { $0.producer["message.timeout.ms"] = "1000" }) { hub in
                let source = hub.settings.topics.ruleEngine(topic: mainRoute.topic)
                let letters = hub.settings.topics.deadLetters(of: source)
                kafka.setTopic(letters, isServed: false)
                let raw = try KafkaProducer(hub.settings.common) { _ in }
                let corrupt: [UInt8] = [0xFF, 0xFF, 1, 2, 3]
                try corrupt.withUnsafeBytes {
                    try raw.produce(to: raw.topic(source), partition: 2, key: $0, value: $0)
                }
                raw.close(within: .seconds(5))
                let ledger = Ledger()
                let (consumer, _) = try await makeConsumer(hub, loops, ledger)
                await consumer.own([0, 1, 2, 3])
                let queue = KafkaRuleEngineQueue(hub: hub, routing: QueueRouting([mainRoute]))
                for number in 0..<40 { _ = try await queue.send(message(number, originator: .random())) }
                try await eventually("the good ones") { ledger.count == 40 }
                let group = hub.settings.topics.ruleEngineGroup(queue: mainRoute.name)
                let reader = try KafkaConsumer(hub.settings.common, group: group, isPolled: true)
                func committed() throws -> [Int64] {
                    try reader.committed(
                        (0..<4).map { KafkaPosition(topic: source, partition: $0, offset: 0) }, milliseconds: 5000
                    ).map(\.offset)
                }
                // Offsets of all partitions are committed together.
                try await eventually("the others' offsets") {
                    let offsets = try committed()
                    return [0, 1, 3].reduce(0) { $0 + max(0, offsets[$1]) } > 0
                }
                #expect(try committed()[2] < 0, "committed, and its letter is nowhere")
                kafka.setTopic(letters, isServed: true)
                try await eventually("all offsets") {
                    try committed().reduce(0) { $0 + max(0, $1) } == 41
                }
                await consumer.stop()
            }
        }
    }

    @Test(arguments: Backend.all)
    func uplinksOfATransportAreReportedOnItsLoop(_ backend: Backend) async throws {
        try await withLoops(2) { loops in
            try await withHub(backend) { hub in
                let queue = KafkaRuleEngineQueue(hub: hub, routing: QueueRouting([mainRoute]))
                let ledger = Ledger()
                let (consumer, _) = try await makeConsumer(hub, [loops[1]], ledger)
                await consumer.own([0, 1, 2, 3])
                let outcomes = Mutex<[TicketOutcome]>([])
                let device = UUID128.random()
                let session = SessionInfo(
                    nodeID: "t1", sessionID: .random(),
                    device: DeviceInfo(
                        tenantID: .system, deviceID: DeviceID(device), name: "d", type: "default",
                        profileID: DeviceProfileID(.random()), customerID: .null, isGateway: false),
                    profile: DeviceProfileInfo(id: DeviceProfileID(.random()), transportType: .default))
                try await loops[0].run {
                    let producer = queue.makeUplinkProducer(on: loops[0]) { told in
                        outcomes.withLock { $0 += told }
                    }
                    let batch = UplinkBatch()
                    for number in 0..<50 {
                        batch.arena.append(key: "k", value: .long(Int64(number)))
                        batch.messages.append(
                            UplinkMessage(
                                session: session, kind: .telemetry, timestamp: Int64(number),
                                firstPoint: UInt32(number), pointCount: 1, ticket: UInt32(number)))
                    }
                    producer.submit(batch, lane: 0)
                    loops[0].schedule(after: .seconds(60)) { _ = producer }
                }
                try await eventually("50 outcomes") { outcomes.withLock { $0.count } == 50 }
                let told = outcomes.withLock { $0 }
                #expect(told.filter { $0.outcome != .acknowledged }.isEmpty)
                #expect(told.map(\.ticket).sorted() == Array(0..<50))
                try await eventually("50 messages") { ledger.count == 50 }
                #expect(ledger.of(device) == (0..<50).map { Int64($0) })
                await consumer.stop()
            }
        }
    }

    @Test(arguments: Backend.all)
    func messageThatIsTooLargeIsRefusedForGood(_ backend: Backend) async throws {
        try await withHub(backend, change: { $0.producer["message.max.bytes"] = "2000" }) { hub in
            let queue = KafkaRuleEngineQueue(hub: hub, routing: QueueRouting([mainRoute]))
            var large = message(1, originator: .random())
            large.payload = .text(String(repeating: "x", count: 5000))
            do throws(QueueError) {
                _ = try await queue.send(large)
                Issue.record("it was taken")
            } catch {
                #expect(error == .tooLarge)
            }
        }
    }
}
