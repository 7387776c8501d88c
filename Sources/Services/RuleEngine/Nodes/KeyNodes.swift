import JSON
import Messages

/// Patterns of the keys that a node works on: one of them must match.
private struct KeyPatterns {
    private let patterns: [KeyPattern]

    init(_ fields: inout NodeConfiguration) throws(RuleNodeConfigurationError) {
        var patterns: [KeyPattern] = []
        for text in try fields.strings("keys") { patterns.append(try KeyPattern(text)) }
        self.patterns = patterns
    }

    func match(_ key: String) -> Bool { patterns.contains { $0.matches(key) } }
}

/// "copy key-value pairs" (`rule-engine.md` 3.5): between data and metadata.
final class CopyKeysNode: RuleNode {
    static let type = "org.thingsboard.rule.engine.transform.TbCopyKeysNode"
    static let order: NodeOrder = .free
    static let configurationVersion = 2

    private let source: MessagePart
    private let keys: KeyPatterns

    init(configuration: JSONValue, context: RuleNodeContext) throws(RuleNodeConfigurationError) {
        var fields = try NodeConfiguration(configuration)
        source = try fields.part("copyFrom")
        keys = try KeyPatterns(&fields)
        try fields.end()
    }

    func process(_ message: RuleMessage, _ context: RuleNodeContext) -> NodeOutcome {
        guard let data = message.payload.json else { return .failure(message, "Message body is not JSON!") }
        guard var object = data.objectValue else { return .next(message, .success) }
        var metadata = message.metadata.dictionary
        switch source {
        case .metadata:
            let copied = metadata.keys.filter(keys.match).sorted()
            if copied.isEmpty { return .next(message, .success) }
            for key in copied { object[key] = .string(metadata[key] ?? "") }
            return .next(message.with(data: .object(object)), .success)
        case .data:
            for (key, value) in object where keys.match(key) {
                metadata[key] = value.stringValue ?? value.serializedString
            }
            return .next(message.with(metadata: metadata), .success)
        }
    }
}

/// "delete key-value pairs" (`rule-engine.md` 3.5): of data or metadata.
final class DeleteKeysNode: RuleNode {
    static let type = "org.thingsboard.rule.engine.transform.TbDeleteKeysNode"
    static let order: NodeOrder = .free
    static let configurationVersion = 2

    private let part: MessagePart
    private let keys: KeyPatterns

    init(configuration: JSONValue, context: RuleNodeContext) throws(RuleNodeConfigurationError) {
        var fields = try NodeConfiguration(configuration)
        part = try fields.part("deleteFrom")
        keys = try KeyPatterns(&fields)
        try fields.end()
    }

    func process(_ message: RuleMessage, _ context: RuleNodeContext) -> NodeOutcome {
        switch part {
        case .metadata:
            return .next(
                message.with(metadata: message.metadata.dictionary.filter { !keys.match($0.key) }), .success)
        case .data:
            guard let data = message.payload.json else { return .failure(message, "Message body is not JSON!") }
            guard let object = data.objectValue else { return .next(message, .success) }
            let kept = object.filter { !keys.match($0.key) }
            if kept.count == object.count { return .next(message, .success) }
            return .next(message.with(data: .object(JSONObject(kept.map { ($0.key, $0.value) }))), .success)
        }
    }
}

/// "rename keys" (`rule-engine.md` 3.5): exact names, of data or metadata.
final class RenameKeysNode: RuleNode {
    static let type = "org.thingsboard.rule.engine.transform.TbRenameKeysNode"
    static let order: NodeOrder = .free
    static let configurationVersion = 2

    private let part: MessagePart
    private let names: [(old: String, new: String)]

    init(configuration: JSONValue, context: RuleNodeContext) throws(RuleNodeConfigurationError) {
        var fields = try NodeConfiguration(configuration)
        part = try fields.part("renameIn")
        names = try fields.mapping("renameKeysMapping").map { ($0.key, $0.value) }
        try fields.end()
    }

    func process(_ message: RuleMessage, _ context: RuleNodeContext) -> NodeOutcome {
        switch part {
        case .metadata:
            var metadata = message.metadata.dictionary
            for (old, new) in names {
                guard let value = metadata[old] else { continue }
                metadata[new] = value
                metadata[old] = nil
            }
            return .next(message.with(metadata: metadata), .success)
        case .data:
            guard let data = message.payload.json else { return .failure(message, "Message body is not JSON!") }
            guard var object = data.objectValue else { return .next(message, .success) }
            for (old, new) in names {
                guard let value = object[old] else { continue }
                object[new] = value
                // A key that is renamed to itself goes.
                object.removeValue(forKey: old)
            }
            return .next(message.with(data: .object(object)), .success)
        }
    }
}

/// "split array msg" (`rule-engine.md` 3.5): each element becomes a message.
final class SplitArrayNode: RuleNode {
    static let type = "org.thingsboard.rule.engine.transform.TbSplitArrayMsgNode"
    static let order: NodeOrder = .free

    init(configuration: JSONValue, context: RuleNodeContext) throws(RuleNodeConfigurationError) {
        try NodeConfiguration(configuration).end()
    }

    func process(_ message: RuleMessage, _ context: RuleNodeContext) -> NodeOutcome {
        guard let elements = message.payload.json?.arrayValue else {
            return .failure(message, "Msg data is not a JSON Array!")
        }
        switch elements.count {
        case 0: return .acknowledge(message)
        case 1: return .next(message.with(data: elements[0]), .success)
        default: return .split(message, into: elements.map { message.with(data: $0) }, .success)
        }
    }
}
