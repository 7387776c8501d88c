/// Moments as texts. The zone of the machine is taken to be UTC.
enum DateText {
    static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]
    private static let weekdays = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]

    static func padded(_ value: Int, _ width: Int) -> String {
        let digits = String(value.magnitude)
        return (value < 0 ? "-" : "") + String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }

    /// `2023-09-06T01:04:05.345Z`, with a fraction only where there is one.
    static func iso(_ time: Int64) -> String {
        let civil = CivilTime(time)
        let year = (civil.year > 9_999 ? "+" : "") + padded(civil.year, 4)
        let fraction = civil.millisecond == 0 ? "" : "." + padded(civil.millisecond, 3)
        return "\(year)-\(padded(civil.month, 2))-\(padded(civil.day, 2))T\(clock(civil))\(fraction)Z"
    }

    private static func clock(_ civil: CivilTime) -> String {
        "\(padded(civil.hour, 2)):\(padded(civil.minute, 2)):\(padded(civil.second, 2))"
    }

    /// `Wednesday, September 6, 2023 at 1:04:05 AM Coordinated Universal Time`
    static func full(_ time: Int64) -> String { "\(fullDate(time)) at \(fullTime(time))" }

    static func fullDate(_ time: Int64) -> String {
        let civil = CivilTime(time)
        return "\(weekdays[civil.weekday - 1]), \(months[civil.month - 1]) \(civil.day), \(civil.year)"
    }

    static func fullTime(_ time: Int64) -> String {
        let civil = CivilTime(time)
        let hour = civil.hour % 12 == 0 ? 12 : civil.hour % 12
        let half = civil.hour < 12 ? "AM" : "PM"
        return "\(hour):\(padded(civil.minute, 2)):\(padded(civil.second, 2)) \(half) Coordinated Universal Time"
    }
}

/// Texts as moments.
struct DateParser {
    private let bytes: [UInt8]
    private var index = 0

    private init(_ text: String) { bytes = Array(text.utf8) }

    /// As ISO 8601 has it, with or without a time, a fraction and a zone; or `Tue, 3 Jun 2008 11:05:30 GMT`.
    static func time(of text: String) -> Int64? {
        var parser = DateParser(JavaText.trim(text))
        return parser.peek.map(Lexer.isDigit) ?? false ? parser.iso() : parser.mail()
    }

    private var peek: UInt8? { index < bytes.count ? bytes[index] : nil }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard peek == UInt8(ascii: character) else { return false }
        index += 1
        return true
    }

    private mutating func number(_ digits: ClosedRange<Int>) -> Int? {
        var value = 0
        var count = 0
        while count < digits.upperBound, let byte = peek, Lexer.isDigit(byte) {
            value = value * 10 + Int(byte - 0x30)
            index += 1
            count += 1
        }
        return digits.contains(count) ? value : nil
    }

    private mutating func iso() -> Int64? {
        guard let year = number(4...4), take("-"), let month = number(2...2), take("-"), let day = number(2...2) else {
            return nil
        }
        var civil = CivilTime(year: year, month: month, day: day)
        if take("T") || take(" ") {
            guard let hour = number(2...2), take(":"), let minute = number(2...2) else { return nil }
            (civil.hour, civil.minute) = (hour, minute)
            if take(":") {
                guard let second = number(2...2) else { return nil }
                civil.second = second
                if take(".") {
                    let start = index
                    guard let fraction = number(1...9) else { return nil }
                    var scaled = fraction
                    for _ in 0..<9 - (index - start) { scaled *= 10 }
                    civil.millisecond = scaled / 1_000_000
                }
            }
        }
        _ = take(" ")
        guard let offset = zone(), index == bytes.count, let valid = try? civil.checked() else { return nil }
        return valid.time - Int64(offset) * 1_000
    }

    /// Seconds ahead of UTC.
    private mutating func zone() -> Int? {
        if index == bytes.count || take("Z") { return 0 }
        for name in ["UTC", "GMT", "UT"] where bytes[index...].starts(with: name.utf8) {
            index += name.utf8.count
            if index == bytes.count { return 0 }
            break
        }
        let isAhead = take("+")
        guard isAhead || take("-"), let hours = number(2...2) else { return nil }
        var seconds = hours * 3_600
        if index < bytes.count {
            _ = take(":")
            guard let minutes = number(2...2), minutes < 60 else { return nil }
            seconds += minutes * 60
        }
        guard seconds <= 18 * 3_600 else { return nil }
        return isAhead ? seconds : -seconds
    }

    private mutating func word() -> String {
        let start = index
        while let byte = peek, byte | 0x20 >= UInt8(ascii: "a"), byte | 0x20 <= UInt8(ascii: "z") { index += 1 }
        return String(decoding: bytes[start..<index], as: UTF8.self)
    }

    private mutating func mail() -> Int64? {
        _ = word()
        _ = take(",")
        _ = take(" ")
        guard let day = number(1...2), take(" ") else { return nil }
        let name = word().lowercased()
        guard name.utf8.count == 3, let month = DateText.months.firstIndex(where: { $0.lowercased().hasPrefix(name) }),
            take(" "), let year = number(4...4), take(" "), let hour = number(2...2), take(":"),
            let minute = number(2...2)
        else { return nil }
        var civil = CivilTime(year: year, month: month + 1, day: day, hour: hour, minute: minute)
        if take(":") {
            guard let second = number(2...2) else { return nil }
            civil.second = second
        }
        _ = take(" ")
        guard let offset = zone(), index == bytes.count, let valid = try? civil.checked() else { return nil }
        return valid.time - Int64(offset) * 1_000
    }

    /// Seconds ahead of UTC of a zone given by name.
    static func offset(ofZone name: String) throws(TBELError) -> Int {
        var parser = DateParser(name)
        if name.isEmpty { return 0 }
        guard let offset = parser.zone(), parser.index == parser.bytes.count else {
            throw .runtime("Unknown time zone (only UTC, GMT and offsets as +02:00 are known): \(name.prefix(50))")
        }
        return offset
    }
}
