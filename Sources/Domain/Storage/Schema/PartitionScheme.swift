/// How a table is cut into ranges of time, and what the pieces are called (`persistence.md` 5, 6.2). All in UTC.
public enum PartitionScheme: Sendable, Equatable {
    case days
    case months
    case years
    /// Everything in the default partition.
    case indefinite
    /// Ranges of equal length, in milliseconds, named by their start.
    case fixed(milliseconds: Int64)

    /// From a value of `SQL_POSTGRES_TS_KV_PARTITIONING`: `DAYS`, `MONTHS`, `YEARS`, `INDEFINITE`.
    public init?(name: String) {
        switch name {
        case "DAYS": self = .days
        case "MONTHS": self = .months
        case "YEARS": self = .years
        case "INDEFINITE": self = .indefinite
        default: return nil
        }
    }

    /// One range: `start` ≤ time < `end`, milliseconds since 1970.
    public struct Range: Sendable, Hashable {
        public var start: Int64
        public var end: Int64
        /// What follows the table's name and an underscore.
        public var suffix: String
    }

    /// The range that holds `time`; `nil` when it belongs to the default partition: always for ``indefinite``, and for
    /// times before 1970.
    public func range(containing time: Int64) -> Range? {
        guard time >= 0 else { return nil }
        let day = CivilDate.millisecondsPerDay
        switch self {
        case .indefinite:
            return nil
        case .fixed(let length):
            let start = time - time % length
            return Range(start: start, end: start + length, suffix: "\(start)")
        case .days:
            let date = CivilDate(daysSinceEpoch: time / day)
            let start = time / day * day
            return Range(
                start: start, end: start + day,
                suffix: "\(padded(date.year, 4))_\(padded(date.month, 2))_\(padded(date.day, 2))")
        case .months:
            let date = CivilDate(daysSinceEpoch: time / day)
            let next = date.month == 12 ? (date.year + 1, 1) : (date.year, date.month + 1)
            return Range(
                start: CivilDate(year: date.year, month: date.month, day: 1).daysSinceEpoch * day,
                end: CivilDate(year: next.0, month: next.1, day: 1).daysSinceEpoch * day,
                suffix: "\(padded(date.year, 4))_\(padded(date.month, 2))")
        case .years:
            let year = CivilDate(daysSinceEpoch: time / day).year
            return Range(
                start: CivilDate(year: year, month: 1, day: 1).daysSinceEpoch * day,
                end: CivilDate(year: year + 1, month: 1, day: 1).daysSinceEpoch * day, suffix: padded(year, 4))
        }
    }

    private func padded(_ number: Int64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}

/// A day of the proleptic Gregorian calendar.
struct CivilDate: Equatable {
    static let millisecondsPerDay: Int64 = 86_400_000

    var year: Int64
    var month: Int64
    var day: Int64

    init(year: Int64, month: Int64, day: Int64) {
        self.year = year
        self.month = month
        self.day = day
    }

    /// Counts in years that begin in March, so that the leap day is the last; eras of 400 years repeat.
    init(daysSinceEpoch: Int64) {
        let shifted = daysSinceEpoch + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    var daysSinceEpoch: Int64 {
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = (shiftedYear >= 0 ? shiftedYear : shiftedYear - 399) / 400
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }
}
