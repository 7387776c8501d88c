import KafkaQueue
import Messages
import Model
import Queue
import Reactor
import TestSupport
import Testing

@Suite(.serialized) struct RebalanceTests {
    /// Partitions move between two consumers, by release and by loss, while messages flow.
    @Test(arguments: Backend.all)
    func partitionsThatMoveLoseNothingAndKeepTheOrder(_ backend: Backend) async throws {
        try await withLoops(2) { loops in
            try await withHub(backend) { hub in
                let queue = KafkaRuleEngineQueue(hub: hub, routing: QueueRouting([mainRoute]))
                let ledger = Ledger()
                let (one, _) = try await makeConsumer(hub, [loops[0]], ledger)
                let (two, _) = try await makeConsumer(hub, [loops[1]], ledger)
                let devices = (0..<12).map { _ in UUID128.random() }
                var random = SeededRandom(seed: 42)
                var ofOne: Set<Int> = [0, 1, 2, 3]
                await one.own(ofOne)
                for number in 0..<60 {
                    try await withThrowingTaskGroup { group in
                        for device in devices {
                            group.addTask {
                                let outcome = try await queue.send(message(number, originator: device))
                                #expect(outcome == .acknowledged)
                            }
                        }
                        try await group.waitForAll()
                    }
                    guard number % 6 == 5 else { continue }
                    let moved = Int.random(in: 0..<4, using: &random)
                    if ofOne.remove(moved) != nil {
                        if random.oneIn(3) {
                            one.abandon([moved])
                        } else {
                            await one.own(ofOne)
                        }
                        await two.own(Set(0..<4).subtracting(ofOne))
                    } else {
                        ofOne.insert(moved)
                        if random.oneIn(3) {
                            two.abandon([moved])
                        } else {
                            await two.own(Set(0..<4).subtracting(ofOne))
                        }
                        await one.own(ofOne)
                    }
                }
                try await eventually("everything") { devices.allSatisfy { Set(ledger.of($0)).count == 60 } }
                for device in devices {
                    // What was lost comes again from a place before; seen the first time, all is in order.
                    var seen: Int64 = -1
                    for number in ledger.of(device) where number > seen {
                        #expect(number == seen + 1)
                        seen = number
                    }
                    #expect(seen == 59)
                }
                await one.stop()
                await two.stop()
            }
        }
    }

    /// The consumer's thread comes to the first call after the second.
    @Test func whatIsAbandonedBeforeItIsAssignedIsNotConsumed() async throws {
        try await withLoops(2) { loops in
            try await withHub { hub in
                let queue = KafkaRuleEngineQueue(hub: hub, routing: QueueRouting([mainRoute]))
                let device = UUID128.random()
                let (first, second) = (Ledger(), Ledger())
                let one = try KafkaRuleEngineConsumer(hub: hub, route: mainRoute, laneLoops: [loops[0]])
                try await loops[0].run { one.attach(LedgerConsumer(first), lane: 0) }
                let owning = Task.immediate { await one.own([0, 1, 2, 3]) }
                one.abandon([0, 1, 2, 3])
                one.start()
                await owning.value
                for number in 0..<10 { _ = try await queue.send(message(number, originator: device)) }
                let (two, _) = try await makeConsumer(hub, [loops[1]], second)
                await two.own([0, 1, 2, 3])
                try await eventually("all of them") { second.of(device) == (0..<10).map { Int64($0) } }
                #expect(first.count == 0)
                // What a later call names is consumed.
                await two.own([])
                await one.own([0, 1, 2, 3])
                for number in 10..<20 { _ = try await queue.send(message(number, originator: device)) }
                try await eventually("the rest") { first.of(device) == (10..<20).map { Int64($0) } }
                await one.stop()
                await two.stop()
            }
        }
    }
}
