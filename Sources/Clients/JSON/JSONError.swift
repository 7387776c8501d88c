/// Why a text is not a JSON document.
public struct JSONError: Error, Equatable, Sendable {
    public enum Reason: Int, Sendable {
        /// Nothing but white space.
        case empty = 1
        case invalidUTF8
        /// A wrong escape, an unpaired surrogate or a control character in a string.
        case invalidString
        case invalidNumber
        /// A word that is none of `true`, `false` and `null`.
        case invalidLiteral
        /// A character that cannot stand where it stands.
        case unexpectedCharacter
        /// The text ends inside a value.
        case unexpectedEnd
        /// Something follows the value.
        case trailingContent
        case tooDeep
        case tooLarge
        case outOfMemory
    }

    public let reason: Reason
    /// Where it was noticed, in bytes from the start; 0 where that is not known.
    public let offset: Int

    public init(_ reason: Reason, offset: Int = 0) {
        self.reason = reason
        self.offset = offset
    }
}

extension JSONError: CustomStringConvertible {
    /// For people; contains nothing of the text itself.
    public var description: String {
        switch reason {
        case .empty: "the text is empty"
        case .invalidUTF8: "the text is not UTF-8"
        case .invalidString: "invalid string at offset \(offset)"
        case .invalidNumber: "invalid number at offset \(offset)"
        case .invalidLiteral: "unknown word at offset \(offset)"
        case .unexpectedCharacter: "unexpected character at offset \(offset)"
        case .unexpectedEnd: "unexpected end of the text"
        case .trailingContent: "unexpected content behind the value, at offset \(offset)"
        case .tooDeep: "too many levels of nesting, at offset \(offset)"
        case .tooLarge: "the text is too large"
        case .outOfMemory: "out of memory"
        }
    }
}
