public import JSON

/// What scripts return, read as their use demands (`rule-engine.md` 3.2, 3.5, 6.1).
public struct ScriptResults: Sendable {
    private let language: ScriptLanguage

    public init(_ language: ScriptLanguage) {
        self.language = language
    }

    public func boolean(_ value: JSONValue) throws(ScriptError) -> Bool {
        guard let boolean = value.boolValue else { throw wrongType(value) }
        return boolean
    }

    /// Each label once, in order.
    public func labels(_ value: JSONValue) throws(ScriptError) -> [String] {
        if let label = value.stringValue { return [label] }
        guard let elements = value.arrayValue else { throw wrongType(value) }
        var labels: [String] = []
        for element in elements {
            guard let label = element.stringValue else { throw wrongType(element) }
            if !labels.contains(label) { labels.append(label) }
        }
        return labels
    }

    /// - Parameter input: Has what the script does not say.
    public func messages(_ value: JSONValue, of input: ScriptMessage) throws(ScriptError) -> [ScriptMessage] {
        switch value {
        case .object: return [try message(value, of: input)]
        case .array(let elements):
            var messages: [ScriptMessage] = []
            for element in elements {
                // A list of what no message is gives copies of the input, but not in TBEL.
                if language == .tbel, element.objectValue == nil { throw wrongType(element) }
                messages.append(try message(element, of: input))
            }
            return messages
        case .null, .bool, .integer, .double, .number, .string: throw wrongType(value)
        }
    }

    /// - Parameter input: Has what the script does not say.
    public func generated(_ value: JSONValue, of input: ScriptMessage) throws(ScriptError) -> ScriptMessage {
        guard value.objectValue != nil else { throw wrongType(value) }
        return try message(value, of: input)
    }

    /// Text; other values of TBEL become JSON.
    public func text(_ value: JSONValue) throws(ScriptError) -> String {
        if let text = value.stringValue { return text }
        guard language == .tbel else { throw wrongType(value) }
        return Self.json(value)
    }

    public static func json(_ value: JSONValue) -> String {
        String(decoding: value.serialized(), as: UTF8.self)
    }

    private func message(_ value: JSONValue, of input: ScriptMessage) throws(ScriptError) -> ScriptMessage {
        var message = input
        if let data = value["msg"] { message.data = Self.json(data) }
        if let metadata = value["metadata"], metadata != .null { message.metadata = try self.metadata(metadata) }
        switch value["msgType"] {
        case .string(let type): if !type.isEmpty { message.type = type }
        case .null: if language == .javaScript { message.type = "null" }
        case let other?: message.type = Self.json(other)
        case nil: break
        }
        return message
    }

    /// Numbers and booleans become text, `null` is left out.
    private func metadata(_ value: JSONValue) throws(ScriptError) -> [String: String] {
        guard let object = value.objectValue else { throw .runtime("Metadata is not an object: \(Self.json(value))") }
        var metadata: [String: String] = [:]
        for (key, value) in object {
            switch value {
            case .null: break
            case .string(let text): metadata[key] = text
            case .bool, .integer, .double, .number: metadata[key] = Self.json(value)
            case .array, .object:
                guard language == .tbel else {
                    throw .runtime("Metadata value of '\(key)' is not a text: \(Self.json(value))")
                }
                metadata[key] = Self.json(value)
            }
        }
        return metadata
    }

    private func wrongType(_ value: JSONValue) -> ScriptError {
        .runtime("Wrong result type: \(language == .tbel ? Self.javaName(value) : Self.nodeName(value))")
    }

    /// As the JSON library of the original calls types.
    private static func nodeName(_ value: JSONValue) -> String {
        switch value {
        case .null: "NULL"
        case .bool: "BOOLEAN"
        case .integer, .double, .number: "NUMBER"
        case .string: "STRING"
        case .array: "ARRAY"
        case .object: "OBJECT"
        }
    }

    /// As TBEL calls types.
    private static func javaName(_ value: JSONValue) -> String {
        switch value {
        case .null: "null"
        case .bool: "Boolean"
        case .integer(let number): Int32(exactly: number) == nil ? "Long" : "Integer"
        case .double, .number: "Double"
        case .string: "String"
        case .array: "ExecutionArrayList"
        case .object: "ExecutionHashMap"
        }
    }
}
