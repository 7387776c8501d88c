/// How a time zone goes on for ever: the text of POSIX's `TZ`, for example `CET-1CEST,M3.5.0,M10.5.0/3`.
struct TimeZoneRule: Equatable {
    /// A day of every year, and the second of it in local time.
    struct Change: Equatable {
        enum Day: Equatable {
            /// From 1 to 365; the leap day is not counted.
            case ofYearWithoutLeapDay(Int)
            /// From 0 to 365.
            case ofYear(Int)
            /// Weekday from 0, which is Sunday; week 5 is the last one.
            case ofMonth(Int, week: Int, weekday: Int)
        }

        var day: Day
        var second = 7_200
    }

    var standard: Int
    /// Of summer, with its first and last moment.
    var summer: (offset: Int, start: Change, end: Change)?

    static func == (a: TimeZoneRule, b: TimeZoneRule) -> Bool {
        a.standard == b.standard && a.summer?.offset == b.summer?.offset && a.summer?.start == b.summer?.start
            && a.summer?.end == b.summer?.end
    }

    /// - Returns: `nil` for what is no rule.
    init?(_ text: some Sequence<UInt8>) {
        var reader = Reader(rest: Array(text)[...])
        guard reader.skipName(), let offset = reader.time() else { return nil }
        standard = -offset
        if reader.rest.isEmpty { return }
        guard reader.skipName() else { return nil }
        var summerOffset = standard + 3_600
        if reader.rest.first != UInt8(ascii: ",") {
            guard let offset = reader.time() else { return nil }
            summerOffset = -offset
        }
        guard let start = reader.change(), let end = reader.change(), reader.rest.isEmpty else { return nil }
        summer = (summerOffset, start, end)
    }

    /// Seconds east of UTC.
    func offset(at time: Int64) -> Int {
        guard let summer else { return standard }
        let year = CivilDate(day: (time + Int64(standard)).floorDivided(by: 86_400)).year
        let start = summer.start.moment(in: year) - Int64(standard)
        let end = summer.end.moment(in: year) - Int64(summer.offset)
        let isSummer = start <= end ? time >= start && time < end : time >= start || time < end
        return isSummer ? summer.offset : standard
    }

    private struct Reader {
        var rest: ArraySlice<UInt8>

        mutating func skip(_ character: Unicode.Scalar) -> Bool {
            guard rest.first == UInt8(ascii: character) else { return false }
            rest.removeFirst()
            return true
        }

        /// The name of an offset: letters, or anything between angle brackets.
        mutating func skipName() -> Bool {
            if skip("<") {
                guard let end = rest.firstIndex(of: UInt8(ascii: ">")) else { return false }
                rest = rest[(end + 1)...]
                return true
            }
            let name = rest.prefix { ($0 | 0x20) >= UInt8(ascii: "a") && ($0 | 0x20) <= UInt8(ascii: "z") }
            rest = rest[name.endIndex...]
            return !name.isEmpty
        }

        mutating func number() -> Int? {
            let digits = rest.prefix { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
            guard (1...4).contains(digits.count) else { return nil }
            rest = rest[digits.endIndex...]
            return digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
        }

        /// `[+-]hours[:minutes[:seconds]]` as seconds.
        mutating func time() -> Int? {
            let sign = skip("-") ? -1 : 1
            if sign > 0 { _ = skip("+") }
            guard let hours = number() else { return nil }
            var seconds = hours * 3_600
            if skip(":") {
                guard let minutes = number() else { return nil }
                seconds += minutes * 60
                if skip(":") {
                    guard let rest = number() else { return nil }
                    seconds += rest
                }
            }
            return sign * seconds
        }

        mutating func change() -> Change? {
            guard skip(","), let day = day() else { return nil }
            var change = Change(day: day)
            if skip("/") {
                guard let time = time() else { return nil }
                change.second = time
            }
            return change
        }

        private mutating func day() -> Change.Day? {
            if skip("J") {
                guard let day = number(), (1...365).contains(day) else { return nil }
                return .ofYearWithoutLeapDay(day)
            }
            guard skip("M") else {
                guard let day = number(), (0...365).contains(day) else { return nil }
                return .ofYear(day)
            }
            guard let month = number(), skip("."), let week = number(), skip("."), let weekday = number(),
                (1...12).contains(month), (1...5).contains(week), (0...6).contains(weekday)
            else { return nil }
            return .ofMonth(month, week: week, weekday: weekday)
        }
    }
}

extension TimeZoneRule.Change {
    /// Seconds of local time since 1970.
    func moment(in year: Int64) -> Int64 {
        let day: Int64
        switch self.day {
        case .ofYear(let number):
            day = CivilDate(year: year, month: 1, day: 1).number + Int64(number)
        case .ofYearWithoutLeapDay(let number):
            let leap = CivilDate.isLeap(year) && number > 59 ? 1 : 0
            day = CivilDate(year: year, month: 1, day: 1).number + Int64(number - 1 + leap)
        case .ofMonth(let month, let week, let weekday):
            let first = CivilDate(year: year, month: month, day: 1).number
            let next =
                month == 12
                ? CivilDate(year: year + 1, month: 1, day: 1) : CivilDate(year: year, month: month + 1, day: 1)
            // Sunday is 0 here and 7 there.
            let firstWeekday = CivilDate.weekday(of: first) % 7
            var found = first + Int64((weekday - firstWeekday + 7) % 7) + Int64(week - 1) * 7
            while found >= next.number { found -= 7 }
            day = found
        }
        return day * 86_400 + Int64(second)
    }
}
