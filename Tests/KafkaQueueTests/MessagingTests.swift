import Kafka
import KafkaQueue
import Messages
import Model
import Queue
import Reactor
import Synchronization
import TestSupport
import Testing

/// What arrived. Safe from any thread.
final class Arrivals<Element: Sendable>: Sendable {
    private let all = Mutex<[Element]>([])
    var elements: [Element] { all.withLock { $0 } }
    func add(_ element: Element) { all.withLock { $0.append(element) } }
}

/// Knows one token; another one it never answers.
private final class OneToken: TransportAPI {
    let device = DeviceInfo(
        tenantID: .system, deviceID: DeviceID(.random()), name: "d", type: "default",
        profileID: DeviceProfileID(.random()), customerID: .null, isGateway: false)

    func validate(_ request: DeviceCredentialsRequest) async -> DeviceCredentialsResponse {
        switch request {
        case .accessToken("GOOD"):
            return .accepted(device, DeviceProfileInfo(id: device.profileID, transportType: .default))
        case .accessToken("SLOW"):
            try? await Task.sleep(for: .seconds(600))
            return .refused
        case .accessToken("BROKEN"): return .unavailable
        default: return .refused
        }
    }

    /// A package of 1 200 000 bytes.
    func otaPackageData(_ id: OTAPackageID, offset: Int64, length: Int) async -> [UInt8]? {
        (Int(offset)..<max(Int(offset), min(1_200_000, Int(offset) + length))).map {
            UInt8(truncatingIfNeeded: $0 / 1000)
        }
    }
}

/// Notes whom it is asked about.
private final class Noting: TransportAPI {
    private let asked = Arrivals<String>()
    var tokens: [String] { asked.elements }

    func validate(_ request: DeviceCredentialsRequest) async -> DeviceCredentialsResponse {
        if case .accessToken(let token) = request { asked.add(token) }
        return .refused
    }
}

/// Never answers.
private final class NoAnswers: TransportAPI {
    func validate(_ request: DeviceCredentialsRequest) async -> DeviceCredentialsResponse {
        try? await Task.sleep(for: .seconds(600))
        return .refused
    }
}

@Suite(.serialized) struct MessagingTests {
    private func session(_ number: Int, _ device: DeviceID) -> SessionInfo {
        SessionInfo(
            nodeID: "t1", sessionID: UUID128(high: 1, low: UInt64(number)),
            device: DeviceInfo(
                tenantID: .system, deviceID: device, name: "d", type: "default",
                profileID: DeviceProfileID(.random()), customerID: .null, isGateway: false),
            profile: DeviceProfileInfo(id: DeviceProfileID(.random()), transportType: .default))
    }

    @Test(arguments: Backend.all)
    func coreMessagesOfADeviceArriveInOrder(_ backend: Backend) async throws {
        try await withLoop { loop in
            try await withHub(backend) { hub in
                let arrivals = Arrivals<CoreMessage>()
                let consumer = try KafkaCoreConsumer(hub: hub, loop: loop) { arrivals.add($0) }
                consumer.start()
                await consumer.own([0, 1, 2, 3])
                let producer = KafkaCoreQueue(hub: hub)
                let device = DeviceID(.random())
                for number in 0..<50 {
                    let message = CoreMessage.sendPendingRPC(session(number, device))
                    #expect(producer.send(message, device: device))
                }
                try await eventually("50 messages") { arrivals.elements.count == 50 }
                let numbers = arrivals.elements.compactMap { message -> UInt64? in
                    guard case .sendPendingRPC(let info) = message else { return nil }
                    return info.sessionID.low
                }
                #expect(numbers == (0..<50).map { UInt64($0) })
                await consumer.stop()
            }
        }
    }

    /// What its handler cannot take in is neither read nor committed.
    @Test(arguments: Backend.all)
    func coreMessagesWaitInKafkaWhileThereIsNoRoom(_ backend: Backend) async throws {
        try await withLoop { loop in
            try await withHub(backend, change: { $0.maximumInFlight = 5 }) { hub in
                let (first, second) = (Arrivals<CoreMessage>(), Arrivals<CoreMessage>())
                let hasRoom = Flag()
                let one = try KafkaCoreConsumer(hub: hub, loop: loop, hasRoom: { false }) { first.add($0) }
                one.start()
                await one.own([0, 1, 2, 3])
                let producer = KafkaCoreQueue(hub: hub)
                let device = DeviceID(.random())
                for number in 0..<12 {
                    #expect(producer.send(.sendPendingRPC(session(number, device)), device: device))
                }
                try await eventually("as many as may be in work") { first.elements.count == 5 }
                one.abandon([0, 1, 2, 3])
                let two = try KafkaCoreConsumer(hub: hub, loop: loop, hasRoom: { hasRoom.isSet }) { second.add($0) }
                two.start()
                await two.own([0, 1, 2, 3])
                try await eventually("the same") { second.elements.count == 5 }
                #expect(first.elements.count == 5)
                hasRoom.set()
                try await eventually("the rest") { second.elements.count == 12 }
                await one.stop()
                await two.stop()
            }
        }
    }

