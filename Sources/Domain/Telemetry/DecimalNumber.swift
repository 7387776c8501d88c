/// Exact decimal arithmetic on the text of numbers that need more than a glance to be typed.
enum DecimalNumber {
    enum Class: Equatable {
        case long(Int64)
        /// The nearest double stands for it.
        case double
        /// Text stands for it; its plain decimal digits have been appended.
        case digits
        /// Its plain decimal digits would be thousands of zeros.
        case absurd
    }

    /// So many zeros may stand between the digits and the dot.
    static let mostZeros = 4096
    /// So many digits behind the dot may a double have had.
    static let mostFractionDigits = 16

    /// Types the number that `text` is, which is known to be well-formed.
    ///
    /// - Parameters:
    ///   - isSimple: It has no exponent. A simple number with a dot is never a long.
    ///   - bytes: For ``Class/digits`` the digits are appended; otherwise it stays as it is.
    static func classify(
        _ text: UnsafeBufferPointer<UInt8>, isSimple: Bool, appendingTo bytes: inout [UInt8]
    ) -> Class {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: text.count) { room in
            let number = Parts(text, digits: room)
            if isSimple {
                // Only what is too long for a long or a double comes here.
                return number.appendPlain(to: &bytes)
            }
            if number.isWhole {
                guard let value = number.longValue else { return number.appendPlain(to: &bytes) }
                return .long(value)
            }
            return number.scale <= mostFractionDigits ? .double : number.appendPlain(to: &bytes)
        }
    }

    /// `digits * 10^-scale`, as the text has it, without leading zeros; no digits stand for zero.
    private struct Parts {
        var isNegative = false
        var digits: UnsafeBufferPointer<UInt8>
        var scale = 0

        init(_ text: UnsafeBufferPointer<UInt8>, digits room: UnsafeMutableBufferPointer<UInt8>) {
            var count = 0
            var behindDot = false
            var index = 0
            scan: while index < text.count {
                let byte = text[index]
                index += 1
                switch byte {
                case UInt8(ascii: "-"): isNegative = true
                case UInt8(ascii: "."): behindDot = true
                case UInt8(ascii: "e"), UInt8(ascii: "E"): break scan
                default:
                    if behindDot { scale += 1 }
                    if count > 0 || byte != UInt8(ascii: "0") {
                        room[count] = byte
                        count += 1
                    }
                }
            }
            digits = UnsafeBufferPointer(rebasing: room[..<count])
            scale -= Parts.exponent(text[index...])
            if digits.isEmpty { isNegative = false }
        }

        /// Clamped to a magnitude that is absurd in any case.
        private static func exponent(_ text: Slice<UnsafeBufferPointer<UInt8>>) -> Int {
            var value = 0
            var isNegative = false
            for byte in text {
                switch byte {
                case UInt8(ascii: "-"): isNegative = true
                case UInt8(ascii: "+"): continue
                default: value = min(value * 10 + Int(byte - UInt8(ascii: "0")), 1 << 40)
                }
            }
            return isNegative ? -value : value
        }

        var isWhole: Bool {
            if digits.isEmpty || scale <= 0 { return true }
            // The digits behind the dot are all zeros.
            return scale < digits.count && digits[(digits.count - scale)...].allSatisfy { $0 == UInt8(ascii: "0") }
        }

        /// Of a whole number: its value when 64 bits hold it.
        var longValue: Int64? {
            if digits.isEmpty { return 0 }
            let length = digits.count - scale
            guard length <= 19 else { return nil }
            var magnitude: UInt64 = 0
            for index in 0..<length {
                let digit = index < digits.count ? digits[index] - UInt8(ascii: "0") : 0
                magnitude = magnitude * 10 + UInt64(digit)
            }
            if isNegative { return magnitude <= Int64.min.magnitude ? Int64(truncatingIfNeeded: 0 &- magnitude) : nil }
            return Int64(exactly: magnitude)
        }

        /// Appends all digits: `-0.00012`, `1200000`.
        func appendPlain(to bytes: inout [UInt8]) -> Class {
            let zero = UInt8(ascii: "0")
            let behind = max(0, -scale)
            let inFront = max(0, scale - digits.count)
            guard max(inFront, behind) <= mostZeros else { return .absurd }
            if isNegative { bytes.append(UInt8(ascii: "-")) }
            if scale >= digits.count { bytes.append(zero) }
            if scale <= 0 {
                bytes.append(contentsOf: digits)
                bytes.append(contentsOf: repeatElement(zero, count: digits.isEmpty ? 0 : behind))
                return .digits
            }
            let whole = max(0, digits.count - scale)
            bytes.append(contentsOf: digits[..<whole])
            bytes.append(UInt8(ascii: "."))
            bytes.append(contentsOf: repeatElement(zero, count: inFront))
            bytes.append(contentsOf: digits[whole...])
            return .digits
        }
    }
}
