/// `Date`: months are counted from 1, and days of the week from 1, which is Monday (`rule-engine.md` 6.4).
enum DateMethods {
    // MARK: Without an object

    static func callStatic(_ method: MethodName, _ arguments: [Value], _ machine: Machine) throws(TBELError) -> Value? {
        switch (method, arguments.count) {
        case (.now, 0): return .long(machine.clock.milliseconds())
        case (.parse, 1): return .long(DateParser.time(of: try arguments[0].textArgument(machine)) ?? -1)
        case (.UTC, 1...7):
            var parts = try numbers(arguments)
            while parts.count < 7 { parts.append(0) }
            return .long(
                try civil(
                    parts[0] == 0 ? 1899 : parts[0], parts[1] == 0 ? 12 : parts[1], parts[2] == 0 ? 31 : parts[2],
                    Array(parts[3...])
                ).time)
        default: return nil
        }
    }

    /// What `new Date(...)` stands for.
    static func make(_ arguments: [Value], _ machine: Machine) throws(TBELError) -> Int64 {
        switch arguments.count {
        case 0: return machine.clock.milliseconds()
        case 1:
            if case .text(let text) = arguments[0] {
                guard let time = DateParser.time(of: text) else {
                    throw .runtime("Cannot parse value [\(text.prefix(100))] as instant")
                }
                return time
            }
            if case .date(let date) = arguments[0] { return date.time }
            return try checked(arguments[0].longArgument())
        case 3...8:
            var arguments = arguments
            var offset = 0
            if case .text(let zone) = arguments[arguments.count - 1], arguments.count > 3 {
                offset = try DateParser.offset(ofZone: zone)
                arguments.removeLast()
            }
            let parts = try numbers(arguments)
            guard parts.count != 4 else { throw .runtime("unable to find constructor for Date with 4 numbers") }
            return try civil(parts[0], parts[1], parts[2], Array(parts[3...])).time - Int64(offset) * 1_000
        default: throw .runtime("unable to find constructor for Date with \(arguments.count) arguments")
        }
    }

    private static func numbers(_ arguments: [Value]) throws(TBELError) -> [Int] {
        var numbers: [Int] = []
        for argument in arguments { numbers.append(try argument.intArgument()) }
        return numbers
    }

    /// Years of two digits are those from 1970 to 2069.
    private static func civil(_ year: Int, _ month: Int, _ day: Int, _ rest: [Int]) throws(TBELError) -> CivilTime {
        let year = year < 70 ? 2000 + year : year <= 99 ? 1900 + year : year
        var civil = CivilTime(year: year, month: month, day: day)
        if rest.count > 0 { civil.hour = rest[0] }
        if rest.count > 1 { civil.minute = rest[1] }
        if rest.count > 2 { civil.second = rest[2] }
        if rest.count > 3 { civil.millisecond = rest[3] }
        return try civil.checked()
    }

    /// Moments that have a year.
    private static func checked(_ time: Int64) throws(TBELError) -> Int64 {
        guard time.magnitude < 31_000_000_000_000_000 else { throw .runtime("The moment is too far away: \(time)") }
        return time
    }

    // MARK: Of an object

    static func call(
        _ date: DateObject, _ method: MethodName, _ arguments: [Value], _ machine: Machine
    ) throws(TBELError) -> Value? {
        if arguments.isEmpty { return get(date, method) }
        let numbers = try numbers(
            arguments.prefix(4).map { value in
                // Moments and nanoseconds are read below.
                if case .long = value { return .int(0) }
                if case .text = value { return .int(0) }
                return value
            })
        switch method {
        case .setTime where arguments.count == 1: date.time = try checked(arguments[0].longArgument())
        case .addNanos where arguments.count == 1:
            date.time = try checked(date.time + arguments[0].longArgument() / 1_000_000)
        case .addYears, .addMonths, .addWeeks, .addDays, .addHours, .addMinutes, .addSeconds:
            guard arguments.count == 1 else { return nil }
            try add(date, method, numbers[0])
        case .equals: return nil
        default:
            guard let changed = try set(CivilTime(date.time), method, numbers) else { return nil }
            date.time = changed
        }
        return .null
    }

    private static func get(_ date: DateObject, _ method: MethodName) -> Value? {
        let civil = CivilTime(date.time)
        return switch method {
        case .getTime, .parseSecondMilli, .valueOf: .long(date.time)
        case .parseSecond: .long(date.time >= 0 ? date.time / 1_000 : -((-date.time + 999) / 1_000))
        case .toISOString, .toJSON: .text(DateText.iso(date.time))
        case .toString: .text(DateText.full(date.time))
        case .getFullYear, .getUTCFullYear: Value(civil.year)
        case .getMonth, .getUTCMonth: Value(civil.month)
        case .getDate, .getUTCDate: Value(civil.day)
        case .getDay, .getUTCDay: Value(civil.weekday)
        case .getHours, .getUTCHours: Value(civil.hour)
        case .getMinutes, .getUTCMinutes: Value(civil.minute)
        case .getSeconds, .getUTCSeconds: Value(civil.second)
        case .getMilliseconds, .getUTCMilliseconds: Value(civil.millisecond)
        case .toTimeString: .text(DateText.fullTime(date.time))
        default: nil
        }
    }

    private static func add(_ date: DateObject, _ method: MethodName, _ amount: Int) throws(TBELError) {
        switch method {
        case .addYears, .addMonths:
            let civil = CivilTime(date.time).adding(months: method == .addYears ? amount * 12 : amount)
            guard CivilTime.years.contains(civil.year) else { throw .runtime("The moment is too far away") }
            date.time = civil.time
        default:
            let unit: Int64 =
                switch method {
                case .addWeeks: 604_800_000
                case .addDays: 86_400_000
                case .addHours: 3_600_000
                case .addMinutes: 60_000
                default: 1_000
                }
            date.time = try checked(date.time + Int64(amount) * unit)
        }
    }

    /// The moment with some parts replaced: `setHours(h, m, s, ms)` and the like.
    private static func set(_ civil: CivilTime, _ method: MethodName, _ values: [Int]) throws(TBELError) -> Int64? {
        var civil = civil
        let first: Int
        switch method {
        case .setFullYear, .setUTCFullYear: first = 0
        case .setMonth, .setUTCMonth: first = 1
        case .setDate, .setUTCDate: first = 2
        case .setHours, .setUTCHours: first = 3
        case .setMinutes, .setUTCMinutes: first = 4
        case .setSeconds, .setUTCSeconds: first = 5
        case .setMilliseconds, .setUTCMilliseconds: first = 6
        default: return nil
        }
        // Parts of the day and of the time are not set together.
        guard values.count <= (first < 3 ? 3 : 7) - first else { return nil }
        for (index, value) in values.enumerated() {
            switch first + index {
            case 0: civil.year = value
            case 1: civil.month = value
            case 2: civil.day = value
            case 3: civil.hour = value
            case 4: civil.minute = value
            case 5: civil.second = value
            default: civil.millisecond = value
            }
        }
        // A day that the month does not have goes on into the next one, unless it was set.
        guard first + values.count <= 2, civil.day > 28 else { return try civil.checked().time }
        let extra = civil.day - 1
        civil.day = 1
        return try civil.checked().time + Int64(extra) * 86_400_000
    }
}
