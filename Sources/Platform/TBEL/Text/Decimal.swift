/// A finite double as decimal digits: the shortest that tell it from all others, as Java's `BigDecimal.valueOf` has
/// them.
struct Decimal {
    var isNegative: Bool
    /// Digits 0 to 9 without leading zeros; empty for 0.
    var digits: [UInt8]
    /// The place of the dot: the value is 0.d1d2d3… times 10 to this power.
    var exponent: Int

    init(_ value: Double) {
        isNegative = value.sign == .minus
        digits = []
        exponent = 0
        var point: Int?
        var power = 0
        var bytes = Array(value.magnitude.description.utf8)
        if let e = bytes.firstIndex(where: { $0 | 0x20 == UInt8(ascii: "e") }) {
            power = Int(String(decoding: bytes[(e + 1)...], as: UTF8.self)) ?? 0
            bytes.removeSubrange(e...)
        }
        var places = 0
        for byte in bytes {
            if byte == UInt8(ascii: ".") {
                point = places
                continue
            }
            digits.append(byte - UInt8(ascii: "0"))
            places += 1
        }
        exponent = (point ?? places) + power
        let leading = digits.prefix { $0 == 0 }.count
        digits.removeFirst(leading)
        exponent -= leading
        while digits.last == 0 { digits.removeLast() }
        if digits.isEmpty { exponent = 0 }
    }

    /// Rounds half away from zero to `places` digits behind the dot (which may be negative).
    mutating func round(to places: Int) { round(significant: exponent + places) }

    /// Rounds half away from zero to so many digits.
    mutating func round(significant count: Int) {
        guard count < digits.count else { return }
        guard count >= 0 else {
            digits = []
            exponent = 0
            return
        }
        let goesUp = digits[count] >= 5
        digits.removeSubrange(count...)
        if goesUp {
            var index = count - 1
            while index >= 0, digits[index] == 9 {
                digits[index] = 0
                index -= 1
            }
            if index >= 0 {
                digits[index] += 1
            } else {
                digits.insert(1, at: 0)
                exponent += 1
            }
        }
        while digits.last == 0 { digits.removeLast() }
        if digits.isEmpty { exponent = 0 }
    }

    /// All digits, with exactly `places` behind the dot; the value must be rounded to them.
    func plain(places: Int) -> String {
        var text = ""
        if exponent <= 0 {
            text = "0"
        } else {
            for index in 0..<exponent { text += String(index < digits.count ? digits[index] : 0) }
        }
        if places > 0 {
            text += "."
            for index in exponent..<exponent + places {
                text += String(index >= 0 && index < digits.count ? digits[index] : 0)
            }
        }
        return text
    }

    var value: Double {
        guard !digits.isEmpty else { return isNegative ? -0.0 : 0 }
        let text = digits.map { String($0) }.joined()
        return Double("\(isNegative ? "-" : "")0.\(text)e\(exponent)") ?? 0
    }
}
