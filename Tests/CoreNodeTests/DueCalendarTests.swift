import Testing

@testable import CoreNode

@Suite struct DueCalendarTests {
    @Test func elementsComeUpInTheOrderOfTheirSlots() {
        var calendar = DueCalendar<String>(slot: 100)
        #expect(calendar.insert("c", slot: 103) == 103)
        #expect(calendar.insert("a", slot: 101) == 101)
        #expect(calendar.insert("b", slot: 103) == 103)
        #expect(calendar.take(until: 100).isEmpty)
        #expect(calendar.take(until: 102).map(\.element) == ["a"])
        #expect(calendar.take(until: 103).map(\.element) == ["c", "b"])
        #expect(calendar.isEmpty)
    }

    @Test func whatIsOverdueComesUpInTheNextSlot() {
        var calendar = DueCalendar<Int>(slot: 100)
        #expect(calendar.insert(1, slot: 7) == 101)
        #expect(calendar.take(until: 101).map(\.element) == [1])
    }

    @Test func aJumpOfTheClockBringsEverythingUpInOrder() {
        var calendar = DueCalendar<Int>(slot: 0)
        for second in [500_000, 3, 70_000] { _ = calendar.insert(second, slot: Int64(second)) }
        #expect(calendar.take(until: 1_000_000).map(\.element) == [3, 70_000, 500_000])
    }

    /// Ten minutes in quarters of a second: a look takes out what is due, and touches nothing else.
    @Test func aHundredThousandElementsComeUpEachInItsSlot() {
        let slots: Int64 = 2_400
        var calendar = DueCalendar<Int>(slot: 0)
        for element in 0..<100_000 { _ = calendar.insert(element, slot: Int64(element) % slots + 1) }
        for slot in 1...slots {
            let taken = calendar.take(until: slot)
            #expect(taken.count == (slot <= 100_000 % slots ? 42 : 41))
            #expect(taken.allSatisfy { Int64($0.element) % slots + 1 == slot })
        }
        #expect(calendar.isEmpty)
    }

    @Test func aClockThatWasSetBackBringsNothingUp() {
        var calendar = DueCalendar<Int>(slot: 1_000)
        _ = calendar.insert(1, slot: 1_001)
        #expect(calendar.take(until: 10).isEmpty)
        #expect(calendar.take(until: 1_001).map(\.element) == [1])
    }
}
