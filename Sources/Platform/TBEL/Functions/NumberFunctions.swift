/// Texts to numbers, and rounding.
enum NumberFunctions {
    static func call(_ function: FunctionName, _ arguments: [Value], _ machine: Machine) throws(TBELError) -> Value {
        switch function {
        case .parseInt: return try integer(arguments, machine) { $0.map { .int(Int32($0)) } ?? .null }
        case .parseLong: return try integer(arguments, machine, isLong: true) { $0.map { .long($0) } ?? .null }
        case .parseFloat:
            guard let text = try text(arguments[0], machine), let prepared = try NumberText.prepared(text) else {
                return .null
            }
            return .float(try NumberText.float(text, prepared, radix: try arguments.int(1, 0)))
        case .parseDouble:
            guard let text = try text(arguments[0], machine) else { throw NumberText.notNumeric("null") }
            return try NumberText.double(text, radix: try NumberText.radix(of: text)).map { .double($0) } ?? .null
        case .toFixed: return try toFixed(arguments)
        case .toInt:
            let value = try arguments[0].doubleArgument()
            guard value.isFinite else { throw .runtime("Infinite or NaN") }
            var decimal = Decimal(value)
            decimal.round(to: 0)
            return .int(Int32(truncatingIfNeeded: JavaNumber.long(decimal.value)))
        case .isNaN: return .bool(try arguments[0].doubleArgument().isNaN)
        case .isBinary: return .int(NumberText.isBinary(try text(arguments[0], machine) ?? "") ? 2 : -1)
        case .isOctal: return .int(NumberText.isOctal(try text(arguments[0], machine) ?? "") ? 8 : -1)
        case .isDecimal: return .int(NumberText.isDecimal(try text(arguments[0], machine) ?? "") ? 10 : -1)
        default: return .int(NumberText.isHexadecimal(try text(arguments[0], machine) ?? "") ? 16 : -1)
        }
    }

    /// `nil` for null.
    static func text(_ value: Value, _ machine: Machine) throws(TBELError) -> String? {
        try value.isNull ? nil : value.javaText(machine)
    }

    private static func integer(
        _ arguments: [Value], _ machine: Machine, isLong: Bool = false, _ made: (Int64?) -> Value
    ) throws(TBELError) -> Value {
        guard let text = try text(arguments[0], machine) else { return .null }
        return made(try NumberText.integer(text, radix: try arguments.int(1, 0), isLong: isLong))
    }

    /// Rounds half away from zero, by the decimal digits that the number is written with.
    private static func toFixed(_ arguments: [Value]) throws(TBELError) -> Value {
        let places = try arguments[1].intArgument()
        var isFloat = false
        if case .float = arguments[0] { isFloat = true }
        let value = try arguments[0].doubleArgument()
        guard value.isFinite else { throw .runtime("Infinite or NaN") }
        var decimal = Decimal(value)
        decimal.round(to: min(max(places, -400), 400))
        let result = decimal.digits.isEmpty ? 0 : decimal.value
        return isFloat ? .float(Float(result)) : .double(result)
    }
}

/// Numbers in texts, as the library takes them: `0x` is left out, a comma is a dot, and the radix may be guessed.
enum NumberText {
    /// The digits without what is around them; `nil` for a blank text.
    static func prepared(_ text: String, bigEndian: Bool = true) throws(TBELError) -> String? {
        if JavaText.isBlank(text) { return nil }
        var bytes = Array(JavaText.trim(text).utf8)
        for prefix in ["0x", "0X"] {
            var index = 0
            let prefix = Array(prefix.utf8)
            while index + 1 < bytes.count {
                if bytes[index] == prefix[0], bytes[index + 1] == prefix[1] {
                    bytes.removeSubrange(index...index + 1)
                    // What is left must not make the text quadratic to read.
                    if bytes.count > 1_000 { break }
                } else {
                    index += 1
                }
            }
        }
        for index in bytes.indices where bytes[index] == UInt8(ascii: ",") { bytes[index] = UInt8(ascii: ".") }
        let digits = String(decoding: bytes, as: UTF8.self)
        return try bigEndian ? digits : reversed(digits)
    }

    /// Pairs of digits in the opposite order; `0x` stays in front.
    static func reversed(_ text: String) throws(TBELError) -> String {
        if text.hasPrefix("-") { throw .runtime("The hexadecimal string must be without a negative sign.") }
        let hasPrefix = text.hasPrefix("0x")
        let bytes = Array(text.utf8.dropFirst(hasPrefix ? 2 : 0))
        guard bytes.count % 2 == 0 else { throw .runtime("The hexadecimal string must be even-length.") }
        var result: [UInt8] = []
        for index in stride(from: bytes.count - 2, through: 0, by: -2) { result += [bytes[index], bytes[index + 1]] }
        return (hasPrefix ? "0x" : "") + String(decoding: result, as: UTF8.self)
    }

    static func integer(_ text: String, radix: Int, bigEndian: Bool = true, isLong: Bool) throws(TBELError) -> Int64? {
        guard let prepared = try prepared(text, bigEndian: bigEndian) else { return nil }
        let found = try validRadix(prepared, radix, text)
        if found == 2 { return try binary(prepared, isLong: isLong) }
        guard let value = Int64(prepared, radix: found), isLong || Int32(exactly: value) != nil else {
            throw outOfRange(prepared, found, isLong: isLong)
        }
        return value
    }

