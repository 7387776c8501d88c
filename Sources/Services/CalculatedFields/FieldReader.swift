import JSON
import Model

/// Reads members of a configuration with the right errors: what has not the right type is malformed, what is missing is
/// gathered and told together.
struct FieldReader {
    let members: JSONObject
    let path: String

    init(_ value: JSONValue?, _ path: String) throws(FieldError) {
        guard let members = value?.objectValue else { throw .malformed("an object is expected in '\(path)'") }
        self.members = members
        self.path = path
    }

    func value(_ key: String) -> JSONValue? {
        guard let value = members[key], value != .null else { return nil }
        return value
    }

    func object(_ key: String) throws(FieldError) -> FieldReader? {
        guard let value = value(key) else { return nil }
        return try FieldReader(value, "\(path).\(key)")
    }

    func text(_ key: String) throws(FieldError) -> String? {
        switch value(key) {
        case nil: return nil
        case .string(let text): return text
        case .object, .array: throw wrong("text", key)
        case .some(let other): return other.serializedString
        }
    }

    func integer(_ key: String) throws(FieldError) -> Int64? {
        guard let value = value(key) else { return nil }
        if let number = value.integerValue { return number }
        if let text = value.stringValue, let number = Int64(text) { return number }
        throw wrong("a whole number", key)
    }

    func boolean(_ key: String) throws(FieldError) -> Bool? {
        guard let value = value(key) else { return nil }
        if let flag = value.boolValue { return flag }
        switch value.stringValue?.lowercased() {
        case "true": return true
        case "false": return false
        default: throw wrong("true or false", key)
        }
    }

    func elements(_ key: String) throws(FieldError) -> [JSONValue]? {
        guard let value = value(key) else { return nil }
        guard let elements = value.arrayValue else { throw wrong("a list", key) }
        return elements
    }

    /// One of the words of an enumeration.
    func word<Word: RawRepresentable<String>>(_ key: String, _ type: Word.Type = Word.self) throws(FieldError) -> Word?
    {
        guard let text = try text(key) else { return nil }
        guard let word = Word(rawValue: text) else { throw .malformed("unknown value '\(text)' in '\(path).\(key)'") }
        return word
    }

    /// `{"entityType":...,"id":...}`.
    func entity(_ key: String) throws(FieldError) -> EntityID? {
        guard let object = try object(key) else { return nil }
        guard let name = try object.text("entityType"), let type = EntityType(name: name) else {
            throw .malformed("an entityType is expected in '\(path).\(key)'")
        }
        guard let text = try object.text("id"), let uuid = UUID128(text) else {
            throw .malformed("a UUID is expected in '\(path).\(key)'")
        }
        return EntityID(type: type, uuid: uuid)
    }

    func scope(_ key: String) throws(FieldError) -> AttributeScope? {
        guard let text = try text(key) else { return nil }
        guard let scope = AttributeScope(name: text) else {
            throw .malformed("unknown value '\(text)' in '\(path).\(key)'")
        }
        return scope
    }

    private func wrong(_ expected: String, _ key: String) -> FieldError {
        .malformed("\(expected) is expected in '\(path).\(key)'")
    }
}
