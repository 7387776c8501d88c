/// One step of the walk through a document. The layout is that of `needletail_json_token` (CSimdJSON.h).
@frozen
public struct JSONToken: BitwiseCopyable, Sendable {
    @frozen
    public enum Kind: UInt8, BitwiseCopyable, Sendable {
        case objectStart, objectEnd, arrayStart, arrayEnd, key, string
        /// A number without fraction and exponent that an `Int64` holds.
        case integer
        /// Any other number.
        case number
        case `true`, `false`, null
    }

    @frozen
    public struct Flags: OptionSet, BitwiseCopyable, Sendable {
        public let rawValue: UInt8
        @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }
        /// A number written with a dot.
        @inlinable public static var hasFraction: Flags { Flags(rawValue: 1) }
        /// A number written with an exponent.
        @inlinable public static var hasExponent: Flags { Flags(rawValue: 2) }
        /// A key that follows again later in the same object, so that this member does not count.
        @inlinable public static var isShadowed: Flags { Flags(rawValue: 4) }
        /// A key or string that was written with escapes. One that was not can be written as it is.
        @inlinable public static var wasEscaped: Flags { Flags(rawValue: 8) }
    }

    public let kind: Kind
    public let flags: Flags
    /// Number: digits behind the dot, at most 65 535.
    public let fractionDigits: UInt16
    /// Key, string, number: where the text starts in the text of the tape, and how many bytes it has.
    public let offset: UInt32
    public let length: UInt32
    /// Start of a container: index of the token behind its end. End: index of its start. Key: index of its object.
    public let link: UInt32
    @usableFromInline let rawValue: Int64

    /// Of an integer.
    @inlinable public var integer: Int64 { rawValue }
    /// Of a number that is no integer: the nearest double; infinite when it is too large for one.
    @inlinable public var double: Double { Double(bitPattern: UInt64(bitPattern: rawValue)) }
    /// Start of a container: how many members it has, shadowed ones included.
    @inlinable public var memberCount: Int { Int(truncatingIfNeeded: rawValue) }
    @inlinable public var isShadowed: Bool { flags.contains(.isShadowed) }
}
