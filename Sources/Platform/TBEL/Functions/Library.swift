/// Functions that every script can call.
enum Library {
    static func call(_ function: FunctionName, _ arguments: [Value], _ machine: Machine) throws(TBELError) -> Value {
        guard argumentCounts(function).contains(arguments.count) else {
            throw .runtime("bad number of arguments in function call: \(arguments.count) for \(function.rawValue)")
        }
        switch function {
        case .parseInt, .parseLong, .parseFloat, .parseDouble, .toFixed, .toInt, .isNaN, .isBinary, .isOctal,
            .isDecimal,
            .isHexadecimal:
            return try NumberFunctions.call(function, arguments, machine)
        case .parseHexToInt, .parseLittleEndianHexToInt, .parseBigEndianHexToInt, .parseHexToLong,
            .parseLittleEndianHexToLong, .parseBigEndianHexToLong, .parseHexToFloat, .parseLittleEndianHexToFloat,
            .parseBigEndianHexToFloat, .parseHexToDouble, .parseLittleEndianHexToDouble, .parseBigEndianHexToDouble,
            .parseHexIntLongToFloat:
            return try HexParsing.call(function, arguments, machine)
        case .intToHex, .longToHex, .floatToHex, .doubleToHex, .intLongToRadixString:
            return try HexWriting.call(function, arguments)
        case .parseBytesToInt, .parseBytesToLong, .parseBytesToFloat, .parseBytesToDouble, .parseBytesIntToFloat,
            .parseBytesLongToDouble:
            return try ByteParsing.call(function, arguments, machine)
        case .parseByteToBinaryArray, .parseBytesToBinaryArray, .parseLongToBinaryArray, .parseBinaryArrayToInt:
            return try BinaryArrays.call(function, arguments, machine)
        case .hexToBytes, .hexToBytesArray, .bytesToHex, .printUnsignedBytes, .btoa, .atob, .base64ToHex, .hexToBase64,
            .base64ToBytes, .base64ToBytesList, .bytesToBase64, .bytesToString, .decodeToString, .decodeToJson,
            .stringToBytes, .bytesToExecutionArrayList, .encodeURI, .decodeURI:
            return try EncodingFunctions.call(function, arguments, machine)
        case .padStart, .padEnd: return .text(try pad(arguments, atStart: function == .padStart, machine))
        case .toFlatMap, .isMap, .isList, .isArray, .isSet, .newSet, .toSet:
            return try StructureFunctions.call(function, arguments, machine)
        case .isInsidePolygon: return .bool(try Geography.isInsidePolygon(arguments, machine))
        case .isInsideCircle: return .bool(try Geography.isInsideCircle(arguments, machine))
        case .raiseError: throw .runtime(try arguments[0].javaText(machine))
        }
    }

    private static func argumentCounts(_ function: FunctionName) -> ClosedRange<Int> {
        switch function {
        case .newSet: 0...0
        case .parseInt, .parseLong, .parseFloat, .bytesToString, .stringToBytes, .parseHexToInt, .parseHexToLong,
            .parseHexToFloat, .parseHexToDouble, .floatToHex, .doubleToHex, .parseBytesToBinaryArray,
            .parseLongToBinaryArray:
            1...2
        case .toFixed, .parseHexIntLongToFloat: 2...2
        case .parseByteToBinaryArray, .parseBinaryArrayToInt, .toFlatMap: 1...3
        case .intToHex, .longToHex, .intLongToRadixString, .parseBytesToInt, .parseBytesToLong, .parseBytesToFloat,
            .parseBytesToDouble, .parseBytesIntToFloat, .parseBytesLongToDouble:
            1...4
        case .padStart, .padEnd, .isInsidePolygon, .isInsideCircle: 3...3
        default: 1...1
        }
    }

    private static func pad(_ arguments: [Value], atStart: Bool, _ machine: Machine) throws(TBELError) -> String {
        let text = try arguments[0].textArgument(machine)
        let padding = try arguments[2].textArgument(machine)
        guard JavaText.length(padding) == 1 else { throw .runtime("cannot convert \"\(padding.prefix(20))\" to char") }
        let missing = try arguments[1].intArgument() - JavaText.length(text)
        guard missing > 0 else { return text }
        let (bytes, overflow) = missing.multipliedReportingOverflow(by: padding.utf8.count)
        try machine.makeText(of: overflow ? .max : bytes + text.utf8.count)
        let added = String(repeating: padding, count: missing)
        return atStart ? added + text : text + added
    }
}

/// The bytes that a list of numbers stands for; of larger numbers the lowest eight bits.
func bytes(of list: ListObject) throws(TBELError) -> [UInt8] {
    try list.machine.steps(list.count / 8)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(list.count)
    for value in list.values {
        guard let number = Number(value) else { throw .runtime("cannot convert \(value.typeName) to byte") }
        bytes.append(UInt8(truncatingIfNeeded: number.integer ?? JavaNumber.long(number.double)))
    }
    return bytes
}

extension ListObject {
    /// Bytes as scripts have them: numbers from -128 to 127.
    convenience init(bytes: some Collection<UInt8>, asArray: Bool, _ machine: Machine) throws(TBELError) {
        try machine.reserve(bytes.count, of: 16)
        try self.init(bytes.map { .int(Int32(Int8(bitPattern: $0))) }, of: asArray ? .byte : nil, machine)
    }
}
