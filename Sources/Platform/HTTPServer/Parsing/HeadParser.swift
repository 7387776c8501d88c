internal import CHTTPParser

/// Takes complete request heads apart with http-parser. One per event loop; used on its thread only.
///
/// The parser sees one head at a time and whole, so every callback gives a complete name or value. Bodies do not pass
/// through it: chunk borders are checked more strictly by ``ChunkedDecoder`` than by Debian's build of the library.
final class HeadParser {
    /// What the library reports of a head; offsets count from its first byte.
    struct Lines {
        var method = HTTPMethod.get
        var minorVersion: UInt16 = 1
        var majorVersion: UInt16 = 1
        var target = 0..<0
        var fields: [HTTPFields.Entry] = []
        var keepsAlive = false
        var asksForUpgrade = false
        fileprivate var base: UnsafePointer<CChar>?
        fileprivate var isComplete = false
        fileprivate var maximumFields = 0
        fileprivate var hasTooManyFields = false
        /// A name has been reported and its value has not.
        fileprivate var awaitsValue = false
    }

    private let parser: UnsafeMutablePointer<http_parser>
    private let settings: UnsafeMutablePointer<http_parser_settings>
    private let lines: UnsafeMutablePointer<Lines>

    init() {
        parser = .allocate(capacity: 1)
        parser.initialize(to: http_parser())
        settings = .allocate(capacity: 1)
        settings.initialize(to: http_parser_settings())
        lines = .allocate(capacity: 1)
        lines.initialize(to: Lines())
        http_parser_settings_init(settings)
        settings.pointee.on_url = onTarget
        settings.pointee.on_header_field = onFieldName
        settings.pointee.on_header_value = onFieldValue
        settings.pointee.on_headers_complete = onHeadersComplete
    }

    deinit {
        lines.deinitialize(count: 1)
        lines.deallocate()
        settings.deallocate()
        parser.deallocate()
    }

    /// - Parameters:
    ///   - head: A complete head, as ``HeadScanner`` found it.
    ///   - maximumFields: More of them are refused.
    func parse(_ head: UnsafeRawBufferPointer, maximumFields: Int) throws(RequestError) -> Lines {
        let base = head.bindMemory(to: CChar.self).baseAddress
        lines.pointee.fields.removeAll(keepingCapacity: true)
        lines.pointee.base = base
        lines.pointee.isComplete = false
        lines.pointee.hasTooManyFields = false
        lines.pointee.awaitsValue = false
        lines.pointee.maximumFields = maximumFields
        lines.pointee.target = 0..<0
        http_parser_init(parser, HTTP_REQUEST)
        parser.pointee.data = UnsafeMutableRawPointer(lines)
        let consumed = http_parser_execute(parser, settings, base, head.count)
        let code = http_errno(UInt32(parser.pointee.http_errno))
        guard code == HPE_OK else { throw error(code, head) }
        // An upgrade stops the parser behind the head, where the bytes end anyway.
        guard lines.pointee.isComplete, consumed == head.count else { throw .malformedRequestLine }
        return lines.pointee
    }

    private func error(_ code: http_errno, _ head: UnsafeRawBufferPointer) -> RequestError {
        switch code {
        case HPE_CB_header_field: lines.pointee.hasTooManyFields ? .tooManyFields : .invalidFieldName
        case HPE_INVALID_METHOD: startsWithToken(head) ? .unknownMethod : .malformedRequestLine
        case HPE_INVALID_VERSION: namesVersion(head) ? .unsupportedVersion : .malformedRequestLine
        case HPE_INVALID_URL, HPE_INVALID_HOST, HPE_INVALID_PORT, HPE_INVALID_PATH, HPE_INVALID_QUERY_STRING,
            HPE_INVALID_FRAGMENT:
            .invalidTarget
        case HPE_HEADER_OVERFLOW: .headTooLarge
        case HPE_INVALID_HEADER_TOKEN: lines.pointee.awaitsValue ? .invalidFieldValue : .invalidFieldName
        case HPE_INVALID_CONTENT_LENGTH: .invalidContentLength
        // The library says so of two lengths and of a length next to a transfer coding.
        case HPE_UNEXPECTED_CONTENT_LENGTH:
            parser.pointee.uses_transfer_encoding == 1 ? .lengthAndTransferEncoding : .duplicateContentLength
        case HPE_INVALID_TRANSFER_ENCODING: .unsupportedTransferCoding
        default: .malformedRequestLine
        }
    }

