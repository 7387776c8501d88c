import Messages
import Model
import Reactor
import Testing

@testable import Queue

/// The strategies of queues (`rule-engine.md` 5.4, 5.5), message by message.
@Suite struct MessageScheduleTests {
    /// A schedule with a clock that the test moves.
    private struct Bench {
        var schedule: MessageSchedule
        var now = MonotonicTime(nanoseconds: 1_000_000_000)
        /// What was begun, in order, by the position of the message.
        var begun: [Int] = []
        var outcomes: [Int: DeliveryOutcome] = [:]
        var stopped: [Int] = []
        var givenBack: [Int] = []
        private var slots: [UInt32: Int] = [:]
        private var names: [UInt32] = []

        init(_ strategies: QueueStrategies, maximumRunning: Int = MessageSchedule.maximumRunning) {
            schedule = MessageSchedule(strategies, maximumRunning: maximumRunning)
        }

        /// Adds a delivery: an originator and a tenant for each message.
        mutating func add(_ messages: [(originator: Int, tenant: Int)]) {
            let delivery = schedule.beginDelivery(of: messages.count)
            for message in messages {
                let slot = schedule.add(
                    originator: UUID128(high: 1, low: UInt64(message.originator)),
                    tenant: TenantID(UUID128(high: 2, low: UInt64(message.tenant))), delivery: delivery)
                slots[slot] = names.count
                names.append(slot)
            }
            step { schedule, now, actions in schedule.begin(at: now, &actions) }
        }

        mutating func end(_ message: Int, _ outcome: DeliveryOutcome) {
            let slot = names[message]
            step { schedule, now, actions in
                schedule.ended(slot, outcome, at: now, &actions)
                schedule.begin(at: now, &actions)
            }
        }

        mutating func pass(_ duration: Duration) {
            now = now + duration
            step { schedule, now, actions in schedule.advance(to: now, &actions) }
        }

        mutating func pause(_ message: Int) { schedule.pause(names[message]) }
        mutating func goOn(_ message: Int) { schedule.goOn(names[message], at: now) }

        mutating func giveBack(_ messages: [Int]) {
            let wanted = messages.map { names[$0] }
            step { schedule, now, actions in schedule.giveBack(wanted, at: now, &actions) }
        }

        mutating func process(by processing: ProcessingStrategy, timeout: Duration = .seconds(2)) {
            step { schedule, now, actions in
                schedule.process(by: processing, timeout: timeout, at: now, &actions)
            }
        }

        private mutating func step(
            _ body: (inout MessageSchedule, MonotonicTime, inout [MessageSchedule.Action]) -> Void
        ) {
            var actions: [MessageSchedule.Action] = []
            body(&schedule, now, &actions)
            for action in actions {
                switch action {
                case .run(let slot, _): begun.append(slots[slot]!)
                case .stop(let slot): stopped.append(slots[slot]!)
                case .tell(let slot, let outcome):
                    let before = outcomes.updateValue(outcome, forKey: slots[slot]!)
                    #expect(before == nil, "told twice")
                case .giveBack(let slot): givenBack.append(slots[slot]!)
                case .forget: break
                }
            }
        }
    }

    private static func strategies(
        _ submit: SubmitStrategy = .burst, _ kind: ProcessingStrategy.Kind = .skipAllFailures, retries: Int = 0,
        percentage: Double = 0, pause: Int = 3, maximum: Int = 3
    ) -> QueueStrategies {
        QueueStrategies(
            submit: submit,
            processing: ProcessingStrategy(
                kind, retries: retries, failurePercentage: percentage, pause: .seconds(pause),
                maximumPause: .seconds(maximum)))
    }

    // MARK: - Submit

    @Test(arguments: [
        (SubmitStrategy.burst, [0, 1, 2, 3, 4]), (.batch(2), [0, 1]), (.sequentialByOriginator, [0, 1, 4]),
        (.sequentialByTenant, [0, 3]), (.sequential, [0]),
    ])
    func whatBeginsAtOnce(_ submit: SubmitStrategy, _ expected: [Int]) {
        var bench = Bench(Self.strategies(submit))
        bench.add([(1, 1), (2, 1), (1, 1), (2, 2), (3, 1)])
        // Of tenants: messages 3 is of the second one. Of originators: 2 and 3 follow 0 and 1.
        #expect(bench.begun == expected)
    }

