import Messages
import Model
import Queue
import Reactor
import Storage
import Telemetry
import Testing

@testable import RuleEngine

/// Queues that run messages again or one after the other, on a running shard (`rule-engine.md` 5.4, 5.5).
@Suite struct QueueStrategyTests {
    private static let telemetry = "POST_TELEMETRY_REQUEST"

    private static func again(_ kind: Queue.ProcessingStrategy.Kind, retries: Int = 0) -> QueueStrategies {
        QueueStrategies(
            processing: Queue.ProcessingStrategy(
                kind, retries: retries, pause: .milliseconds(5), maximumPause: .milliseconds(5)),
            timeout: .milliseconds(20))
    }

    /// A chain whose first node cannot start.
    private static func broken() throws -> RuleChainDefinition {
        var chain = ChainBuilder.standard()
        chain.nodes[0].configuration = "{\"unknown\":1}"
        chain.nodes[0].type = ChainBuilder.timeseries
        return try chain.definition()
    }

    /// Waits, with patience, until it holds.
    private func until(_ condition: () async -> Bool) async throws {
        while await !condition() { try await Task.sleep(for: .milliseconds(2)) }
    }

    @Test(.timeLimit(.minutes(1))) func aMessageIsStoredOnceItsNodeWasRepaired() async throws {
        let harness = try await ShardHarness([try Self.broken()])
        defer { harness.stop() }
        await harness.setQueues(["Again": Self.again(.retryFailed)])
        async let outcome = harness.send(Self.telemetry, data: "{\"t\":1}", queue: "Again")
        // The same message in a queue that runs nothing again fails meanwhile.
        let plain = try await harness.send(Self.telemetry, data: "{\"t\":1}")
        #expect(plain == .failed)
        #expect(harness.sink.saved.isEmpty)
        harness.chains.set([try ChainBuilder.standard().definition()])
        await harness.reload()
        let told = try await outcome
        #expect(told == .acknowledged)
        #expect(harness.sink.saved.count == 1)
    }

    @Test(.timeLimit(.minutes(1))) func aFailedCopyRunsTheMessageAgain() async throws {
        var chain = ChainBuilder.standard()
        chain.nodes.append(("broken", ChainBuilder.timeseries, "{\"unknown\":1}"))
        chain.connections.append(("switch", "Post telemetry", "broken"))
        let harness = try await ShardHarness([try chain.definition()])
        defer { harness.stop() }
        await harness.setQueues(["Again": Self.again(.retryFailed)])
        // In a queue that runs nothing again a failed copy is the end of that copy alone.
        let plain = try await harness.send(Self.telemetry, data: "{\"t\":1}")
        #expect(plain == .acknowledged)
        async let outcome = harness.send(Self.telemetry, data: "{\"t\":2}", queue: "Again")
        try await until { harness.sink.saved.count > 2 }
        harness.chains.set([try ChainBuilder.standard().definition()])
        await harness.reload()
        let told = try await outcome
        #expect(told == .acknowledged)
    }

    @Test(.timeLimit(.minutes(1))) func whatFailsInAQueueThatIsGoneEnds() async throws {
        let harness = try await ShardHarness([try Self.broken()])
        defer { harness.stop() }
        await harness.setQueues(["Again": Self.again(.retryFailed)])
        async let outcome = harness.send(Self.telemetry, data: "{\"t\":1}", queue: "Again")
        try await until { await harness.scheduledCount == 1 }
        await harness.setQueues([:])
        let told = try await outcome
        #expect(told == .failed)
    }

    @Test(.timeLimit(.minutes(1))) func itIsGivenUpAfterItsRetries() async throws {
        let harness = try await ShardHarness([try Self.broken()])
        defer { harness.stop() }
        await harness.setQueues(["Main": Self.again(.retryFailed, retries: 3)])
        let told = try await harness.send(Self.telemetry, data: "{\"t\":1}")
        #expect(told == .failed)
    }

