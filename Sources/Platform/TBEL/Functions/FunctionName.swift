/// Every function of the library (`rule-engine.md` 6.4).
enum FunctionName: String {
    // Numbers
    case parseInt, parseLong, parseFloat, parseDouble, toFixed, toInt, isNaN
    // Texts of hexadecimal digits
    case parseHexToInt, parseLittleEndianHexToInt, parseBigEndianHexToInt
    case parseHexToLong, parseLittleEndianHexToLong, parseBigEndianHexToLong
    case parseHexToFloat, parseLittleEndianHexToFloat, parseBigEndianHexToFloat
    case parseHexToDouble, parseLittleEndianHexToDouble, parseBigEndianHexToDouble
    case parseHexIntLongToFloat
    case intToHex, longToHex, floatToHex, doubleToHex, intLongToRadixString
    // Bytes
    case parseBytesToInt, parseBytesToLong, parseBytesToFloat, parseBytesToDouble, parseBytesIntToFloat
    case parseBytesLongToDouble, hexToBytes, hexToBytesArray, bytesToHex, printUnsignedBytes
    case parseByteToBinaryArray, parseBytesToBinaryArray, parseLongToBinaryArray, parseBinaryArrayToInt
    // Encodings
    case btoa, atob, base64ToHex, hexToBase64, base64ToBytes, base64ToBytesList, bytesToBase64
    case bytesToString, decodeToString, decodeToJson, stringToBytes, bytesToExecutionArrayList
    case encodeURI, decodeURI
    // Texts
    case padStart, padEnd, isBinary, isOctal, isDecimal, isHexadecimal
    // Lists and maps
    case toFlatMap, isMap, isList, isArray, isSet, newSet, toSet
    // Places
    case isInsidePolygon, isInsideCircle
    case raiseError
}