    @Test(arguments: [SubmitStrategy.burst, .batch(3), .sequentialByOriginator, .sequentialByTenant, .sequential])
    func everythingIsDoneInOrderOfItsOriginator(_ submit: SubmitStrategy) {
        var bench = Bench(Self.strategies(submit), maximumRunning: 4)
        for _ in 0..<5 { bench.add((0..<7).map { ($0 % 3, $0 % 3 % 2) }) }
        var next = 0
        while next < bench.begun.count {
            bench.end(bench.begun[next], next % 4 == 0 ? .failed : .acknowledged)
            next += 1
        }
        #expect(bench.outcomes.count == 35)
        #expect(bench.schedule.count == 0)
        for originator in 0..<3 {
            let order = bench.begun.filter { $0 % 7 % 3 == originator }
            #expect(order == order.sorted())
        }
    }

    @Test func aBatchWaitsForTheOneBefore() {
        var bench = Bench(Self.strategies(.batch(2), .retryFailed))
        bench.add([(1, 1), (2, 1), (3, 1)])
        bench.end(0, .acknowledged)
        bench.end(1, .failed)
        #expect(bench.begun == [0, 1])
        bench.pass(.seconds(3))
        #expect(bench.begun == [0, 1, 1])
        bench.end(1, .acknowledged)
        #expect(bench.begun == [0, 1, 1, 2])
    }

    @Test func theNextOfAnOriginatorWaitsForAnotherAttempt() {
        var bench = Bench(Self.strategies(.sequentialByOriginator, .retryFailed))
        bench.add([(1, 1), (1, 1), (2, 1), (2, 1)])
        bench.end(0, .failed)
        bench.end(2, .acknowledged)
        #expect(bench.begun == [0, 2, 3])
        bench.pass(.seconds(3))
        bench.end(0, .acknowledged)
        #expect(bench.begun == [0, 2, 3, 0, 1])
    }

    @Test func noMoreRunThanMay() {
        var bench = Bench(Self.strategies(.burst, .skipAllFailuresAndTimedOut), maximumRunning: 2)
        bench.add([(1, 1), (2, 1), (3, 1)])
        #expect(bench.begun == [0, 1])
        bench.pass(.seconds(2))
        // Told to stop is not stopped: the storage may still have them.
        #expect(bench.begun == [0, 1])
        #expect(bench.outcomes == [0: .lost, 1: .lost])
        bench.end(0, .lost)
        #expect(bench.begun == [0, 1, 2])
    }

    // MARK: - Processing

    struct Case: Sendable {
        var kind: ProcessingStrategy.Kind
        /// Of a message that failed, and of one that timed out and was stopped then; `nil`: it runs again.
        var failed: DeliveryOutcome?
        var timedOut: DeliveryOutcome?
        var isStopped = true
    }

    @Test(arguments: [
        Case(kind: .skipAllFailures, failed: .failed, timedOut: nil, isStopped: false),
        Case(kind: .skipAllFailuresAndTimedOut, failed: .failed, timedOut: .lost),
        Case(kind: .retryAll, failed: nil, timedOut: nil), Case(kind: .retryFailed, failed: nil, timedOut: .lost),
        Case(kind: .retryTimedOut, failed: .failed, timedOut: nil),
        Case(kind: .retryFailedAndTimedOut, failed: nil, timedOut: nil),
    ])
    func whatRunsAgain(_ example: Case) {
        var bench = Bench(Self.strategies(.burst, example.kind))
        bench.add([(1, 1), (2, 1), (3, 1)])
        bench.end(0, .acknowledged)
        bench.end(1, .failed)
        bench.pass(.seconds(2))
        #expect(bench.stopped == (example.isStopped ? [2] : []))
        #expect(bench.outcomes[0] == .acknowledged)
        #expect(bench.outcomes[1] == example.failed)
        #expect(bench.outcomes[2] == example.timedOut)
        if example.isStopped { bench.end(2, .lost) }
        bench.pass(.seconds(10))
        let again = [1, 2].filter { $0 == 1 ? example.failed == nil : example.timedOut == nil && example.isStopped }
        #expect(Array(bench.begun.dropFirst(3)).sorted() == again)
        for message in again { bench.end(message, .acknowledged) }
        if !example.isStopped { bench.end(2, .acknowledged) }
        #expect(bench.outcomes.count == 3)
        #expect(bench.schedule.count == 0)
    }

