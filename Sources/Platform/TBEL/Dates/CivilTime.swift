/// A moment in years, months and so on, without a time zone.
struct CivilTime: Equatable {
    var year: Int
    /// From 1.
    var month: Int
    /// From 1.
    var day: Int
    var hour = 0
    var minute = 0
    var second = 0
    var millisecond = 0

    init(year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0, millisecond: Int = 0) {
        self.year = year
        self.month = month
        self.day = day
        self.hour = hour
        self.minute = minute
        self.second = second
        self.millisecond = millisecond
    }

    /// - Parameter time: Milliseconds since 1970.
    init(_ time: Int64) {
        let days = CivilTime.floor(time, 86_400_000)
        let rest = Int(time - days * 86_400_000)
        hour = rest / 3_600_000
        minute = rest / 60_000 % 60
        second = rest / 1_000 % 60
        millisecond = rest % 1_000
        // Eras of 400 years that start on the first of March.
        let shifted = Int(days) + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    private static func floor(_ a: Int64, _ b: Int64) -> Int64 { a >= 0 ? a / b : -((-a + b - 1) / b) }

    /// Days since 1970.
    var days: Int {
        let year = month <= 2 ? self.year - 1 : self.year
        let era = (year >= 0 ? year : year - 399) / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    /// Milliseconds since 1970.
    var time: Int64 {
        Int64(days) * 86_400_000 + Int64(hour) * 3_600_000 + Int64(minute) * 60_000 + Int64(second) * 1_000
            + Int64(millisecond)
    }

    /// From 1, which is Monday, to 7.
    var weekday: Int { ((days + 3) % 7 + 7) % 7 + 1 }

    static func isLeap(_ year: Int) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

    static func days(in month: Int, of year: Int) -> Int {
        switch month {
        case 2: isLeap(year) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// The largest years that scripts can name; Java's are larger.
    static let years = -999_999...999_999

    /// - Throws: When a part is not what there is.
    func checked() throws(TBELError) -> CivilTime {
        func check(_ value: Int, _ range: ClosedRange<Int>, _ name: String) throws(TBELError) {
            guard range.contains(value) else {
                throw .runtime(
                    "Invalid value for \(name) (valid values \(range.lowerBound) - \(range.upperBound)): \(value)")
            }
        }
        try check(year, CivilTime.years, "Year")
        try check(month, 1...12, "MonthOfYear")
        try check(day, 1...31, "DayOfMonth")
        try check(hour, 0...23, "HourOfDay")
        try check(minute, 0...59, "MinuteOfHour")
        try check(second, 0...59, "SecondOfMinute")
        try check(millisecond, 0...999, "MilliOfSecond")
        guard day <= CivilTime.days(in: month, of: year) else {
            throw .runtime("Invalid date '\(DateText.months[month - 1].uppercased()) \(day)'")
        }
        return self
    }

    /// The same day of another month, or that month's last.
    func adding(months: Int) -> CivilTime {
        var result = self
        let total = year * 12 + month - 1 + months
        result.year = total >= 0 ? total / 12 : -((-total + 11) / 12)
        result.month = total - result.year * 12 + 1
        result.day = min(day, CivilTime.days(in: result.month, of: result.year))
        return result
    }
}
