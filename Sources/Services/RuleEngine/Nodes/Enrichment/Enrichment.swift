import JSON
import Messages
import Storage
import Telemetry

/// Where a node puts what it has read (`rule-engine.md` 3.0).
struct EnrichmentTarget: Sendable {
    private let part: MessagePart

    init(_ fields: inout NodeConfiguration) throws(RuleNodeConfigurationError) {
        part = try fields.part("fetchTo")
    }

    var isData: Bool { part == .data }

    /// Begins to change a message.
    ///
    /// - Throws: ``RuleNodeError`` when the data cannot take members.
    func begin(_ message: RuleMessage) throws(RuleNodeError) -> Enrichment {
        switch part {
        case .metadata: return Enrichment(message: message, isData: false)
        case .data:
            guard let object = message.payload.object else { throw RuleNodeError("Message body is not an object!") }
            return Enrichment(message: message, isData: true, object: object)
        }
    }
}

/// A message that gets values.
struct Enrichment: Sendable {
    private let message: RuleMessage
    private let isData: Bool
    private var object = JSONObject()
    private var metadata: [String: String] = [:]

    init(message: RuleMessage, isData: Bool, object: JSONObject = JSONObject()) {
        self.message = message
        self.isData = isData
        self.object = object
        if !isData { metadata = message.metadata.dictionary }
    }

    mutating func put(_ key: String, _ value: JSONValue) {
        if isData { object[key] = value } else { metadata[key] = value.metadataText }
    }

    mutating func put(_ key: String, _ value: TelemetryValue) {
        if isData { object[key] = value.jsonValue } else { metadata[key] = value.text }
    }

    mutating func put(_ key: String, text: String) {
        if isData { object[key] = .string(text) } else { metadata[key] = text }
    }

    var enriched: RuleMessage {
        isData ? message.with(data: .object(object)) : message.with(metadata: metadata)
    }
}

extension JSONValue {
    /// As metadata has it: a text without its quotes.
    var metadataText: String { stringValue ?? serializedString }
}