    private func startsWithToken(_ head: UnsafeRawBufferPointer) -> Bool {
        let method = head.prefix { $0 != 0x20 }
        return !method.isEmpty && method.count < head.count && method.allSatisfy { FieldSyntax.isTokenByte($0) }
    }

    /// Whether the request line ends as `HTTP/` and two digits with a dot between them.
    private func namesVersion(_ head: UnsafeRawBufferPointer) -> Bool {
        let version = head.prefix { $0 != 0x0D }.suffix(9)
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        return version.count == 9 && version.prefix(6).elementsEqual(" HTTP/".utf8)
            && digits.contains(version[version.endIndex - 3]) && version[version.endIndex - 2] == UInt8(ascii: ".")
            && digits.contains(version[version.endIndex - 1])
    }
}

// The four callbacks run inside `parse`, on its thread; `data` points at the parser's own `Lines`.

private func lines(of parser: UnsafeMutablePointer<http_parser>?) -> UnsafeMutablePointer<HeadParser.Lines> {
    parser!.pointee.data.assumingMemoryBound(to: HeadParser.Lines.self)
}

private func onTarget(_ parser: UnsafeMutablePointer<http_parser>?, _ at: UnsafePointer<CChar>?, _ count: Int) -> Int32
{
    let lines = lines(of: parser)
    let start = at! - lines.pointee.base!
    lines.pointee.target = start..<start + count
    return 0
}

private func onFieldName(
    _ parser: UnsafeMutablePointer<http_parser>?, _ at: UnsafePointer<CChar>?, _ count: Int
) -> Int32 {
    let lines = lines(of: parser)
    guard lines.pointee.fields.count < lines.pointee.maximumFields else {
        lines.pointee.hasTooManyFields = true
        return 1
    }
    let bytes = UnsafeRawBufferPointer(start: at, count: count)
    // The library lets blanks pass inside a name and before the colon.
    guard count > 0, bytes.allSatisfy({ FieldSyntax.isTokenByte($0) }) else { return 1 }
    let start = UInt32(at! - lines.pointee.base!)
    lines.pointee.awaitsValue = true
    lines.pointee.fields.append(
        HTTPFields.Entry(nameStart: start, nameCount: UInt32(count), valueStart: start, valueCount: 0))
    return 0
}

private func onFieldValue(
    _ parser: UnsafeMutablePointer<http_parser>?, _ at: UnsafePointer<CChar>?, _ count: Int
) -> Int32 {
    let lines = lines(of: parser)
    let bytes = UnsafeRawBufferPointer(start: at, count: count)
    var end = count
    while end > 0, bytes[end - 1] == 0x20 || bytes[end - 1] == 0x09 { end -= 1 }
    lines.pointee.awaitsValue = false
    let last = lines.pointee.fields.count - 1
    lines.pointee.fields[last].valueStart = UInt32(at! - lines.pointee.base!)
    lines.pointee.fields[last].valueCount = UInt32(end)
    return 0
}

private func onHeadersComplete(_ parser: UnsafeMutablePointer<http_parser>?) -> Int32 {
    let lines = lines(of: parser)
    lines.pointee.method = HTTPMethod(code: UInt8(parser!.pointee.method))
    lines.pointee.majorVersion = parser!.pointee.http_major
    lines.pointee.minorVersion = parser!.pointee.http_minor
    lines.pointee.keepsAlive = http_should_keep_alive(parser) != 0
    lines.pointee.asksForUpgrade = parser!.pointee.upgrade != 0
    lines.pointee.isComplete = true
    return 0
}
