/// Why a script has no result.
public struct TBELError: Error, Sendable, Equatable {
    public enum Kind: Sendable {
        /// The text is no script.
        case syntax
        /// What the script did cannot be done, or it raised the error itself.
        case runtime
        /// It took more time than it may.
        case timeout
        /// It made more than it may keep, or one text or list that is larger.
        case memory
    }

    public var kind: Kind
    /// What happened, in one line.
    public var text: String
    /// Where, as an offset in the UTF-8 of the script; `nil` when no place is to blame.
    public var offset: Int?
    /// The text with the surroundings, the line and the column of the place, as users of the original know it.
    public var message: String

    public init(_ kind: Kind, _ text: String, at offset: Int? = nil) {
        self.kind = kind
        self.text = text
        self.offset = offset
        message = text
    }

    static func runtime(_ text: String) -> TBELError { TBELError(.runtime, text) }

    /// The same error, blamed on `offset` unless it knows its place.
    func located(at offset: Int) -> TBELError {
        guard self.offset == nil else { return self }
        var error = self
        error.offset = offset
        return error
    }

    /// The same error with a message that shows where in `source` it happened.
    func described(in source: String) -> TBELError {
        guard let offset, kind == .syntax || kind == .runtime else { return self }
        var error = self
        let place = SourcePlace(offset: offset, in: source)
        error.message = """
            [Error: \(text)]
            [Near : {... \(place.excerpt) ....}]
            \(String(repeating: " ", count: place.caret + 13))^
            [Line: \(place.line), Column: \(place.column)]
            """
        return error
    }
}

/// A line and a column, both from 1, and the text around.
struct SourcePlace {
    var line = 1
    var column = 1
    var excerpt: String
    /// How far in `excerpt` the place is.
    var caret: Int

    private static let shown = 50

    init(offset: Int, in source: String) {
        let bytes = Array(source.utf8)
        let offset = min(max(offset, 0), bytes.count)
        var start = 0
        for index in 0..<offset where bytes[index] == UInt8(ascii: "\n") {
            line += 1
            start = index + 1
        }
        column = SourcePlace.characters(bytes[start..<offset]) + 1
        let end = bytes[offset...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
        let from = SourcePlace.whole(max(start, offset - SourcePlace.shown / 2), in: bytes)
        let to = SourcePlace.whole(min(end, offset + SourcePlace.shown / 2), in: bytes)
        excerpt = String(decoding: bytes[from..<max(from, to)], as: UTF8.self)
        caret = SourcePlace.characters(bytes[from..<max(from, offset)])
    }

    private static func characters(_ bytes: ArraySlice<UInt8>) -> Int {
        bytes.reduce(0) { $0 + ($1 & 0xC0 == 0x80 ? 0 : 1) }
    }

    /// The first offset at or behind `offset` where a character starts.
    private static func whole(_ offset: Int, in bytes: [UInt8]) -> Int {
        var offset = offset
        while offset < bytes.count, bytes[offset] & 0xC0 == 0x80 { offset += 1 }
        return offset
    }
}