    @Test(arguments: Backend.all)
    func notificationsReachTheNodeTheyAreFor(_ backend: Backend) async throws {
        try await withLoop { loop in
            try await withHub(backend) { hub in
                let arrivals = Arrivals<TransportNotification>()
                let others = Arrivals<TransportNotification>()
                let core = Arrivals<CoreNotification>()
                let rules = Arrivals<RuleEngineNotification>()
                let one = try KafkaNode(hub: hub, serviceID: "t1")
                let two = try KafkaNode(hub: hub, serviceID: "t2")
                one.onTransportNotification(on: loop) { arrivals.add($0) }
                one.onCoreNotification(on: loop) { core.add($0) }
                one.onRuleEngineNotification(on: loop) { rules.add($0) }
                two.onTransportNotification(on: loop) { others.add($0) }
                try await one.start()
                try await two.start()
                let transports = KafkaTransportNotifications(hub: hub) { ["t1", "t2"] }
                let sessionID = UUID128.random()
                transports.send(.closeSession(sessionID, .credentialsUpdated), to: "t1")
                transports.broadcast(.tenantDeleted(.system))
                KafkaCoreNotifications(hub: hub) { ["t1"] }.send(
                    .rpcResponse(rpcID: sessionID, response: "{}", error: nil), to: "t1")
                let entity = EntityID(type: .ruleChain, uuid: sessionID)
                KafkaRuleEngineNotifications(hub: hub) { ["t1"] }.broadcast(.entityChanged(.system, entity, .updated))
                try await eventually("everything") {
                    arrivals.elements.count == 2 && others.elements.count == 1 && core.elements.count == 1
                        && rules.elements.count == 1
                }
                #expect(arrivals.elements.first?.sessionID == sessionID)
                await one.stop()
                await two.stop()
            }
        }
    }

    @Test(arguments: Backend.all)
    func whatWasSentBeforeTheStartIsOfAnEarlierLife(_ backend: Backend) async throws {
        try await withLoop { loop in
            try await withHub(backend) { hub in
                let sender = KafkaTransportNotifications(hub: hub) { ["t1"] }
                do {
                    // Its start makes the topic.
                    let first = try KafkaNode(hub: hub, serviceID: "t1")
                    let told = Arrivals<TransportNotification>()
                    first.onTransportNotification(on: loop) { told.add($0) }
                    try await first.start()
                    sender.broadcast(.tenantDeleted(.system))
                    try await eventually("the first") { told.elements.count == 1 }
                    await first.stop()
                }
                let second = try KafkaNode(hub: hub, serviceID: "t1")
                let arrivals = Arrivals<TransportNotification>()
                second.onTransportNotification(on: loop) { arrivals.add($0) }
                try await second.start()
                let id = DeviceID(.random())
                sender.broadcast(.deviceDeleted(id))
                try await eventually("the second") { !arrivals.elements.isEmpty }
                guard case .deviceDeleted(id) = arrivals.elements[0] else {
                    Issue.record("\(arrivals.elements[0]) is of an earlier life")
                    return
                }
                await second.stop()
            }
        }
    }

    @Test(arguments: Backend.all)
    func questionsAreAnsweredByACoreNode(_ backend: Backend) async throws {
        try await withHub(backend) { hub in
            let core = OneToken()
            let server = try KafkaTransportAPIServer(hub: hub)
            let count = try await server.start(answeredBy: core)
            await server.own(Set(0..<count))
            // From then on a question is answered at once.
            try await eventually("all partitions") { server.reading == Set(0..<count) }
            let node = try KafkaNode(hub: hub, serviceID: "t1")
            let api = KafkaTransportAPI(node: node)
            try await node.start()
            guard case .accepted(core.device, _) = await api.validate(.accessToken("GOOD")) else {
                Issue.record("the first question was not answered")
                return
            }
            guard case .refused = await api.validate(.accessToken("BAD")) else {
                Issue.record("a wrong token was not refused")
                return
            }
            guard case .unavailable = await api.validate(.accessToken("BROKEN")) else {
                Issue.record("a failure was not answered as one")
                return
            }
            let limits = await api.transportLimits(.system)
            #expect(limits == nil)
            // More than one answer holds.
            let whole = await api.otaPackageData(OTAPackageID(.random()), offset: 1000, length: 2_000_000)
            #expect(whole == (1000..<1_200_000).map { UInt8(truncatingIfNeeded: $0 / 1000) })
            let part = await api.otaPackageData(OTAPackageID(.random()), offset: 0, length: 600_000)
            #expect(part?.count == 600_000)
            #expect(api.pendingCount == 0)
            await server.stop()
            await node.stop()
        }
    }

