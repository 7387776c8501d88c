public import JSON

/// A JSON value kept as text: stored, and sent as it is, without being read.
public struct RawJSON: Sendable, Equatable {
    public let text: String

    /// - Parameter text: Well-formed JSON.
    public init(wellFormed text: String) { self.text = text }

    public init(_ value: JSONValue) { text = value.serializedString }

    /// The value; `null` should the text be damaged.
    public var value: JSONValue { (try? JSONValue.parse(text)) ?? .null }
}
