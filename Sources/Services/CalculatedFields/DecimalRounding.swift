/// Results are rounded as their shortest decimal text says, a half away from zero (`rule-engine.md` 7.4).
enum DecimalRounding {
    /// - Parameter places: Digits behind the point that stay.
    static func round(_ value: Double, places: Int) -> Double {
        guard value.isFinite, Swift.abs(value) < 1e15 else { return value }
        // 0.1234 and 1.234e-05 are the two forms.
        let text = Swift.abs(value).description
        let parts = text.split(separator: "e")
        let exponent = parts.count == 2 ? Int(parts[1]) ?? 0 : 0
        let number = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        var digits = Array(number.joined().utf8).map { $0 &- 0x30 }
        let point = number[0].utf8.count + exponent
        let kept = point + places
        if kept < 0 { return 0 }
        guard kept < digits.count else { return value }
        let roundsUp = digits[kept] >= 5
        digits.removeSubrange(kept...)
        var integer: UInt64 = 0
        guard digits.count <= 18 else { return value }
        for digit in digits { integer = integer * 10 + UInt64(digit) }
        if roundsUp { integer += 1 }
        // Read anew, so that the result is the number nearest to the decimal text.
        let rounded = Double("\(integer)e-\(places)") ?? value
        return value < 0 ? -rounded : rounded
    }
}
