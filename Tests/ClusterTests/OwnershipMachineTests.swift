import Cluster
import Testing

/// One way through the machine for a queue of one partition: inputs, and what each of them answers.
private struct Walk: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let steps: [(OwnershipMachine.Input, [OwnershipMachine.Action])]
    let end: OwnershipMachine.Phase

    static let toOwned: [(OwnershipMachine.Input, [OwnershipMachine.Action])] = [
        (.sessionBegan(1), []), (.leaseConfirmed, []), (.desired([0]), [.acquire(0)]),
        (.lockGranted(0, session: 1), [.own(0)]),
    ]

    init(
        _ description: String, fromOwned: Bool = true, _ steps: [(OwnershipMachine.Input, [OwnershipMachine.Action])],
        end: OwnershipMachine.Phase
    ) {
        testDescription = description
        self.steps = (fromOwned ? Self.toOwned : []) + steps
        self.end = end
    }

    static let all = [
        Walk("a lock is taken before a partition is consumed", [], end: .owned),
        Walk("nothing is locked without a session", fromOwned: false, [(.desired([0]), [])], end: .idle),
        Walk(
            "a session finds what was wanted before it", fromOwned: false,
            [(.desired([0]), []), (.sessionBegan(4), [.acquire(0)])], end: .acquiring),
        Walk(
            "a lock without a lease is not acted on", fromOwned: false,
            [
                (.sessionBegan(1), []), (.desired([0]), [.acquire(0)]), (.lockGranted(0, session: 1), []),
                (.leaseConfirmed, [.own(0)]),
            ], end: .owned),
        Walk(
            "a lock in other hands is waited for", fromOwned: false,
            [
                (.sessionBegan(1), []), (.leaseConfirmed, []), (.desired([0]), [.acquire(0)]),
                (.lockTaken(0, session: 1), []), (.lockFreed(0, session: 1), [.acquire(0)]),
            ], end: .acquiring),
        Walk(
            "a lock that is not wanted any more is not waited for", fromOwned: false,
            [
                (.sessionBegan(1), []), (.desired([0]), [.acquire(0)]), (.lockTaken(0, session: 1), []),
                (.desired([]), []), (.lockFreed(0, session: 1), []),
            ], end: .idle),
        Walk(
            "a lock that is granted too late is given back", fromOwned: false,
            [
                (.sessionBegan(1), []), (.desired([0]), [.acquire(0)]), (.desired([]), []),
                (.lockGranted(0, session: 1), [.release(0)]),
            ], end: .releasing),
        Walk(
            "a lock is released only after draining",
            [
                (.desired([]), [.drain(0)]), (.drained(0), [.release(0)]), (.lockReleased(0, session: 1), []),
            ], end: .idle),
        Walk(
            "a partition that is wanted again while it drains is kept",
            [(.desired([]), [.drain(0)]), (.desired([0]), []), (.drained(0), [.own(0)])], end: .owned),
        Walk(
            "a partition that is wanted again while its lock is given back is locked anew",
            [
                (.desired([]), [.drain(0)]), (.drained(0), [.release(0)]), (.desired([0]), []),
                (.lockReleased(0, session: 1), [.acquire(0)]),
            ], end: .acquiring),
        Walk(
            "a consumer that does not drain in time is cut off",
            [(.desired([]), [.drain(0)]), (.drainExpired(0), [.abandon(0), .release(0)])], end: .releasing),
        Walk("the end of a session abandons at once", [(.sessionEnded, [.abandon(0)])], end: .idle),
        Walk(
            "the end of a session abandons what drains",
            [(.desired([]), [.drain(0)]), (.sessionEnded, [.abandon(0)]), (.drained(0), [])], end: .idle),
        Walk(
            "a new session locks again",
            [
                (.sessionEnded, [.abandon(0)]), (.sessionBegan(2), [.acquire(0)]), (.lockGranted(0, session: 2), []),
                (.leaseConfirmed, [.own(0)]),
            ], end: .owned),
        Walk(
            "a session that replaces another ends it",
            [(.sessionBegan(2), [.abandon(0), .acquire(0)])], end: .acquiring),
        Walk(
            "answers of an earlier session are ignored",
            [
                (.sessionEnded, [.abandon(0)]), (.sessionBegan(2), [.acquire(0)]), (.lockGranted(0, session: 1), []),
                (.lockTaken(0, session: 1), []),
            ], end: .acquiring),
        Walk(
            "a lapsed lease abandons and keeps the lock; a confirmed one resumes",
            [(.leaseLapsed, [.abandon(0)]), (.leaseConfirmed, [.own(0)])], end: .owned),
        Walk(
            "a lease that lapses while draining lets the lock go",
            [(.desired([]), [.drain(0)]), (.leaseLapsed, [.abandon(0), .release(0)])], end: .releasing),
        Walk("a lease confirmed twice starts once", [(.leaseConfirmed, [])], end: .owned),
        Walk(
            "an answer nobody asked for is ignored", [(.drained(0), []), (.lockFreed(0, session: 1), [])], end: .owned),
    ]
}

