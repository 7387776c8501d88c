import Testing

@testable import KafkaQueue

/// What of a partition may be committed, and whether somebody still works on it.
@Suite struct WindowTests {
    @Test func onlyWhatIsDoneWithoutAGapIsCommitted() {
        var window = AcknowledgementWindow()
        let tickets = (10..<14).map { window.add(offset: $0) }
        #expect(window.committable == nil)
        window.finish(tickets[1])
        #expect(window.committable == nil)
        window.finish(tickets[0])
        #expect(window.committable == 12)
        #expect(window.count == 2)
        #expect(window.inWork == 2)
    }

    @Test func lagIsWhatCannotBeCommittedYet() {
        var window = AcknowledgementWindow()
        // A new owner of a partition whose records are all done gets none: nothing is behind.
        #expect(window.lag(behind: 60) == 0)
        let tickets = (60..<64).map { window.add(offset: $0) }
        #expect(window.lag(behind: 70) == 10)
        window.finish(tickets[1])
        #expect(window.lag(behind: 70) == 10)
        window.finish(tickets[0])
        #expect(window.lag(behind: 70) == 8)
        for ticket in tickets { window.finish(ticket) }
        #expect(window.lag(behind: 64) == 0)
        // What the broker told before the last records came.
        #expect(window.lag(behind: 62) == 0)
    }

    @Test func whatIsGivenBackIsNotCommittedAndNotWaitedFor() {
        var window = AcknowledgementWindow()
        let tickets = (10..<14).map { window.add(offset: $0) }
        window.finish(tickets[0])
        window.giveBack(tickets[1])
        window.finish(tickets[3])
        #expect(window.inWork == 1)
        window.finish(tickets[2])
        #expect(window.inWork == 0)
        // The next owner begins with it.
        #expect(window.committable == 11)
        #expect(window.count == 3)
    }

    @Test func whatWasToldTwiceCountsOnce() {
        var window = AcknowledgementWindow()
        let tickets = (0..<2).map { window.add(offset: $0) }
        window.giveBack(tickets[1])
        window.giveBack(tickets[1])
        window.finish(tickets[0])
        window.finish(tickets[0])
        #expect(window.inWork == 0)
        #expect(window.committable == 1)
    }
}