    @Test func theTimeOfAMessageThatWaitsForAnEarlierOneStandsStill() {
        var bench = Bench(Self.strategies(.burst, .skipAllFailuresAndTimedOut))
        bench.add([(1, 1), (1, 1)])
        bench.pause(1)
        bench.pass(.seconds(2))
        #expect(bench.stopped == [0])
        for _ in 0..<4 { bench.pass(.seconds(2)) }
        bench.goOn(1)
        bench.pass(.milliseconds(1999))
        #expect(bench.stopped == [0])
        for _ in 0..<2 { bench.pass(.seconds(2)) }
        #expect(bench.stopped == [0, 1])
        #expect(bench.outcomes[1] == .lost)
    }

    @Test func aMessageThatTimedOutAndWasStoredAllTheSameIsDone() {
        var bench = Bench(Self.strategies(.burst, .retryTimedOut))
        bench.add([(1, 1)])
        bench.pass(.seconds(2))
        #expect(bench.stopped == [0])
        bench.pass(.seconds(60))
        #expect(bench.begun == [0], "it ran a second time before its first attempt was over")
        bench.end(0, .acknowledged)
        #expect(bench.outcomes == [0: .acknowledged])
        bench.pass(.seconds(60))
        #expect(bench.begun == [0])
    }

    @Test(arguments: [1, 3, 5])
    func itIsGivenUpAfterItsRetries(_ retries: Int) {
        var bench = Bench(Self.strategies(.burst, .retryFailed, retries: retries))
        bench.add([(1, 1)])
        for _ in 0...retries {
            #expect(bench.outcomes.isEmpty)
            bench.end(0, .failed)
            bench.pass(.seconds(3))
        }
        #expect(bench.begun.count == retries + 1)
        #expect(bench.outcomes == [0: .failed])
    }

    @Test func withoutALimitItIsNeverGivenUp() {
        var bench = Bench(Self.strategies(.burst, .retryFailed))
        bench.add([(1, 1)])
        for _ in 0..<100 {
            bench.end(0, .failed)
            bench.pass(.seconds(3))
        }
        #expect(bench.begun.count == 101)
        #expect(bench.outcomes.isEmpty)
    }

    @Test func pausesDoubleUpToTheLongest() {
        let strategy = ProcessingStrategy(.retryFailed, pause: .seconds(2), maximumPause: .seconds(10))
        #expect((1...5).map { strategy.pause(before: $0) } == [2, 4, 8, 10, 10].map { Duration.seconds($0) })
        let constant = ProcessingStrategy(.retryFailed, pause: .seconds(5), maximumPause: .seconds(5))
        #expect((1...3).map { constant.pause(before: $0) } == [5, 5, 5].map { Duration.seconds($0) })
        let none = ProcessingStrategy(.retryFailed, pause: .zero, maximumPause: .zero)
        #expect(none.pause(before: 7) == .zero)
        // Not below what was asked for.
        let odd = ProcessingStrategy(.retryFailed, pause: .seconds(5), maximumPause: .zero)
        #expect(odd.pause(before: 2) == .seconds(5))
    }

    @Test func anotherAttemptComesAfterThePauseAndNotBefore() {
        var bench = Bench(Self.strategies(.burst, .retryFailed, pause: 2, maximum: 60))
        bench.add([(1, 1)])
        for pause in [2, 4, 8] {
            bench.end(0, .failed)
            let count = bench.begun.count
            bench.pass(.seconds(pause) - .milliseconds(1))
            #expect(bench.begun.count == count)
            bench.pass(.milliseconds(1))
            #expect(bench.begun.count == count + 1)
        }
    }

