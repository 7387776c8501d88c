/// Bytes to numbers, the highest byte first or last.
enum ByteParsing {
    static func call(_ function: FunctionName, _ arguments: [Value], _ machine: Machine) throws(TBELError) -> Value {
        let data = try bytes(of: arguments[0].listArgument())
        let offset = try arguments.int(1, 0)
        let most: Int
        switch function {
        case .parseBytesToInt, .parseBytesToFloat, .parseBytesIntToFloat: most = 4
        default: most = 8
        }
        let length = try arguments.int(2, data.count < offset ? data.count : min(data.count - offset, most))
        let bigEndian = try arguments.flag(3, true)
        try validate(data.count, offset, length, most)
        let part = bigEndian ? Array(data[offset..<offset + length]) : data[offset..<offset + length].reversed()
        let bits = part.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        switch function {
        case .parseBytesToInt: return .int(Int32(truncatingIfNeeded: bits))
        case .parseBytesToLong: return .long(Int64(bitPattern: bits))
        case .parseBytesIntToFloat: return .float(Float(bits))
        case .parseBytesLongToDouble: return .double(Double(bits))
        case .parseBytesToFloat:
            // Bytes that are missing are those of the lowest value in little endian too.
            let value = Float(bitPattern: UInt32(truncatingIfNeeded: bits))
            guard !value.isNaN else { throw notANumber(data) }
            return .float(value)
        default:
            let value = Double(bitPattern: bits)
            guard !value.isNaN else { throw notANumber(data) }
            return .double(value)
        }
    }

    private static func notANumber(_ data: [UInt8]) -> TBELError {
        .runtime("byte[] 0x\(Hex.text(Array(data.prefix(100)))) is a Not-a-Number (NaN) value")
    }

    private static func validate(_ count: Int, _ offset: Int, _ length: Int, _ most: Int) throws(TBELError) {
        guard offset <= count else {
            throw .runtime("Offset: \(offset) is out of bounds for array with length: \(count)!")
        }
        guard offset + length <= count else {
            throw .runtime("Offset: \(offset) and Length: \(length) is out of bounds for array with length: \(count)!")
        }
        guard length <= most else {
            throw .runtime("Length: \(length) is too large. Maximum \(most) bytes is allowed!")
        }
        guard offset >= 0, length >= 0 else {
            throw .runtime("Range [\(offset), \(offset) + \(length)) out of bounds for length \(count)")
        }
    }
}

/// Hexadecimal digits, two for a byte.
enum Hex {
    static func text(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    static func bytes(_ text: String) throws(TBELError) -> [UInt8] {
        guard let prepared = try NumberText.prepared(text) else { throw .runtime("Hex string must be not empty!") }
        guard prepared.utf8.count % 2 == 0 else { throw .runtime("Hex string must be even-length.") }
        guard NumberText.isHexadecimal(text) else { throw NumberText.notNumeric(text) }
        let digits = Array(prepared.utf8)
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            // A sign in front makes the first byte negative.
            guard let byte = Int(String(decoding: digits[index...index + 1], as: UTF8.self), radix: 16) else {
                throw .notANumber(prepared)
            }
            bytes.append(UInt8(truncatingIfNeeded: byte))
        }
        return bytes
    }
}

/// Numbers as lists of their bits, and back.
enum BinaryArrays {
    static func call(_ function: FunctionName, _ arguments: [Value], _ machine: Machine) throws(TBELError) -> Value {
        switch function {
        case .parseByteToBinaryArray:
            let value = Int8(truncatingIfNeeded: try arguments[0].longArgument())
            let length = try arguments.int(1, 8)
            let bigEndian = try arguments.flag(2, true)
            guard length >= 0 else { throw .runtime("Negative array size: \(length)") }
            try machine.reserve(length, of: 16)
            // Shifts of more than an int's width begin anew.
            let bits = (0..<length).map { UInt8(truncatingIfNeeded: Int32(value) >> Int32($0 & 31) & 1) }
            return .list(try ListObject(bytes: bigEndian ? bits.reversed() : bits, asArray: true, machine))
        case .parseBytesToBinaryArray:
            let data = try bytes(of: arguments[0].listArgument())
            let length = try arguments.int(1, data.count * 8)
            guard data.count <= 8 else {
                throw .runtime("Length: \(data.count) is too large. Maximum 8 bytes is allowed!")
            }
            return try bits(of: data.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }, length, machine)
        case .parseLongToBinaryArray:
            return try bits(of: UInt64(bitPattern: try arguments[0].longArgument()), arguments.int(1, 64), machine)
        default:
            let data = try bytes(of: arguments[0].listArgument())
            let offset = try arguments.int(1, 0)
            let length = try arguments.int(2, data.count)
            guard offset >= 0 else { throw .runtime("Index \(offset) out of bounds for length \(data.count)") }
            let end = min(length + offset, data.count)
            var result: Int32 = 0
            if offset < end { for index in offset..<end { result = result << 1 | Int32(data[index] & 1) } }
            // Eight bits are a byte with a sign.
            if data.count == 8, offset == 0, data[0] == 1 {
                result = result &- (1 << Int32(truncatingIfNeeded: end - offset))
            }
            return .int(result)
        }
    }

    private static func bits(of value: UInt64, _ length: Int, _ machine: Machine) throws(TBELError) -> Value {
        guard length >= 0 else { throw .runtime("Negative array size: \(length)") }
        let bits = (0..<min(length, 64)).reversed().map { UInt8(value >> UInt64($0) & 1) }
        return .list(try ListObject(bytes: bits, asArray: true, machine))
    }
}
