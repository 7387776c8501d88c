/// Bytes and texts in other forms.
enum EncodingFunctions {
    static func call(_ function: FunctionName, _ arguments: [Value], _ machine: Machine) throws(TBELError) -> Value {
        switch function {
        case .bytesToHex: return try made(Hex.text(strictBytes(arguments[0])), machine)
        case .bytesToBase64: return try made(Base64.text(bytes(of: arguments[0].listArgument())), machine)
        case .bytesToString, .decodeToString:
            let data = try bytesOfTexts(arguments[0])
            let name = try arguments.count > 1 ? arguments[1].textArgument(machine) : "UTF-8"
            return try made(Charset.text(of: data, name), machine)
        case .decodeToJson:
            if case .text(let text) = arguments[0] { return try JSONClass.parse(text, machine) }
            return try JSONClass.parse(String(decoding: bytesOfTexts(arguments[0]), as: UTF8.self), machine)
        case .bytesToExecutionArrayList:
            return .list(try ListObject(bytes: bytes(of: arguments[0].listArgument()), asArray: false, machine))
        case .printUnsignedBytes:
            let data = try bytes(of: arguments[0].listArgument())
            return .list(try ListObject(data.map { .int(Int32($0)) }, machine))
        case .stringToBytes:
            guard case .text(let text) = arguments[0] else {
                throw .runtime("Invalid type parameter [\(arguments[0].typeName)]. Expected 'String'")
            }
            let name = try arguments.count > 1 ? arguments[1].textArgument(machine) : "UTF-8"
            return .list(try ListObject(bytes: Charset.bytes(of: text, name), asArray: false, machine))
        default: break
        }
        let text = try arguments[0].textArgument(machine)
        try machine.steps(text.utf8.count / 8)
        switch function {
        case .hexToBytes: return .list(try ListObject(bytes: Hex.bytes(text), asArray: false, machine))
        case .hexToBytesArray: return .list(try ListObject(bytes: Hex.bytes(text), asArray: true, machine))
        case .btoa: return try made(Base64.text(Array(text.utf8)), machine)
        case .atob: return try made(String(decoding: Base64.bytes(text), as: UTF8.self), machine)
        case .base64ToHex: return try made(Hex.text(Base64.bytes(text)), machine)
        case .hexToBase64: return try made(Base64.text(Hex.bytes(text)), machine)
        case .base64ToBytes: return .list(try ListObject(bytes: Base64.bytes(text), asArray: true, machine))
        case .base64ToBytesList: return .list(try ListObject(bytes: Base64.bytes(text), asArray: false, machine))
        case .encodeURI: return try made(encodeURI(text), machine)
        default: return try made(decodeURI(text), machine)
        }
    }

    private static func made(_ text: String, _ machine: Machine) throws(TBELError) -> Value {
        try machine.makeText(of: text.utf8.count)
        return .text(text)
    }

    /// Bytes of numbers from -128 to 127, or of an array.
    private static func strictBytes(_ value: Value) throws(TBELError) -> [UInt8] {
        let list = try value.listArgument()
        if list.element == nil {
            for value in list.values {
                guard let number = Number(value)?.integer else {
                    throw .runtime("cannot convert \(value.typeName) to byte")
                }
                guard Int8(exactly: number) != nil else {
                    throw .runtime("Value out of range. Value:\"\(number)\" Radix:10")
                }
            }
        }
        return try bytes(of: list)
    }

    /// Bytes of numbers from -128 to 255, or of texts that are such numbers.
    private static func bytesOfTexts(_ value: Value) throws(TBELError) -> [UInt8] {
        let list = try value.listArgument()
        try list.machine.steps(list.count / 8)
        var bytes: [UInt8] = []
        for value in list.values {
            var number: Int64?
            switch value {
            case .int(let value): number = Int64(value)
            case .text(let text): number = try NumberText.integer(text, radix: 0, isLong: false)
            default: break
            }
            guard let number else {
                throw .runtime(
                    "The value '\(try value.javaText(list.machine))' could not be correctly converted to a byte. "
                        + "Must be a HexDecimal/String/Integer/Byte format !")
            }
            guard number <= 255, number >= -128 else {
                throw .runtime(
                    "The value '\(number)' could not be correctly converted to a byte. Integer to byte conversion "
                        + "requires the use of only 8 bits (with a range of min/max = -128/255)!")
            }
            bytes.append(UInt8(truncatingIfNeeded: number))
        }
        return bytes
    }

    // MARK: URIs

    private static let plain = Set(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-*_!'()~;,/?:@&=+$#".utf8)

    private static func encodeURI(_ text: String) -> String {
        var result: [UInt8] = []
        for byte in text.utf8 {
            if plain.contains(byte) {
                result.append(byte)
            } else {
                result.append(UInt8(ascii: "%"))
                result += Array(Hex.text([byte]).utf8)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func decodeURI(_ text: String) throws(TBELError) -> String {
        let bytes = Array(text.utf8)
        var result: [UInt8] = []
        var index = 0
        while index < bytes.count {
            guard bytes[index] == UInt8(ascii: "%") else {
                result.append(bytes[index])
                index += 1
                continue
            }
            guard index + 2 < bytes.count else { throw .runtime("URLDecoder: Incomplete trailing escape (%) pattern") }
            guard let byte = UInt8(String(decoding: bytes[index + 1...index + 2], as: UTF8.self), radix: 16) else {
                throw .runtime("URLDecoder: Illegal hex characters in escape (%) pattern")
            }
            result.append(byte)
            index += 3
        }
        return String(decoding: result, as: UTF8.self)
    }
}
