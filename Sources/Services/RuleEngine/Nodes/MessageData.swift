import JSON
import Messages

extension MessagePayload {
    /// The data as JSON; `nil` when it is none.
    var json: JSONValue? { try? JSONValue.parse(Array(text.utf8)) }

    /// The data, if it is an object.
    var object: JSONObject? { json?.objectValue }
}

extension RuleMessage {
    /// The same message with other data.
    func with(data: JSONValue) -> RuleMessage {
        var message = self
        message.payload = .text(data.serializedString)
        return message
    }

    /// The same message with other metadata.
    func with(metadata: [String: String]) -> RuleMessage {
        var message = self
        message.metadata = MessageMetadata(metadata)
        return message
    }
}

/// One of the two places where messages have values (`rule-engine.md` 3.0).
enum MessagePart: String {
    case data = "DATA"
    case metadata = "METADATA"
}

extension NodeConfiguration {
    /// The place that a setting names.
    mutating func part(_ key: String) throws(RuleNodeConfigurationError) -> MessagePart {
        guard let name = try string(key) else {
            throw RuleNodeConfigurationError("\(key) can't be null! Allowed values: [DATA, METADATA]")
        }
        guard let part = MessagePart(rawValue: name) else {
            throw RuleNodeConfigurationError("\(key) has the unknown value \(name). Allowed values: [DATA, METADATA]")
        }
        return part
    }
}
