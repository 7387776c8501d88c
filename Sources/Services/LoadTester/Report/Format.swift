/// Numbers as people read them.
enum Format {
    /// `1 234 567`.
    static func grouped(_ number: Int) -> String {
        let digits = Array(String(number.magnitude))
        var text = number < 0 ? "-" : ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { text += " " }
            text.append(digit)
        }
        return text
    }

    /// With `places` digits behind the point, rounded.
    static func fixed(_ number: Double, places: Int) -> String {
        guard number.isFinite else { return "-" }
        var scale = 1.0
        for _ in 0..<places { scale *= 10 }
        let scaled = (abs(number) * scale).rounded()
        guard scaled < 9e18 else { return "\(number)" }
        let whole = UInt64(scaled)
        let sign = number < 0 && whole > 0 ? "-" : ""
        guard places > 0 else { return "\(sign)\(whole)" }
        let fraction = String(whole % UInt64(scale))
        return "\(sign)\(whole / UInt64(scale))." + String(repeating: "0", count: places - fraction.count) + fraction
    }

    /// Microseconds as milliseconds with three significant digits: `0.412 ms`, `12.3 ms`, `1 240 ms`.
    static func milliseconds(_ microseconds: UInt64) -> String {
        let value = Double(microseconds) / 1000
        switch value {
        case ..<10: return fixed(value, places: value < 1 ? 3 : 2) + " ms"
        case ..<100: return fixed(value, places: 1) + " ms"
        default: return grouped(Int(value.rounded())) + " ms"
        }
    }

    /// Puts blanks in front until `text` is `width` long.
    static func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }
}
