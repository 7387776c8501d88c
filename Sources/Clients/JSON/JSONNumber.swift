import CSimdJSON

/// Numbers as text, outside of documents.
public enum JSONNumber {
    /// Reads a plain decimal number: optional `-`, digits, at most one dot that is not the last character, nothing
    /// else. Leading zeros and a missing integer part are accepted. `nil` when `text` is none.
    ///
    /// The token's offset is 0: its text is `text`.
    public static func plainDecimal(_ text: UnsafeBufferPointer<UInt8>) -> JSONToken? {
        guard let base = text.baseAddress, text.count <= Int(UInt32.max) else { return nil }
        var token = needletail_json_token()
        guard needletail_json_scan_decimal(base, UInt32(text.count), &token) == 1 else { return nil }
        return unsafeBitCast(token, to: JSONToken.self)
    }

    /// How a double is written. Both are the shortest text that reads back as the same value, and both always have a
    /// fraction.
    public enum DoubleForm: Int32, Sendable {
        /// All digits: `10000000.0`.
        case plain = 0
        /// As `java.lang.Double` writes: `1.0E7` from 10^7, `1.0E-4` below 10^-3.
        case scientific = 1
    }

    /// Appends the text of a finite double.
    public static func append(_ value: Double, as form: DoubleForm, to bytes: inout [UInt8]) {
        precondition(value.isFinite, "\(value) has no decimal text")
        bytes.append(upTo: Int(NEEDLETAIL_DOUBLE_MAXIMUM_LENGTH)) { room in
            Int(needletail_double_text(value, form.rawValue, room))
        }
    }

    /// Appends the decimal text of an integer.
    public static func append(_ value: Int64, to bytes: inout [UInt8]) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { room in
            var magnitude = value.magnitude
            var start = 20
            repeat {
                let (quotient, digit) = magnitude.quotientAndRemainder(dividingBy: 10)
                start -= 1
                room[start] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digit)
                magnitude = quotient
            } while magnitude != 0
            if value < 0 {
                start -= 1
                room[start] = UInt8(ascii: "-")
            }
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: room[start...]))
        }
    }
}