    @Test(.timeLimit(.minutes(1))) func whatTheStorageKeepsTooLongIsLostForItsQueueAndStoredOnce() async throws {
        let harness = try await ShardHarness([try ChainBuilder.standard().definition()], completesAtOnce: false)
        defer { harness.stop() }
        await harness.setQueues(["Main": Self.again(.skipAllFailuresAndTimedOut)])
        let told = try await harness.send(Self.telemetry, data: "{\"t\":1}")
        #expect(told == .lost)
        // Its save ends later, and nobody minds.
        harness.sink.completeNext()
        #expect(harness.sink.saved.count == 1)
        await harness.setQueues([:])
        async let second = harness.send(Self.telemetry, data: "{\"t\":2}")
        try await until { harness.sink.saved.count == 2 }
        harness.sink.completeNext()
        let later = try await second
        #expect(later == .acknowledged)
    }

    @Test(.timeLimit(.minutes(1))) func aSaveThatEndsLateIsNotRepeated() async throws {
        let harness = try await ShardHarness([try ChainBuilder.standard().definition()], completesAtOnce: false)
        defer { harness.stop() }
        await harness.setQueues(["Main": Self.again(.retryFailedAndTimedOut, retries: 1)])
        async let outcome = harness.send(Self.telemetry, data: "{\"t\":1}")
        try await until { harness.sink.saved.count == 1 }
        // Long after its time, and many pauses.
        try await Task.sleep(for: .milliseconds(200))
        #expect(harness.sink.saved.count == 1)
        harness.sink.completeNext()
        let told = try await outcome
        #expect(told == .acknowledged)
    }

    @Test(.timeLimit(.minutes(1))) func messagesOfOneOriginatorAreSavedOneAfterTheOther() async throws {
        let harness = try await ShardHarness([try ChainBuilder.standard().definition()], completesAtOnce: false)
        defer { harness.stop() }
        await harness.setQueues(["Main": QueueStrategies(submit: .sequentialByOriginator)])
        let device = UUID128.random()
        async let first = harness.send(Self.telemetry, data: "{\"t\":1}", originator: device)
        try await until { harness.sink.saved.count == 1 }
        async let second = harness.send(Self.telemetry, data: "{\"t\":2}", originator: device)
        async let other = harness.send(Self.telemetry, data: "{\"t\":3}")
        try await until { harness.sink.saved.count == 2 }
        #expect(harness.sink.saved.map(\.values["t"]) == [.long(1), .long(3)])
        harness.sink.completeNext()
        try await until { harness.sink.saved.count == 3 }
        harness.sink.completeNext()
        harness.sink.completeNext()
        let told = try await [first, second, other]
        #expect(told == [.acknowledged, .acknowledged, .acknowledged])
    }

    @Test(.timeLimit(.minutes(1))) func manyMessagesThatEndAtOnceDoNotPileUpOnTheStack() async throws {
        let harness = try await ShardHarness([try ChainBuilder.standard().definition()])
        defer { harness.stop() }
        await harness.setQueues(["Main": QueueStrategies(submit: .sequential)])
        try await withThrowingTaskGroup(of: DeliveryOutcome.self) { group in
            for _ in 0..<5_000 {
                group.addTask { try await harness.send("CONNECT_EVENT") }
            }
            for try await outcome in group where outcome != .acknowledged { Issue.record("\(outcome)") }
        }
    }

    @Test(.timeLimit(.minutes(1))) func strategiesMayChangeWhileMessagesWait() async throws {
        let harness = try await ShardHarness([try ChainBuilder.standard().definition()], completesAtOnce: false)
        defer { harness.stop() }
        await harness.setQueues(["Main": QueueStrategies(submit: .sequential)])
        async let first = harness.send(Self.telemetry, data: "{\"t\":1}")
        try await until { harness.sink.saved.count == 1 }
        async let second = harness.send(Self.telemetry, data: "{\"t\":2}")
        try await until { await harness.scheduledCount == 2 }
        await harness.setQueues([:])
        async let third = harness.send(Self.telemetry, data: "{\"t\":3}")
        try await until { harness.sink.saved.count == 2 }
        #expect(harness.sink.saved.map(\.values["t"]) == [.long(1), .long(3)])
        // What came before goes on as it began.
        harness.sink.completeNext()
        try await until { harness.sink.saved.count == 3 }
        harness.sink.completeNext()
        harness.sink.completeNext()
        let told = try await [first, second, third]
        #expect(told == [.acknowledged, .acknowledged, .acknowledged])
    }
}