    @Test(arguments: Backend.all)
    func whatALostNodeDidNotAnswerIsAnsweredByTheNext(_ backend: Backend) async throws {
        try await withHub(backend, change: { $0.requestTimeout = .seconds(60) }) { hub in
            let silent = try KafkaTransportAPIServer(hub: hub, patience: .zero)
            let count = try await silent.start(answeredBy: NoAnswers())
            await silent.own(Set(0..<count))
            try await eventually("all partitions") { silent.reading == Set(0..<count) }
            let node = try KafkaNode(hub: hub, serviceID: "t1")
            let api = KafkaTransportAPI(node: node)
            try await node.start()
            let questions = (0..<8).map { _ in Task { await api.validate(.accessToken("GOOD")) } }
            try await eventually("the questions") { api.pendingCount == 8 }
            // The other one is not told to stop: it was killed.
            let next = try KafkaTransportAPIServer(hub: hub)
            _ = try await next.start(answeredBy: OneToken())
            await next.own(Set(0..<count))
            for question in questions {
                guard case .accepted = await question.value else {
                    Issue.record("a question was lost")
                    continue
                }
            }
            await next.stop()
            await silent.stop()
            await node.stop()
        }
    }

    @Test(arguments: Backend.all)
    func whoIsNotSureOfItsPartitionsAnswersWhatMayBeAnsweredTwice(_ backend: Backend) async throws {
        try await withHub(backend, change: { $0.requestTimeout = .seconds(2) }) { hub in
            let server = try KafkaTransportAPIServer(hub: hub, isOwner: { false })
            let core = OneToken()
            let count = try await server.start(answeredBy: core)
            await server.own(Set(0..<count))
            server.abandon(Set(0..<count))
            let node = try KafkaNode(hub: hub, serviceID: "t1")
            let api = KafkaTransportAPI(node: node)
            try await node.start()
            try await eventually("an answer") {
                if case .accepted(core.device, _) = await api.validate(.accessToken("GOOD")) { true } else { false }
            }
            let request = ProvisionRequest(provisionDeviceKey: "k", provisionDeviceSecret: "s")
            guard case .unavailable = await api.provision(request) else {
                Issue.record("a device was provisioned")
                return
            }
            await server.stop()
            await node.stop()
        }
    }

    @Test(arguments: Backend.all)
    func whoWaitsForTheDatabaseAnswersForThoseItKnowsOnly(_ backend: Backend) async throws {
        try await withHub(backend, change: { $0.requestTimeout = .seconds(2) }) { hub in
            let core = OneToken()
            let cached = try KafkaCachedAnswers(hub: hub, serviceID: "c1", api: core)
            try await cached.start()
            let node = try KafkaNode(hub: hub, serviceID: "t1")
            let api = KafkaTransportAPI(node: node)
            try await node.start()
            try await eventually("a device that is known") {
                if case .accepted(core.device, _) = await api.validate(.accessToken("GOOD")) { true } else { false }
            }
            guard case .unavailable = await api.validate(.accessToken("BAD")) else {
                Issue.record("a device that is not known was answered for")
                return
            }
            await cached.stop()
            await node.stop()
        }
    }

    /// By how many hours the clocks of a transport, and of two core nodes, are ahead.
    @Test(arguments: [[0, -1, 2], [-3, 0, 0]])
    func clocksThatDifferKeepNobodyOut(_ hours: [Int64]) async throws {
        try await withHub(.mock) { hub in
            let clocks = hours.map { hours in { @Sendable in WallClock.milliseconds() + hours * 3_600_000 } }
            let servers = try clocks.dropFirst().map { try KafkaTransportAPIServer(hub: hub, wallClock: $0) }
            for (number, server) in servers.enumerated() {
                _ = try await server.start(answeredBy: OneToken())
                let share: Set = [2 * number, 2 * number + 1]
                await server.own(share)
                try await eventually("its partitions") { server.reading == share }
            }
            let node = try KafkaNode(hub: hub, serviceID: "t1")
            let api = KafkaTransportAPI(node: node, wallClock: clocks[0])
            try await node.start()
            let questions = (0..<20).map { _ in Task { await api.validate(.accessToken("GOOD")) } }
            for question in questions {
                guard case .accepted = await question.value else {
                    Issue.record("a question was not answered")
                    continue
                }
            }
            for server in servers { await server.stop() }
            await node.stop()
        }
    }

