internal import CHTTPParser

/// Takes answers apart with http-parser. Belongs to one connection and its loop.
final class ResponseParser {
    /// What the callbacks collect. A final class, so that the library's context pointer stays valid.
    fileprivate final class Collected {
        var status = 0
        /// Names and values, with the ends of each in turn.
        var text: [UInt8] = []
        var ends: [Int] = []
        var body: [UInt8] = []
        var isTooLarge = false
        var maximumBodyBytes = 0
        /// Whether the answer that is being read belongs to a HEAD request.
        var isHead: () -> Bool = { false }
        var finished: (HTTPClientResponse, _ keepsAlive: Bool) -> Void = { _, _ in }
        /// Whether anything of an answer has been read that is not complete.
        var isInside = false
    }

    private let parser: UnsafeMutablePointer<http_parser>
    private let settings: UnsafeMutablePointer<http_parser_settings>
    private let collected = Collected()

    /// - Parameters:
    ///   - maximumBodyBytes: Larger answers fail.
    ///   - isHead: Asked at the head of an answer: whether it has no body because its request was HEAD.
    ///   - finished: Called for each answer, in order; not for 1xx.
    init(
        maximumBodyBytes: Int, isHead: @escaping () -> Bool,
        finished: @escaping (HTTPClientResponse, _ keepsAlive: Bool) -> Void
    ) {
        parser = .allocate(capacity: 1)
        parser.initialize(to: http_parser())
        settings = .allocate(capacity: 1)
        settings.initialize(to: http_parser_settings())
        collected.maximumBodyBytes = maximumBodyBytes
        collected.isHead = isHead
        collected.finished = finished
        http_parser_init(parser, HTTP_RESPONSE)
        parser.pointee.data = Unmanaged.passUnretained(collected).toOpaque()
        http_parser_settings_init(settings)
        settings.pointee.on_message_begin = onMessageBegin
        settings.pointee.on_header_field = onFieldName
        settings.pointee.on_header_value = onFieldValue
        settings.pointee.on_headers_complete = onHeadersComplete
        settings.pointee.on_body = onBody
        settings.pointee.on_message_complete = onMessageComplete
    }

    deinit {
        settings.deallocate()
        parser.deallocate()
    }

    var isInside: Bool { collected.isInside }

    /// Takes all of `bytes`; none at all tell that the input has ended.
    func take(_ bytes: UnsafeRawBufferPointer) throws(HTTPClientError) {
        let base = bytes.bindMemory(to: CChar.self).baseAddress
        let consumed = http_parser_execute(parser, settings, base, bytes.count)
        let code = http_errno(UInt32(parser.pointee.http_errno))
        if collected.isTooLarge { throw .responseTooLarge }
        guard code == HPE_OK, consumed == bytes.count else {
            throw .malformedResponse(String(cString: http_errno_description(code)))
        }
    }
}

// The callbacks run inside `take`; the context is the parser's own `Collected`, which lives as long as the parser.

private func collected(_ parser: UnsafeMutablePointer<http_parser>?) -> ResponseParser.Collected {
    Unmanaged<ResponseParser.Collected>.fromOpaque(parser!.pointee.data).takeUnretainedValue()
}

private func onMessageBegin(_ parser: UnsafeMutablePointer<http_parser>?) -> Int32 {
    let answer = collected(parser)
    answer.text.removeAll(keepingCapacity: true)
    answer.ends.removeAll(keepingCapacity: true)
    answer.body = []
    answer.isInside = true
    return 0
}

private func append(
    _ answer: ResponseParser.Collected, isValue: Bool, _ at: UnsafePointer<CChar>?, _ count: Int
) -> Int32 {
    guard answer.text.count + count <= 65_536 else {
        answer.isTooLarge = true
        return 1
    }
    answer.text.append(contentsOf: UnsafeRawBufferPointer(start: at, count: count))
    // A name or value that comes in pieces moves its end; for a field without a value the library reports an empty one.
    let isContinued = answer.ends.count % 2 == (isValue ? 0 : 1)
    if isContinued {
        answer.ends[answer.ends.count - 1] = answer.text.count
    } else {
        answer.ends.append(answer.text.count)
    }
    return 0
}

private func onFieldName(
    _ parser: UnsafeMutablePointer<http_parser>?, _ at: UnsafePointer<CChar>?, _ count: Int
) -> Int32 {
    append(collected(parser), isValue: false, at, count)
}

private func onFieldValue(
    _ parser: UnsafeMutablePointer<http_parser>?, _ at: UnsafePointer<CChar>?, _ count: Int
) -> Int32 {
    append(collected(parser), isValue: true, at, count)
}

private func onHeadersComplete(_ parser: UnsafeMutablePointer<http_parser>?) -> Int32 {
    let answer = collected(parser)
    answer.status = Int(parser!.pointee.status_code)
    return answer.isHead() ? 1 : 0
}

private func onBody(_ parser: UnsafeMutablePointer<http_parser>?, _ at: UnsafePointer<CChar>?, _ count: Int) -> Int32 {
    let answer = collected(parser)
    guard answer.body.count + count <= answer.maximumBodyBytes else {
        answer.isTooLarge = true
        return 1
    }
    answer.body.append(contentsOf: UnsafeRawBufferPointer(start: at, count: count))
    return 0
}

private func onMessageComplete(_ parser: UnsafeMutablePointer<http_parser>?) -> Int32 {
    let answer = collected(parser)
    answer.isInside = false
    if (100...199).contains(answer.status) { return 0 }
    let response = HTTPClientResponse(status: answer.status, body: answer.body, text: answer.text, ends: answer.ends)
    answer.finished(response, http_should_keep_alive(parser) != 0)
    return 0
}