@Suite struct OwnershipMachineTests {
    @Test(arguments: Walk.all)
    fileprivate func takesEachStepInOrder(_ walk: Walk) {
        var machine = OwnershipMachine(partitions: 1)
        for (index, (input, expected)) in walk.steps.enumerated() {
            let actions = machine.handle(input)
            #expect(actions == expected, "step \(index): \(input)")
        }
        #expect(machine.phases == [walk.end])
    }

    @Test func partitionsMoveIndependently() {
        var machine = OwnershipMachine(partitions: 3)
        _ = machine.handle(.sessionBegan(1))
        _ = machine.handle(.leaseConfirmed)
        let first = machine.handle(.desired([0, 2]))
        #expect(first == [.acquire(0), .acquire(2)])
        let second = machine.handle(.lockGranted(2, session: 1))
        #expect(second == [.own(2)])
        let third = machine.handle(.desired([0, 1]))
        #expect(third == [.acquire(1), .drain(2)])
        #expect(machine.owned == [])
        #expect(machine.active == [2])
        #expect(!machine.isQuiet)
    }
}

@Suite struct OwnershipLeaseTests {
    private func time(_ milliseconds: Int64) -> BootTime { BootTime(nanoseconds: milliseconds * 1_000_000) }

    @Test func countsFromTheSendingOfWhatWasAnswered() {
        let lease = OwnershipLease()
        #expect(!lease.isValid(at: time(0)))
        lease.confirm(sentAt: time(1000), sessionTimeout: .seconds(4))
        #expect(lease.isValid(at: time(3999)))
        #expect(!lease.isValid(at: time(4000)))
    }

    @Test func anOlderAnswerDoesNotShortenIt() {
        let lease = OwnershipLease()
        lease.confirm(sentAt: time(1000), sessionTimeout: .seconds(4))
        lease.confirm(sentAt: time(500), sessionTimeout: .seconds(4))
        #expect(lease.endTime == time(4000))
    }

    @Test func anAnswerProcessedAfterALongStopDoesNotReviveIt() {
        let lease = OwnershipLease()
        lease.confirm(sentAt: time(0), sessionTimeout: .seconds(4))
        // Sent just before a stop of 20 s, processed after it.
        lease.confirm(sentAt: time(100), sessionTimeout: .seconds(4))
        #expect(!lease.isValid(at: time(20_000)))
    }

    /// What a consumer dropped because of it must not be taken for what it still has.
    @Test func whoWasToldOfItsEndIsNotContradicted() {
        let lease = OwnershipLease()
        lease.confirm(sentAt: time(0), sessionTimeout: .seconds(4))
        let isProlonged = lease.prolong(sentAt: time(500), sessionTimeout: .seconds(4))
        #expect(isProlonged)
        #expect(lease.endTime == time(3500))
        #expect(!lease.isValid(at: time(3600)))
        let isContradicted = lease.prolong(sentAt: time(3000), sessionTimeout: .seconds(4))
        #expect(!isContradicted)
        #expect(!lease.isValid(at: time(3700)))
        lease.confirm(sentAt: time(3000), sessionTimeout: .seconds(4))
        #expect(lease.isValid(at: time(3700)))
    }

