import Messages
import Model
import Queue
import Storage
import Testing

@testable import RuleEngine

/// "acknowledge" and "checkpoint" (`rule-engine.md` 3.4, cases 98 and 99).
@Suite struct FlowNodeTests {
    private static let telemetry = "POST_TELEMETRY_REQUEST"

    /// A node in front of one that saves.
    private static func chain(_ type: String, queue: String? = nil) throws -> RuleChainDefinition {
        var chain = ChainBuilder()
        chain.first = "node"
        chain.nodes = [
            ("node", type, #"{"version":0}"#), ("save", ChainBuilder.timeseries, ChainBuilder.saveConfiguration),
        ]
        chain.connections = [("node", "Success", "save")]
        chain.debug = ["node": RuleNodeDebugSettings(allUntil: .max), "save": RuleNodeDebugSettings(allUntil: .max)]
        if let queue { chain.queues = ["node": queue] }
        return try chain.definition()
    }

    private func messages(_ harness: ShardHarness) -> [NewEvent.NodeMessage] {
        harness.events.all.compactMap { event in
            if case .ruleNodeDebug(let message) = event.body { message } else { nil }
        }
    }

    private func until(_ condition: () async -> Bool) async throws {
        while await !condition() { try await Task.sleep(for: .milliseconds(2)) }
    }

    @Test(arguments: [nil, SubmitStrategy.sequentialByOriginator])
    func aQueueThatDuplicatesRunsAMessageOnceForEachPartition(_ submit: SubmitStrategy?) async throws {
        let harness = try await ShardHarness([try Self.chain(AcknowledgeNode.type)], completesAtOnce: false)
        defer { harness.stop() }
        await harness.setTable([
            QueueRecord(
                route: QueueRoute(name: "All", topic: "all", partitions: 3, duplicates: true),
                strategies: QueueStrategies(submit: submit ?? .burst)),
            QueueRecord(route: QueueRoute(name: "Main", topic: "main", partitions: 3)),
        ])
        #expect(try await harness.send(Self.telemetry, data: #"{"a":1}"#, queue: "All") == .acknowledged)
        #expect(try await harness.send(Self.telemetry, data: #"{"b":1}"#) == .acknowledged)
        try await until { harness.sink.saved.count == 4 }
        #expect(harness.sink.saved.map { $0.values.keys.first } == ["a", "a", "a", "b"])
        #expect(Set(messages(harness).map(\.messageID)).count == 4)
    }

    @Test func whatFailsBehindAnAcknowledgementDoesNotFailTheMessage() async throws {
        let harness = try await ShardHarness([try Self.chain(AcknowledgeNode.type)])
        defer { harness.stop() }
        try await harness.expect(.acknowledged, Self.telemetry, data: "{}")
        try await harness.expect(.acknowledged, Self.telemetry, data: #"{"a":1}"#)
        #expect(harness.sink.saved.count == 1)
    }

    @Test func aCheckpointSendsAMessageOnThroughItsQueueWithANewID() async throws {
        let harness = try await ShardHarness([try Self.chain(CheckpointNode.type, queue: "Other")])
        defer { harness.stop() }
        await harness.setQueues(["Other": QueueStrategies(submit: .sequentialByOriginator)])
        try await harness.expect(.acknowledged, Self.telemetry, data: #"{"a":1}"#)
        #expect(harness.sink.saved.count == 1)
        let noted = messages(harness)
        #expect(noted.map(\.label) == ["", "Success", "Success", "Success"])
        #expect(Set(noted.map(\.messageID)).count == 2)
    }

    @Test(.timeLimit(.minutes(1))) func whatFailsBehindACheckpointRunsAgainByTheRulesOfItsQueueFromThere() async throws
    {
        let harness = try await ShardHarness([try Self.chain(CheckpointNode.type, queue: "Again")])
        defer { harness.stop() }
        await harness.setQueues([
            "Again": QueueStrategies(
                processing: Queue.ProcessingStrategy(
                    .retryFailed, retries: 2, pause: .milliseconds(5), maximumPause: .milliseconds(5)))
        ])
        // What fails there is not the failure of the queue that it came from.
        try await harness.expect(.acknowledged, Self.telemetry, data: "{}")
        let noted = messages(harness).filter { $0.direction == .out }
        #expect(noted.map(\.label) == ["Success", "Failure", "Failure", "Failure"])
    }

    @Test(.timeLimit(.minutes(1))) func aQueueThatTakesOneMessageAtATimeGoesOnBehindOneThatLeftForItself() async throws
    {
        let harness = try await ShardHarness([try Self.chain(CheckpointNode.type, queue: "One")])
        defer { harness.stop() }
        await harness.setQueues([
            "One": QueueStrategies(
                submit: .sequential, processing: Queue.ProcessingStrategy(.retryFailedAndTimedOut),
                timeout: .milliseconds(20))
        ])
        let device = UUID128.random()
        async let first = harness.send(Self.telemetry, data: #"{"a":1}"#, originator: device, queue: "One")
        async let second = harness.send(Self.telemetry, data: #"{"a":2}"#, originator: device, queue: "One")
        let told = try await [first, second]
        #expect(told == [.acknowledged, .acknowledged])
        #expect(harness.sink.saved.count == 2)
        try await until { await harness.scheduledCount == 0 }
    }

    @Test(.timeLimit(.minutes(1))) func aMessageThatWaitsInAnotherQueueIsNotOutOfTimeInItsOwn() async throws {
        let harness = try await ShardHarness(
            [try Self.chain(CheckpointNode.type, queue: "Slow")], completesAtOnce: false)
        defer { harness.stop() }
        await harness.setQueues([
            "Quick": QueueStrategies(
                processing: Queue.ProcessingStrategy(.retryFailedAndTimedOut), timeout: .milliseconds(1)),
            "Slow": QueueStrategies(submit: .sequential),
        ])
        async let outcome = harness.send(Self.telemetry, data: #"{"a":1}"#, queue: "Quick")
        async let other = harness.send(Self.telemetry, data: #"{"a":2}"#, queue: "Slow")
        try await until { harness.sink.saved.count >= 1 }
        try await Task.sleep(for: .milliseconds(20))
        while await harness.scheduledCount > 0 {
            harness.sink.completeNext()
            try await Task.sleep(for: .milliseconds(2))
        }
        let told = try await [outcome, other]
        #expect(told == [.acknowledged, .acknowledged])
        // Each was stored once.
        #expect(harness.sink.saved.count == 2)
    }
}