    private static func outOfRange(_ text: String, _ radix: Int, isLong: Bool) -> TBELError {
        let shown = text.prefix(100)
        if radix >= 25, Array(text.utf8).allSatisfy({ Character(Unicode.Scalar($0)).isASCII }) {
            let name = isLong ? "Long" : "Integer"
            if text.hasPrefix("-") {
                let least = isLong ? Int64.min : Int64(Int32.min)
                return .runtime("Value \"\(shown)\" is  less than the minimum \(name) value \(least) !")
            }
            let most = isLong ? Int64.max : Int64(Int32.max)
            return .runtime("Value \"\(shown)\"is greater than the maximum \(name) value \(most) !")
        }
        return .runtime("For input string: \"\(shown)\"\(radix == 10 ? "" : " under radix \(radix)")")
    }

    /// Digits 0 and 1 as a number in two's complement, of 32 or 64 digits or of however many more there are.
    private static func binary(_ digits: String, isLong: Bool) throws(TBELError) -> Int64 {
        let isNegative = digits.utf8.count >= (isLong ? 64 : 32) && digits.utf8.first == UInt8(ascii: "1")
        let plain = isNegative ? String(decoding: digits.utf8.map { $0 ^ 1 }, as: UTF8.self) : digits
        guard let value = Int64(plain, radix: 2), isLong || value <= Int64(Int32.max) else {
            throw .runtime("For input string: \"\(digits.prefix(100))\" under radix 2")
        }
        return isNegative ? ~value : value
    }

    static func float(_ text: String, _ prepared: String, radix: Int) throws(TBELError) -> Float {
        if try validRadix(prepared, radix, text) == 16 {
            guard let bits = Int64(prepared, radix: 16) else { throw outOfRange(prepared, 16, isLong: true) }
            return Float(bitPattern: UInt32(truncatingIfNeeded: bits))
        }
        guard let value = JavaNumber.double(text) else { throw .notANumber(text) }
        return Float(JavaText.trim(text)) ?? Float(value)
    }

    static func double(_ text: String, radix: Int, bigEndian: Bool = true) throws(TBELError) -> Double? {
        guard let prepared = try prepared(text, bigEndian: bigEndian) else { return nil }
        if try validRadix(prepared, radix, text) == 10 {
            guard let value = JavaNumber.double(prepared) else { throw .notANumber(prepared) }
            return value
        }
        guard let bits = UInt64(prepared, radix: 16) else { throw outOfRange(prepared, 16, isLong: true) }
        return Double(bitPattern: bits)
    }

    // MARK: Radix

    static func notNumeric(_ text: String) -> TBELError {
        .runtime("Value: \"\(text.prefix(100))\" is not numeric or hexDecimal format!")
    }

    /// 10 when it can be, else 16.
    static func radix(of text: String) throws(TBELError) -> Int {
        if isDecimal(text) { return 10 }
        if isHexadecimal(text) { return 16 }
        throw notNumeric(text)
    }

    /// The radix by which the digits are read, if they are valid in it; 0 asks to guess.
    static func validRadix(_ digits: String, _ radix: Int, _ text: String) throws(TBELError) -> Int {
        if radix >= 25, radix <= 36 { return radix }
        var found = radix
        let isValid: Bool
        switch radix {
        case 0:
            found = try self.radix(of: digits)
            isValid = true
        case 2: isValid = isBinary(digits)
        case 8: isValid = isOctal(digits)
        case 10: isValid = isDecimal(digits)
        case 16: isValid = isHexadecimal(digits)
        default: throw .runtime("Invalid radix: [\(radix)]")
        }
        guard isValid else {
            throw .runtime("Failed radix [\(radix)] for value: \"\(text.prefix(100))\", must be [-1] !")
        }
        if text.hasPrefix("0x") { found = 16 }
        if found == 16, text.utf8.dropFirst(text.hasPrefix("-") ? 1 : 0).count % 2 > 0 {
            throw .runtime(
                "The hexadecimal value: \"\(text.prefix(100))\" must be of even length, "
                    + "or if the decimal value must be a number!"
            )
        }
        return found
    }

    static func isBinary(_ text: String) -> Bool { !text.isEmpty && text.utf8.allSatisfy { $0 == 0x30 || $0 == 0x31 } }
    static func isOctal(_ text: String) -> Bool { !text.isEmpty && text.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x37 } }

    static func isHexadecimal(_ text: String) -> Bool {
        var digits = Substring(text)
        if digits.hasPrefix("-") { digits.removeFirst() }
        if digits.hasPrefix("0x") || digits.hasPrefix("0X") { digits.removeFirst(2) }
        return !digits.isEmpty && digits.utf8.allSatisfy(Lexer.isHexDigit)
    }

    /// A sign, digits, perhaps a fraction and an exponent.
    static func isDecimal(_ text: String) -> Bool {
        var rest = Substring(text).utf8
        func digits() -> Bool {
            let count = rest.prefix(while: Lexer.isDigit).count
            rest.removeFirst(count)
            return count > 0
        }
        func sign() { if rest.first == UInt8(ascii: "+") || rest.first == UInt8(ascii: "-") { rest.removeFirst() } }
        sign()
        guard digits() else { return false }
        if rest.first == UInt8(ascii: ".") {
            rest.removeFirst()
            guard digits() else { return false }
        }
        if let letter = rest.first, letter | 0x20 == UInt8(ascii: "e") {
            rest.removeFirst()
            sign()
            guard digits() else { return false }
        }
        return rest.isEmpty
    }
}