    /// Nobody noticed: nothing was dropped, and the session was alive all the time.
    @Test func anEndThatNobodyNoticedIsNone() {
        let lease = OwnershipLease()
        lease.confirm(sentAt: time(0), sessionTimeout: .seconds(4))
        let isProlonged = lease.prolong(sentAt: time(3100), sessionTimeout: .seconds(4))
        #expect(isProlonged)
        #expect(lease.isValid(at: time(3200)))
    }

    @Test func endsAtOnceWithItsSession() {
        let lease = OwnershipLease()
        lease.confirm(sentAt: time(0), sessionTimeout: .seconds(4))
        lease.invalidate()
        #expect(!lease.isValid(at: time(0)))
    }

    @Test func aProcessThatIsAloneAlwaysOwns() {
        #expect(OwnershipLease.unlimited.isValid)
    }
}

@Suite struct MembershipTrackerTests {
    private func time(_ seconds: Int64) -> BootTime { BootTime(nanoseconds: seconds * 1_000_000_000) }
    private func members(_ ids: String...) -> [ClusterMember] { ids.map { ClusterMember(id: $0, roles: [.core]) } }

    @Test func withoutDelayWhatIsSeenCounts() {
        var tracker = MembershipTracker(delay: .zero)
        let changed1 = tracker.observe(members("a", "b"), at: time(0))
        #expect(changed1)
        let changed2 = tracker.observe(members("a"), at: time(1))
        #expect(changed2)
        #expect(tracker.members.keys.sorted() == ["a"])
        let changed3 = tracker.observe(members("a"), at: time(2))
        #expect(!changed3)
    }

    @Test func whoReturnsWithinTheDelayMovesNothing() {
        var tracker = MembershipTracker(delay: .seconds(60))
        let changed4 = tracker.observe(members("a", "b"), at: time(0))
        #expect(changed4)
        let changed5 = tracker.observe(members("a"), at: time(10))
        #expect(!changed5)
        let changed6 = tracker.advance(to: time(69))
        #expect(!changed6)
        let changed7 = tracker.observe(members("a", "b"), at: time(69))
        #expect(!changed7)
        let changed8 = tracker.advance(to: time(1000))
        #expect(!changed8)
        #expect(tracker.members.keys.sorted() == ["a", "b"])
    }

    @Test func whoStaysAwayIsForgottenAfterTheDelay() {
        var tracker = MembershipTracker(delay: .seconds(60))
        _ = tracker.observe(members("a", "b"), at: time(0))
        _ = tracker.observe(members("a"), at: time(10))
        #expect(tracker.nextChange == time(70))
        let changed9 = tracker.advance(to: time(70))
        #expect(changed9)
        #expect(tracker.members.keys.sorted() == ["a"])
        #expect(tracker.nextChange == nil)
    }

    @Test func aNewMemberEndsEveryDelay() {
        var tracker = MembershipTracker(delay: .seconds(60))
        _ = tracker.observe(members("a", "b"), at: time(0))
        _ = tracker.observe(members("a"), at: time(10))
        let changed10 = tracker.observe(members("a", "c"), at: time(11))
        #expect(changed10)
        #expect(tracker.members.keys.sorted() == ["a", "c"])
    }

    @Test func aMemberThatChangesItsRolesCountsAtOnce() {
        var tracker = MembershipTracker(delay: .seconds(60))
        _ = tracker.observe(members("a"), at: time(0))
        let changed11 = tracker.observe([ClusterMember(id: "a", roles: [.transport])], at: time(1))
        #expect(changed11)
    }
}
