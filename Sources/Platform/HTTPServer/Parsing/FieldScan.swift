/// What the fields of a head say about framing, host and expectations; refuses whatever could be read in two ways
/// (RFC 9112 §3.2, §6.1, §6.3, §11.2).
struct FieldScan {
    var host: Range<Int>?
    var framing: RequestHead.BodyFraming = .none
    var expectsContinue = false

    private var hasTransferEncoding = false
    private var hasContentLength = false

    init(_ head: UnsafeRawBufferPointer, _ lines: HeadParser.Lines) throws(RequestError) {
        for entry in lines.fields {
            guard head[entry.valueRange].allSatisfy({ FieldSyntax.isValueByte($0) }) else { throw .invalidFieldValue }
            // The fields that matter here differ in their lengths.
            switch entry.nameCount {
            case 4 where FieldScan.name(entry, is: "host", in: head): try host(entry, head)
            case 6 where FieldScan.name(entry, is: "expect", in: head): try expectation(entry, head)
            case 14 where FieldScan.name(entry, is: "content-length", in: head): try contentLength(entry, head)
            case 17 where FieldScan.name(entry, is: "transfer-encoding", in: head): try transferEncoding(entry, head)
            default: break
            }
        }
        if hasTransferEncoding, hasContentLength { throw .lengthAndTransferEncoding }
        if hasTransferEncoding, lines.minorVersion == 0 { throw .unsupportedTransferCoding }
        if host == nil, lines.minorVersion == 1 { throw .missingHost }
    }

    private mutating func host(_ entry: HTTPFields.Entry, _ head: UnsafeRawBufferPointer) throws(RequestError) {
        guard host == nil else { throw .duplicateHost }
        guard head[entry.valueRange].allSatisfy({ FieldSyntax.isHostByte($0) }) else { throw .invalidHost }
        host = entry.valueRange
    }

    private mutating func expectation(
        _ entry: HTTPFields.Entry, _ head: UnsafeRawBufferPointer
    ) throws(RequestError) {
        guard FieldScan.value(entry, is: "100-continue", in: head) else { throw .unsupportedExpectation }
        expectsContinue = true
    }

    private mutating func contentLength(
        _ entry: HTTPFields.Entry, _ head: UnsafeRawBufferPointer
    ) throws(RequestError) {
        guard !hasContentLength else { throw .duplicateContentLength }
        hasContentLength = true
        let digits = head[entry.valueRange]
        // Eighteen digits fit an Int; the body limit is far below.
        guard (1...18).contains(digits.count) else { throw .invalidContentLength }
        var length = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { throw .invalidContentLength }
            length = length * 10 + Int(digit &- UInt8(ascii: "0"))
        }
        if length > 0, !hasTransferEncoding { framing = .length(length) }
    }

    private mutating func transferEncoding(
        _ entry: HTTPFields.Entry, _ head: UnsafeRawBufferPointer
    ) throws(RequestError) {
        guard !hasTransferEncoding, FieldScan.value(entry, is: "chunked", in: head) else {
            throw .unsupportedTransferCoding
        }
        hasTransferEncoding = true
        framing = .chunked
    }

    private static func name(_ entry: HTTPFields.Entry, is name: StaticString, in head: UnsafeRawBufferPointer) -> Bool
    {
        equal(head, entry.nameRange, name)
    }

    private static func value(
        _ entry: HTTPFields.Entry, is value: StaticString, in head: UnsafeRawBufferPointer
    ) -> Bool {
        equal(head, entry.valueRange, value)
    }

    /// - Parameter text: In lower case.
    private static func equal(_ head: UnsafeRawBufferPointer, _ range: Range<Int>, _ text: StaticString) -> Bool {
        guard range.count == text.utf8CodeUnitCount else { return false }
        for index in 0..<range.count where head[range.lowerBound + index].asciiLowercased != text.utf8Start[index] {
            return false
        }
        return true
    }
}
