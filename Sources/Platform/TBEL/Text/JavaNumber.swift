import JSON

/// Numbers as Java writes and reads them.
enum JavaNumber {
    static func text(_ value: Double) -> String {
        guard value.isFinite else { return value.isNaN ? "NaN" : value < 0 ? "-Infinity" : "Infinity" }
        var bytes: [UInt8] = []
        JSONNumber.append(value, as: .scientific, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The shortest digits that single precision tells apart.
    static func text(_ value: Float) -> String {
        guard value.isFinite else { return value.isNaN ? "NaN" : value < 0 ? "-Infinity" : "Infinity" }
        guard let wide = Double(value.description) else { return value.description }
        return text(wide)
    }

    /// Rounds towards zero, as casts do: what is no number is 0, and what is too large the largest.
    static func int(_ value: Double) -> Int32 {
        if value.isNaN { return 0 }
        return value >= 2_147_483_647 ? .max : value <= -2_147_483_648 ? .min : Int32(value)
    }

    static func long(_ value: Double) -> Int64 {
        if value.isNaN { return 0 }
        return value >= 0x1p63 ? .max : value <= -0x1p63 ? .min : Int64(value)
    }

    /// A decimal number as `Double.parseDouble` takes it: spaces around, a sign, `1.`, `.5`, an exponent, a type
    /// letter.
    static func double(_ text: some StringProtocol) -> Double? {
        var bytes = Array(text.utf8)
        while let last = bytes.last, last <= 0x20 { bytes.removeLast() }
        let spaces = bytes.prefix { $0 <= 0x20 }.count
        bytes.removeFirst(spaces)
        guard let last = bytes.last else { return nil }
        let name = String(decoding: bytes, as: UTF8.self)
        switch name {
        case "NaN", "+NaN", "-NaN": return .nan
        case "Infinity", "+Infinity": return .infinity
        case "-Infinity": return -.infinity
        default: break
        }
        if [UInt8(ascii: "d"), UInt8(ascii: "D"), UInt8(ascii: "f"), UInt8(ascii: "F")].contains(last) {
            bytes.removeLast()
        }
        guard bytes.contains(where: isDigit), bytes.allSatisfy({ isDigit($0) || "+-.eE".utf8.contains($0) }) else {
            return nil
        }
        var digits = String(decoding: bytes, as: UTF8.self)
        // Swift wants digits on both sides of a dot.
        if digits.hasSuffix(".") { digits.removeLast() }
        if let dot = digits.firstIndex(of: ".") {
            if dot == digits.startIndex || !isDigit(digits.utf8[digits.utf8.index(before: dot)]) {
                digits.insert("0", at: dot)
            }
        }
        if let found = digits.range(ofExponentAfterDot: ()) { digits.remove(at: found) }
        return Double(digits)
    }

    /// An integer as `Long.parseLong` takes it: a sign and digits, nothing else.
    static func integer(_ text: some StringProtocol, radix: Int = 10) -> Int64? {
        guard (2...36).contains(radix), !text.isEmpty else { return nil }
        return Int64(text, radix: radix)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }
}

extension String {
    /// The dot of `1.e5`.
    fileprivate func range(ofExponentAfterDot: ()) -> String.Index? {
        guard let dot = firstIndex(of: ".") else { return nil }
        let next = index(after: dot)
        return next < endIndex && (self[next] == "e" || self[next] == "E") ? dot : nil
    }
}
