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

/// Which records are handed over.
@Suite struct ProgressTests {
    @Test func noRecordIsHandedOverTwice() {
        var progress = PartitionProgress()
        #expect(progress.next == nil)
        let verdicts = [Int64(5), 6, 8, 7, 8, 9].map { progress.take($0, end: 10) }
        #expect(verdicts == [.new, .new, .new, .repeated, .repeated, .new])
        #expect(progress.next == 10)
        // What nobody knows the end of is taken for what it nearly always is.
        let unknown = progress.take(9, end: nil)
        #expect(unknown == .repeated)
    }

    /// Else all that is acknowledged to devices would be dropped until there is as much as before.
    @Test func aLogThatBeginsAnewIsReadFromItsBeginning() {
        var progress = PartitionProgress()
        _ = progress.take(1_000, end: 1_001)
        let verdicts = [Int64(0), 1, 1, 2].map { progress.take($0, end: 3) }
        #expect(verdicts == [.beginning, .new, .repeated, .new])
    }

    @Test func whatIsDoneOfALogThatBeginsAnewIsCommitted() {
        var window = AcknowledgementWindow()
        let old = (1_000..<1_002).map { window.add(offset: $0) }
        let new = (0..<2).map { window.add(offset: $0) }
        for ticket in new { window.finish(ticket) }
        #expect(window.committable == nil)
        for ticket in old { window.finish(ticket) }
        #expect(window.committable == 2)
    }
}
