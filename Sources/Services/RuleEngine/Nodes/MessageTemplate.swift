import JSON
import Messages
import ScriptEngine

/// A text of a configuration with places for values of a message (`rule-engine.md` 3.1): `${key}` of its metadata, then
/// `$[a.b]` of its data; `*` stands for all. What is missing stays as it is written.
struct MessageTemplate {
    let text: String

    init(_ text: String) { self.text = text }

    /// - Throws: ``RuleNodeError`` when the data is no JSON.
    func filled(_ message: RuleMessage) throws(RuleNodeError) -> String {
        guard let data = message.payload.json else { throw RuleNodeError("Failed to process pattern!") }
        return filled(metadata: message.metadata, data: data)
    }

    func filled(metadata: MessageMetadata, data: JSONValue) -> String {
        guard text.utf8.contains(UInt8(ascii: "$")) else { return text }
        let first = Self.replace(text, open: "{", close: "}") { key in
            key == "*" ? JavaScriptText.metadata(metadata.dictionary) : metadata[key]
        }
        return Self.replace(first, open: "[", close: "]") { path in
            path == "*" ? data.serializedString : Self.value(path, of: data)
        }
    }

    /// The value at a path of names with dots between them, if it is a plain one.
    private static func value(_ path: String, of data: JSONValue) -> String? {
        var value = data
        for name in path.split(separator: ".", omittingEmptySubsequences: false) {
            guard let member = value.objectValue?[String(name)] else { return nil }
            value = member
        }
        switch value {
        case .object, .array: return nil
        default: return value.stringValue ?? value.serializedString
        }
    }

    private static func replace(
        _ text: String, open: Character, close: Character, _ value: (String) -> String?
    ) -> String {
        var result = ""
        var rest = text[...]
        while let dollar = rest.firstIndex(of: "$") {
            result += rest[..<dollar]
            let behind = rest.index(after: dollar)
            guard behind < rest.endIndex, rest[behind] == open,
                let end = rest[behind...].firstIndex(of: close),
                let found = value(String(rest[rest.index(after: behind)..<end]))
            else {
                result.append("$")
                rest = rest[behind...]
                continue
            }
            result += found
            rest = rest[rest.index(after: end)...]
        }
        return result + rest
    }
}
