import Testing

@testable import CoreNode

@Suite struct DueCalendarTests {
    @Test func elementsComeUpInTheOrderOfTheirSeconds() {
        var calendar = DueCalendar<String>(second: 100)
        #expect(calendar.insert("c", second: 103) == 103)
        #expect(calendar.insert("a", second: 101) == 101)
        #expect(calendar.insert("b", second: 103) == 103)
        #expect(calendar.take(until: 100).isEmpty)
        #expect(calendar.take(until: 102).map(\.element) == ["a"])
        #expect(calendar.take(until: 103).map(\.element) == ["c", "b"])
        #expect(calendar.isEmpty)
    }

    @Test func whatIsOverdueComesUpInTheNextSecond() {
        var calendar = DueCalendar<Int>(second: 100)
        #expect(calendar.insert(1, second: 7) == 101)
        #expect(calendar.take(until: 101).map(\.element) == [1])
    }

    @Test func aJumpOfTheClockBringsEverythingUpInOrder() {
        var calendar = DueCalendar<Int>(second: 0)
        for second in [500_000, 3, 70_000] { _ = calendar.insert(second, second: Int64(second)) }
        #expect(calendar.take(until: 1_000_000).map(\.element) == [3, 70_000, 500_000])
    }

    @Test func aClockThatWasSetBackBringsNothingUp() {
        var calendar = DueCalendar<Int>(second: 1_000)
        _ = calendar.insert(1, second: 1_001)
        #expect(calendar.take(until: 10).isEmpty)
        #expect(calendar.take(until: 1_001).map(\.element) == [1])
    }
}