    @Test(arguments: Backend.all)
    func whatNobodyWaitsForAnyMoreIsSkipped(_ backend: Backend) async throws {
        try await withHub(backend, change: { $0.requestTimeout = .milliseconds(500) }) { hub in
            let node = try KafkaNode(hub: hub, serviceID: "t1")
            let api = KafkaTransportAPI(node: node)
            try await api.ensureTopics()
            try await node.start()
            let late = (0..<8).map { _ in Task { await api.validate(.accessToken("LATE")) } }
            for question in late { _ = await question.value }
            let core = Noting()
            let server = try KafkaTransportAPIServer(hub: hub)
            let count = try await server.start(answeredBy: core)
            await server.own(Set(0..<count))
            try await eventually("all partitions") { server.reading == Set(0..<count) }
            try await eventually("an answer") {
                if case .refused = await api.validate(.accessToken("NEW")) { true } else { false }
            }
            #expect(core.tokens.contains("NEW") && !core.tokens.contains("LATE"))
            await server.stop()
            await node.stop()
        }
    }

    @Test(arguments: Backend.all)
    func questionWithoutAnAnswerFailsInTime(_ backend: Backend) async throws {
        try await withHub(backend, change: { $0.requestTimeout = .milliseconds(300) }) { hub in
            let node = try KafkaNode(hub: hub, serviceID: "t1")
            let api = KafkaTransportAPI(node: node)
            try await api.ensureTopics()
            try await node.start()
            guard case .unavailable = await api.validate(.accessToken("GOOD")) else {
                Issue.record("nobody could answer, and an answer came")
                return
            }
            #expect(api.pendingCount == 0)
            await node.stop()
        }
    }

    @Test(arguments: Backend.all)
    func oneQuestionTooManyFailsAtOnce(_ backend: Backend) async throws {
        try await withHub(
            backend,
            change: {
                $0.maximumPendingRequests = 3
                $0.requestTimeout = .seconds(5)
            }
        ) { hub in
            let node = try KafkaNode(hub: hub, serviceID: "t1")
            let api = KafkaTransportAPI(node: node)
            try await api.ensureTopics()
            try await node.start()
            let waiting = (0..<3).map { _ in Task { await api.validate(.accessToken("GOOD")) } }
            try await eventually("three questions") { api.pendingCount == 3 }
            guard case .unavailable = await api.validate(.accessToken("GOOD")) else {
                Issue.record("a fourth question was taken")
                return
            }
            #expect(api.pendingCount == 3, "the fourth question waits")
            for task in waiting { _ = await task.value }
            #expect(api.pendingCount == 0)
            await node.stop()
        }
    }
}

@Suite(.enabled(if: Backend.bootstrap != nil, "TEST_KAFKA_BOOTSTRAP names a Kafka")) struct TopicTests {
    @Test func aTopicWithTooFewPartitionsIsRefused() async throws {
        try await withHub(.real) { hub in
            var route = mainRoute
            route.partitions = 5
            do {
                try await hub.ensureRuleEngineTopics([route])
                Issue.record("a topic of 4 partitions was taken for one of 5")
            } catch let error as KafkaTopicError {
                #expect(error.partitions == 4)
                #expect(error.needed == 5)
            }
        }
    }

    @Test func topicsAreMadeWithTheirProperties() async throws {
        try await withHub(.real, change: { $0.ruleEngineTopic.configuration = ["max.message.bytes": "5000"] }) { hub in
            // The broker refuses what the topic does not take, and nobody is told otherwise.
            let queue = KafkaRuleEngineQueue(hub: hub, routing: QueueRouting([mainRoute]))
            var large = message(1, originator: .random())
            large.payload = .text(String(repeating: "x", count: 8000))
            do throws(QueueError) {
                let outcome = try await queue.send(large)
                Issue.record("what is too large was taken: \(outcome)")
            } catch {
                #expect(error == .tooLarge)
            }
            large.payload = .text("{}")
            let taken = try await queue.send(large)
            #expect(taken == .acknowledged)
        }
    }
}
