/// Why the bytes of a record are no message.
public enum WireError: Error, Sendable, Equatable {
    /// Not protobuf, or not this message.
    case malformed
    /// A field that the message cannot do without.
    case missing(String)
    /// A field with a value that it cannot have.
    case invalid(String)
    /// A valid envelope with nothing in it that this release knows.
    case unknown
}

extension WireError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .malformed: "the bytes are no such message"
        case .missing(let field): "field \(field) is missing"
        case .invalid(let field): "field \(field) has a value that it cannot have"
        case .unknown: "the message holds nothing that this release knows"
        }
    }
}
