/// The tokens of one document, in the order of the text, with the text that they refer to.
///
/// Lent by a ``JSONParser``; pointers into it end with the closure it was lent to. Walk it with an index: the value at
/// `index` ends in front of ``behindValue(at:)``.
public struct JSONTape: ~Copyable {
    @usableFromInline let tokens: UnsafePointer<JSONToken>
    /// Number of tokens, at least one.
    public let count: Int
    /// The text that offsets of tokens refer to: a copy of the document in which escaped strings have been decoded in
    /// their places.
    public let text: UnsafeBufferPointer<UInt8>

    @inlinable
    init(tokens: UnsafePointer<JSONToken>, count: Int, text: UnsafeBufferPointer<UInt8>) {
        self.tokens = tokens
        self.count = count
        self.text = text
    }

    @inlinable
    public subscript(index: Int) -> JSONToken {
        @inline(__always) get {
            precondition(UInt(bitPattern: index) < UInt(bitPattern: count), "token beyond the end of the document")
            return tokens[index]
        }
    }

    /// The decoded text of a key or string, or the text of a number as it was written.
    @inlinable
    public func text(of token: JSONToken) -> UnsafeBufferPointer<UInt8> {
        precondition(Int(token.offset) + Int(token.length) <= text.count, "token of another document")
        return UnsafeBufferPointer(start: text.baseAddress! + Int(token.offset), count: Int(token.length))
    }

    /// The same as a string; allocates when it has more than 15 bytes.
    public func string(of token: JSONToken) -> String {
        String(decoding: text(of: token), as: UTF8.self)
    }

    /// Index of the token behind the value that starts at `index`.
    @inlinable
    public func behindValue(at index: Int) -> Int {
        let token = self[index]
        return token.kind == .objectStart || token.kind == .arrayStart ? Int(token.link) : index + 1
    }

    /// Compares the text of `token` with `word`.
    @inlinable
    public func text(of token: JSONToken, equals word: StaticString) -> Bool {
        guard Int(token.length) == word.utf8CodeUnitCount else { return false }
        let bytes = text(of: token)
        for index in 0..<bytes.count where bytes[index] != word.utf8Start[index] { return false }
        return true
    }
}

extension JSONTape {
    /// Appends the value at `index` as compact JSON text, without members whose key follows again. Numbers stay as they
    /// were written.
    public func appendCompact(valueAt index: Int, to bytes: inout [UInt8]) {
        let end = behindValue(at: index)
        var index = index
        var needsComma = false
        while index < end {
            let token = self[index]
            index += 1
            if token.isShadowed {
                index = behindValue(at: index)
                continue
            }
            if needsComma, token.kind != .objectEnd, token.kind != .arrayEnd { bytes.append(UInt8(ascii: ",")) }
            needsComma = true
            switch token.kind {
            case .objectStart:
                bytes.append(UInt8(ascii: "{"))
                needsComma = false
            case .arrayStart:
                bytes.append(UInt8(ascii: "["))
                needsComma = false
            case .key:
                appendQuoted(token, to: &bytes)
                bytes.append(UInt8(ascii: ":"))
                needsComma = false
            case .objectEnd: bytes.append(UInt8(ascii: "}"))
            case .arrayEnd: bytes.append(UInt8(ascii: "]"))
            case .string: appendQuoted(token, to: &bytes)
            case .integer, .number: bytes.append(contentsOf: text(of: token))
            case .true: bytes.append(utf8: "true")
            case .false: bytes.append(utf8: "false")
            case .null: bytes.append(utf8: "null")
            }
        }
    }

    private func appendQuoted(_ token: JSONToken, to bytes: inout [UInt8]) {
        if token.flags.contains(.wasEscaped) {
            JSONText.appendQuoted(text(of: token), to: &bytes)
        } else {
            JSONText.appendUnescaped(text(of: token), comma: false, colon: false, to: &bytes)
        }
    }
}