    /// The share of ten messages that may be unsuccessful, in percent, how many fail, and whether these are given up.
    @Test(arguments: [(0.0, 10, false), (10.0, 1, false), (10.0, 2, true), (50.0, 5, false), (50.0, 6, true)])
    func tooManyFailuresOfADeliveryAreGivenUp(_ percentage: Double, _ failures: Int, _ isGivenUp: Bool) {
        var bench = Bench(Self.strategies(.burst, .retryFailed, percentage: percentage))
        bench.add((0..<10).map { ($0, 1) })
        for message in 0..<failures { bench.end(message, .failed) }
        for message in failures..<10 { bench.end(message, .acknowledged) }
        #expect(bench.outcomes.values.count { $0 == .failed } == (isGivenUp ? failures : 0))
        bench.pass(.seconds(3))
        #expect(bench.begun.count == 10 + (isGivenUp ? 0 : failures))
        // Another delivery is counted anew.
        bench.add([(1, 1), (2, 1)])
        #expect(bench.begun.count == 12 + (isGivenUp ? 0 : failures))
    }

    @Test func whatIsInWorkFollowsAChangedStrategy() {
        var bench = Bench(Self.strategies(.sequentialByOriginator, .retryFailed, pause: 3600, maximum: 3600))
        bench.add([(1, 1), (1, 1), (2, 1)])
        bench.end(0, .failed)
        bench.process(by: ProcessingStrategy(.skipAllFailures))
        // What paused begins at once, and not once more.
        #expect(bench.begun == [0, 2, 0])
        bench.end(0, .failed)
        bench.end(2, .failed)
        #expect(bench.begun == [0, 2, 0, 1])
        bench.end(1, .acknowledged)
        #expect(bench.outcomes == [0: .failed, 1: .acknowledged, 2: .failed])
        #expect(bench.schedule.count == 0)
    }

    @Test func timesOfAttemptsThatHaveEndedAreNotKept() {
        var bench = Bench(Self.strategies(.burst, .retryFailedAndTimedOut))
        bench.process(by: ProcessingStrategy(.retryFailedAndTimedOut), timeout: .seconds(86_400))
        // One that stays in work does not keep the times of all that come behind it.
        for message in 0..<10_000 {
            bench.add([(message, 1)])
            if message > 0 { bench.end(message, .acknowledged) }
        }
        #expect(bench.schedule.watchedCount <= 1024)
        bench.pass(.seconds(86_400))
        #expect(bench.stopped == [0])
    }

    // MARK: - Giving back

    @Test func whatDoesNotRunIsGivenBackAndWhatRunsEndsFirst() {
        var bench = Bench(Self.strategies(.sequentialByOriginator, .retryFailed))
        bench.add([(1, 1), (1, 1), (2, 1), (3, 1)])
        bench.end(2, .failed)
        bench.giveBack([0, 1, 2])
        #expect(bench.givenBack == [1, 2])
        bench.end(0, .failed)
        #expect(bench.givenBack == [1, 2, 0])
        bench.end(3, .acknowledged)
        bench.pass(.seconds(60))
        #expect(bench.begun == [0, 2, 3])
        #expect(bench.outcomes == [3: .acknowledged])
        #expect(bench.schedule.count == 0)
        // The originators' turns are free again.
        bench.add([(1, 1), (2, 1)])
        #expect(bench.begun == [0, 2, 3, 4, 5])
    }

    @Test func theTimeOfTheNextStepIsKnown() {
        var bench = Bench(Self.strategies(.burst, .retryFailedAndTimedOut))
        #expect(bench.schedule.nextTime == nil)
        bench.add([(1, 1)])
        #expect(bench.schedule.nextTime == bench.now + .seconds(2))
        bench.end(0, .failed)
        bench.pass(.seconds(2))
        #expect(bench.schedule.nextTime == bench.now + .seconds(1))
    }
}
