import Logging
import Messages
import Model
import Queue
import Reactor
import Synchronization
import TestSupport
import Testing

@testable import CoreNode

/// Messages of changes reach the rule engine also when its queue was full (`rule-engine.md` 1.7).
struct QueuedRuleMessagesTests {
    /// Takes what it has room for.
    private final class NarrowQueue: RuleEngineQueue {
        struct State {
            var room: Int
            var losses = 0
            /// Nothing of it is taken.
            var refused: TenantID?
            /// Never taken.
            var tooLarge: Int64?
            var taken: [Int64] = []
        }

        let state: Mutex<State>

        init(room: Int) { state = Mutex(State(room: room)) }

        var taken: [Int64] { state.withLock { $0.taken } }

        func makeUplinkProducer(on loop: EventLoop, outcomes: @escaping OutcomeHandler) -> any UplinkProducer {
            preconditionFailure("no transport is here")
        }

        func send(_ message: RuleMessage) async throws(QueueError) -> DeliveryOutcome {
            if state.withLock({ $0.tooLarge == message.timestamp }) { throw .tooLarge }
            let outcome = state.withLock { state -> DeliveryOutcome? in
                guard state.room > 0, message.tenantID != state.refused else { return nil }
                if state.losses > 0 {
                    state.losses -= 1
                    return .lost
                }
                state.room -= 1
                state.taken.append(message.timestamp)
                return .acknowledged
            }
            guard let outcome else { throw .full }
            return outcome
        }
    }

    private let tenant = TenantID(.random())

    private func message(_ number: Int64, of tenant: TenantID? = nil) -> RuleMessage {
        RuleMessage(
            id: .random(), timestamp: number, type: .known(.entityCreated),
            originator: EntityID(type: .device, uuid: .random()), tenantID: tenant ?? self.tenant,
            metadata: MessageMetadata([:]), payload: .text("{}"))
    }

    @Test func whatAFullQueueRefusesIsSentLaterInOrder() async throws {
        let queue = NarrowQueue(room: 2)
        let sink = QueuedRuleMessages(queue: queue, logger: .disabled)
        for number in Int64(1)...5 { sink.send(message(number)) }
        #expect(queue.taken == [1, 2])
        #expect(sink.waitingCount == 3)
        queue.state.withLock { $0.room = 100 }
        try await eventually("the rest") { queue.taken == [1, 2, 3, 4, 5] }
        #expect(sink.waitingCount == 0)
        sink.send(message(6))
        #expect(queue.taken.last == 6)
    }

    @Test func whatIsRefusedOfOneTenantHoldsUpNoOther() async throws {
        let queue = NarrowQueue(room: 100)
        let other = TenantID(.random())
        queue.state.withLock { $0.refused = tenant }
        let sink = QueuedRuleMessages(queue: queue, logger: .disabled, capacity: 4, patience: .zero)
        for number in Int64(1)...3 { sink.send(message(number)) }
        sink.send(message(10, of: other))
        try await eventually("the other's message") { queue.taken == [10] }
        #expect(await sink.hasRoom(of: tenant) == false)
        #expect(await sink.hasRoom(of: other))
        queue.state.withLock { $0.refused = nil }
        try await eventually("the rest") { queue.taken == [10, 1, 2, 3] }
    }

    @Test func whatTheQueueLostIsSentAgain() async throws {
        let queue = NarrowQueue(room: 10)
        queue.state.withLock { $0.losses = 2 }
        let sink = QueuedRuleMessages(queue: queue, logger: .disabled)
        sink.send(message(1))
        try await eventually("the message") { queue.taken == [1] }
    }

    @Test func whatIsTooLargeHoldsUpNothing() async throws {
        let queue = NarrowQueue(room: 10)
        queue.state.withLock { $0.tooLarge = 2 }
        let sink = QueuedRuleMessages(queue: queue, logger: .disabled)
        for number in Int64(1)...3 { sink.send(message(number)) }
        try await eventually("the others") { queue.taken == [1, 3] }
        #expect(await sink.finish(within: .seconds(60)) == 0)
    }

    @Test func aStopWaitsForWhatWaitsAndSaysWhatIsLeft() async throws {
        let queue = NarrowQueue(room: 0)
        let sink = QueuedRuleMessages(queue: queue, logger: .disabled)
        for number in Int64(1)...3 { sink.send(message(number)) }
        #expect(await sink.finish(within: .zero) == 3)
        queue.state.withLock { $0.room = 2 }
        try await eventually("two of them") { queue.taken == [1, 2] }
        #expect(await sink.finish(within: .zero) == 1)
        queue.state.withLock { $0.room = 1 }
        #expect(await sink.finish(within: .seconds(60)) == 0)
        #expect(queue.taken == [1, 2, 3])
    }

    @Test func changesAreRefusedWhileTooManyMessagesWait() async throws {
        let queue = NarrowQueue(room: 0)
        let sink = QueuedRuleMessages(queue: queue, logger: .disabled, capacity: 2, patience: .zero)
        #expect(await sink.hasRoom(of: tenant))
        for number in Int64(1)...2 { sink.send(message(number)) }
        #expect(await sink.hasRoom(of: tenant) == false)
        queue.state.withLock { $0.room = 10 }
        try await eventually("room") { await sink.hasRoom(of: tenant) }
    }

    @Test func roomIsWaitedFor() async throws {
        let queue = NarrowQueue(room: 0)
        let sink = QueuedRuleMessages(queue: queue, logger: .disabled, capacity: 1, patience: .seconds(600))
        sink.send(message(1))
        async let room = sink.hasRoom(of: tenant)
        queue.state.withLock { $0.room = 10 }
        #expect(await room)
        #expect(queue.taken == [1])
    }
}
