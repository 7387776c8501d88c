/// A `numeric` in the server's binary form: base-10000 digits, most significant first.
///
///     Int16 digit count | Int16 weight of the first digit | UInt16 sign | UInt16 display scale | Int16 digits ...
struct BinaryNumeric {
    private let digits: [UInt16]
    private let weight: Int
    private let isNegative: Bool
    private let isSpecial: Bool

    init(_ cell: UnsafeRawBufferPointer) {
        func word(_ index: Int) -> UInt16 { UInt16(cell[index * 2]) << 8 | UInt16(cell[index * 2 + 1]) }
        precondition(cell.count >= 8, "a numeric of \(cell.count) bytes")
        let count = Int(word(0))
        precondition(cell.count == 8 + count * 2, "a numeric of \(count) digits in \(cell.count) bytes")
        digits = (0..<count).map { word(4 + $0) }
        weight = Int(Int16(bitPattern: word(1)))
        isNegative = word(2) == 0x4000
        isSpecial = word(2) & 0x8000 != 0  // NaN and the infinities
    }

    /// The nearest double; NaN for what is no number.
    var double: Double {
        guard !isSpecial else { return .nan }
        var text = isNegative ? "-" : ""
        for digit in digits {
            let decimal = String(digit)
            text += String(repeating: "0", count: 4 - decimal.count) + decimal
        }
        guard !digits.isEmpty else { return 0 }
        return Double(text + "e\((weight - digits.count + 1) * 4)") ?? .nan
    }

    /// The integral part, `nil` when it does not fit or there is a fraction.
    var integer: Int64? {
        guard !isSpecial else { return nil }
        var value: Int64 = 0
        let length = digits.isEmpty ? 0 : max(weight + 1, digits.count)
        for position in 0..<length {
            let digit = position < digits.count ? Int64(digits[position]) : 0
            if position > weight {
                guard digit == 0 else { return nil }
                continue
            }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10_000)
            let (sum, carry) = product.subtractingReportingOverflow(digit)
            guard !overflow, !carry else { return nil }
            value = sum  // accumulated as a negative number, whose range is the larger one
        }
        if isNegative { return value }
        return value == .min ? nil : -value
    }
}
