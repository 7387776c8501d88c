import Model
import Reactor
import Testing

@testable import TransportCore

private func seconds(_ value: UInt64) -> MonotonicTime { MonotonicTime(nanoseconds: value * 1_000_000_000) }

@Suite struct DeadlineWheelTests {
    final class Thing {
        var due: MonotonicTime?
        var expirations = 0
        init(due: MonotonicTime?) { self.due = due }
    }

    private func wheel(_ turn: Int = 16) -> DeadlineWheel<Thing> {
        DeadlineWheel(now: seconds(100), seconds: turn, deadline: { $0.due }, expired: { $0.expirations += 1 })
    }

    @Test func expiresOnceAfterItsDeadline() {
        let wheel = wheel()
        let thing = Thing(due: seconds(103))
        wheel.insert(thing, due: seconds(103))
        wheel.advance(to: seconds(102))
        #expect(thing.expirations == 0)
        wheel.advance(to: seconds(104))
        wheel.advance(to: seconds(130))
        #expect(thing.expirations == 1)
    }

    @Test func aMovedDeadlineIsLookedAtAgain() {
        let wheel = wheel()
        let thing = Thing(due: seconds(103))
        wheel.insert(thing, due: seconds(103))
        thing.due = seconds(110)
        for second in 101...109 as ClosedRange<UInt64> { wheel.advance(to: seconds(second)) }
        #expect(thing.expirations == 0)
        for second in 110...112 as ClosedRange<UInt64> { wheel.advance(to: seconds(second)) }
        #expect(thing.expirations == 1)
    }

    @Test func deadlinesBeyondTheTurnAreKept() {
        let wheel = wheel(8)
        let thing = Thing(due: seconds(150))
        wheel.insert(thing, due: seconds(150))
        for second in 101...149 as ClosedRange<UInt64> { wheel.advance(to: seconds(second)) }
        #expect(thing.expirations == 0)
        for second in 150...160 as ClosedRange<UInt64> { wheel.advance(to: seconds(second)) }
        #expect(thing.expirations == 1)
    }

    @Test func aStalledLoopMissesNothing() {
        let wheel = wheel(8)
        let things = (1...20).map { Thing(due: seconds(100 + $0)) }
        for (index, thing) in things.enumerated() { wheel.insert(thing, due: seconds(101 + UInt64(index))) }
        wheel.advance(to: seconds(1000))
        #expect(things.allSatisfy { $0.expirations == 1 })
    }

    @Test func whatIsGoneIsForgotten() {
        let wheel = wheel()
        let thing = Thing(due: nil)
        wheel.insert(thing, due: seconds(102))
        wheel.advance(to: seconds(120))
        #expect(thing.expirations == 0)
    }
}

@Suite struct UplinkTicketsTests {
    final class Target: UplinkTarget {
        var tags: [UInt32] = []
        func uplinkFinished(tag: UInt32) { tags.append(tag) }
        func uplinkLost(tag: UInt32) {}
    }

    private let tenant = TenantID(.random())

    private func admits(_ tickets: inout UplinkTickets, _ tenant: TenantID) -> Bool {
        let share = tickets.share(of: tenant)
        return tickets.admits(share)
    }

    /// Takes as many messages of a tenant as it may have.
    private func fill(_ tickets: inout UplinkTickets, _ tenant: TenantID) -> [UInt32] {
        var taken: [UInt32] = []
        while admits(&tickets, tenant) {
            taken.append(tickets.issue(1, byteCount: 1, tenant: tenant, target: Target(), tag: 0))
        }
        return taken
    }

    @Test func tenantsThatHaveAllThatTheyMayLeaveRoomForOthers() {
        var tickets = UplinkTickets(maximumMessages: 3000, maximumBytes: 1_000_000)
        #expect(fill(&tickets, tenant).count == 2000)
        for _ in 0..<4 { #expect(fill(&tickets, TenantID(.random())).count >= 10) }
        #expect(tickets.unacknowledgedCount < 3000)
        #expect(admits(&tickets, tenant) == false)
    }

    @Test func aTenantThatWasRefusedGoesOnWhenSomeOfItIsDone() {
        var tickets = UplinkTickets(maximumMessages: 100, maximumBytes: 1000)
        let taken = fill(&tickets, tenant)
        var done = 0
        let share = tickets.share(of: tenant)
        while !tickets.readmits(share) {
            _ = tickets.finish(taken[done])
            done += 1
        }
        #expect(done > 1 && done < taken.count / 2)
        #expect(admits(&tickets, tenant))
    }

    @Test func bytesAreSharedToo() {
        var tickets = UplinkTickets(maximumMessages: 100, maximumBytes: 1000)
        let large = tickets.issue(1, byteCount: 900, tenant: tenant, target: Target(), tag: 0)
        #expect(admits(&tickets, tenant) == false)
        #expect(admits(&tickets, TenantID(.random())))
        _ = tickets.finish(large)
        #expect(admits(&tickets, tenant))
    }

    @Test func theTargetIsToldWhenTheLastRecordIsDone() {
        var tickets = UplinkTickets(maximumMessages: 100, maximumBytes: 1000)
        let target = Target()
        let ticket = tickets.issue(2, byteCount: 100, tenant: tenant, target: target, tag: 7)
        #expect(tickets.unacknowledgedCount == 2)
        #expect(tickets.finish(ticket)?.tag == nil)
        let finished = tickets.finish(ticket)
        #expect(finished?.tag == 7)
        #expect(finished?.isLost == false)
        #expect(tickets.unacknowledgedCount == 0)
        #expect(tickets.unacknowledgedBytes == 0)
    }

    @Test func oneLostRecordMakesTheUplinkLost() {
        var tickets = UplinkTickets(maximumMessages: 100, maximumBytes: 1000)
        let ticket = tickets.issue(2, byteCount: 1, tenant: tenant, target: Target(), tag: 0)
        let target = Target()
        let other = tickets.issue(2, byteCount: 1, tenant: tenant, target: target, tag: 1)
        _ = tickets.finish(other, isLost: true)
        #expect(tickets.finish(other)?.isLost == true)
        // The number of a lost uplink is used again without its loss.
        let reused = tickets.issue(1, byteCount: 1, tenant: tenant, target: target, tag: 2)
        #expect(reused == other)
        #expect(tickets.finish(reused)?.isLost == false)
        _ = ticket
    }

    @Test func ticketsAreReused() {
        var tickets = UplinkTickets(maximumMessages: 100, maximumBytes: 1000)
        let target = Target()
        let first = tickets.issue(1, byteCount: 1, tenant: tenant, target: target, tag: 0)
        _ = tickets.finish(first)
        #expect(tickets.issue(1, byteCount: 1, tenant: tenant, target: target, tag: 1) == first)
    }
}

@Suite struct SessionAddressTests {
    @Test func theSessionIDLeadsBackToTheConnection() {
        let address = SessionAddress(
            loopIndex: 5, connection: ConnectionID(slot: 0x12_3456, generation: 0xFFFF_FFFE))
        let id = address.makeSessionID()
        #expect(SessionAddress(sessionID: id) == address)
        #expect(id != address.makeSessionID())
    }
}
