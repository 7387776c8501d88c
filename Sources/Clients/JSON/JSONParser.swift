import CSimdJSON

/// A JSON parser that keeps its memory from document to document.
///
/// Not safe for several threads; keep one per event loop. Parsing allocates nothing once the buffers have grown to the
/// usual size of documents. Every byte of a document is checked against RFC 8259: what ``parse(_:maximumDepth:)``
/// accepts is well-formed to the end.
public final class JSONParser {
    /// Largest value for `maximumDepth`.
    public static let depthLimit = 1024

    private let parser: OpaquePointer
    private var document = needletail_json_document()
    private let removesNull: Bool

    /// - Parameter removingNullCharacters: leaves U+0000 out of keys and strings, which PostgreSQL cannot store.
    public init(removingNullCharacters: Bool = false) {
        // The process cannot go on without memory.
        parser = needletail_json_parser_create()!
        removesNull = removingNullCharacters
        precondition(MemoryLayout<JSONToken>.stride == MemoryLayout<needletail_json_token>.stride)
    }

    deinit { needletail_json_parser_destroy(parser) }

    /// Reads one document, which takes the place of the one before.
    ///
    /// - Parameters:
    ///   - bytes: UTF-8 without a byte order mark, at most 1 GiB; copied.
    ///   - maximumDepth: Containers inside each other that are accepted, 1 to 1024.
    /// - Throws: What is wrong first. There is no document then.
    public func parse(_ bytes: Span<UInt8>, maximumDepth: Int = 64) throws(JSONError) {
        precondition((1...JSONParser.depthLimit).contains(maximumDepth), "maximumDepth is \(maximumDepth)")
        let code = bytes.withUnsafeBufferPointer { buffer in
            needletail_json_parse(
                parser, buffer.baseAddress, buffer.count, UInt32(maximumDepth), removesNull ? 1 : 0, &document)
        }
        guard code == 0 else {
            throw JSONError(JSONError.Reason(rawValue: Int(code))!, offset: Int(document.error_offset))
        }
    }

    /// Lends the document that was read last to `body`, which must not call the parser.
    @inlinable
    public func withTape<R, E>(_ body: (borrowing JSONTape) throws(E) -> R) throws(E) -> R {
        let tape = currentTape()
        return try body(tape)
    }

    @usableFromInline
    func currentTape() -> JSONTape {
        guard let tokens = document.tokens else { preconditionFailure("no document has been read") }
        return JSONTape(
            tokens: UnsafeRawPointer(tokens).assumingMemoryBound(to: JSONToken.self),
            count: Int(document.token_count),
            text: UnsafeBufferPointer(start: document.text, count: Int(document.text_length)))
    }

    /// Reads `bytes` and lends the document to `body`.
    @inlinable
    public func parse<R>(
        _ bytes: Span<UInt8>, maximumDepth: Int = 64, _ body: (borrowing JSONTape) throws(JSONError) -> R
    ) throws(JSONError) -> R {
        try parse(bytes, maximumDepth: maximumDepth)
        return try withTape(body)
    }

    /// Version of the library behind it and the instruction set that it uses.
    public static var libraryVersion: String { String(cString: needletail_json_version()) }
}
