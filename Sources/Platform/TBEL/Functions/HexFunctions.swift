/// Hexadecimal digits to numbers, the highest byte first or last.
enum HexParsing {
    static func call(_ function: FunctionName, _ arguments: [Value], _ machine: Machine) throws(TBELError) -> Value {
        let bigEndian: Bool
        switch function {
        case .parseLittleEndianHexToInt, .parseLittleEndianHexToLong, .parseLittleEndianHexToFloat,
            .parseLittleEndianHexToDouble:
            bigEndian = false
        default: bigEndian = try arguments.flag(1, true)
        }
        guard let text = try NumberFunctions.text(arguments[0], machine),
            let prepared = try NumberText.prepared(text, bigEndian: bigEndian)
        else { return .null }
        switch function {
        case .parseHexToInt, .parseLittleEndianHexToInt, .parseBigEndianHexToInt:
            let value = try NumberText.integer(text, radix: 16, bigEndian: bigEndian, isLong: false)
            return value.map { .int(Int32($0)) } ?? .null
        case .parseHexToLong, .parseLittleEndianHexToLong, .parseBigEndianHexToLong:
            return try NumberText.integer(text, radix: 16, bigEndian: bigEndian, isLong: true).map { .long($0) }
                ?? .null
        case .parseHexToFloat, .parseLittleEndianHexToFloat, .parseBigEndianHexToFloat:
            return .float(try NumberText.float(text, prepared, radix: 16))
        case .parseHexIntLongToFloat:
            _ = try NumberText.validRadix(prepared, 16, text)
            guard let bits = Int64(prepared, radix: 16) else { throw .notANumber(prepared) }
            return .float(Float(Int32(truncatingIfNeeded: bits)))
        default:
            return try NumberText.double(text, radix: 16, bigEndian: bigEndian).map { .double($0) } ?? .null
        }
    }
}

/// Numbers to digits of another radix.
enum HexWriting {
    static func call(_ function: FunctionName, _ arguments: [Value]) throws(TBELError) -> Value {
        switch function {
        case .intToHex, .longToHex:
            let most = function == .intToHex ? 8 : 16
            let number = try function == .intToHex ? Int64(arguments[0].intArgument()) : arguments[0].longArgument()
            return .text(
                try hexadecimal(
                    number, bigEndian: try arguments.flag(1, true), prefixed: try arguments.flag(2, false),
                    length: try arguments.int(3, -1), most: most))
        case .floatToHex:
            let bits = Float(try arguments[0].doubleArgument()).bitPattern
            return .text(try ordered("0x" + digits(UInt64(bits), 8), try arguments.flag(1, true)))
        case .doubleToHex:
            let bits = try arguments[0].doubleArgument().bitPattern
            return .text(try ordered("0x" + digits(bits, 16), try arguments.flag(1, true)))
        default: return .text(try radixText(arguments))
        }
    }

    private static func digits(_ bits: UInt64, _ count: Int) -> String {
        let digits = String(bits, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, count - digits.utf8.count)) + digits
    }

    private static func ordered(_ text: String, _ bigEndian: Bool) throws(TBELError) -> String {
        try bigEndian ? text : NumberText.reversed(text)
    }

    private static func radixText(_ arguments: [Value]) throws(TBELError) -> String {
        let number = try arguments[0].longArgument()
        let radix = try arguments.int(1, 10)
        switch radix {
        case 10, 25...36: return String(number, radix: radix)
        case 2:
            let digits = String(UInt64(bitPattern: number), radix: 2)
            let width = [8, 16, 32, 64].first { digits.utf8.count < $0 } ?? digits.utf8.count
            return String(repeating: "0", count: width - digits.utf8.count) + digits
        case 8: return String(UInt64(bitPattern: number), radix: 8)
        case 16:
            return try hexadecimal(
                number, bigEndian: try arguments.flag(2, true), prefixed: try arguments.flag(3, false), length: -1,
                most: -1)
        default: throw .runtime("Invalid radix: [\(radix)]")
        }
    }

    /// Whole bytes; of a negative number as few as keep it negative.
    private static func hexadecimal(
        _ number: Int64, bigEndian: Bool, prefixed: Bool, length: Int, most: Int
    ) throws(TBELError) -> String {
        let full = String(UInt64(bitPattern: number), radix: 16, uppercase: true)
        let most = most < 0 ? full.utf8.count : most
        var text = full.utf8.count % 2 > 0 ? "0" + full : full
        if number < 0 {
            let rest = text.drop { $0 == "F" }
            text = rest.isEmpty ? "F" : String(rest)
            if text.utf8.count % 2 > 0 { text = "F" + text }
            if text.utf8.count > most {
                text = String(text.suffix(most))
            } else if text.utf8.count < most {
                text = "FF" + text
            }
        }
        text = try ordered(text, bigEndian)
        let length = length == -1 ? text.utf8.count : length
        guard length >= 0, length <= text.utf8.count else {
            throw .runtime("begin \(text.utf8.count - length), end \(text.utf8.count), length \(text.utf8.count)")
        }
        text = String(text.suffix(length))
        return prefixed ? "0x" + text : text
    }
}
