internal import JSON
internal import Model
internal import Storage

/// A JSON object that a client sent, read member by member with the right errors. Members that nobody asks for are
/// ignored.
struct RequestObject: Sendable {
    let members: JSONObject

    init(_ members: JSONObject) { self.members = members }

    /// Whether the member is there and not null.
    func contains(_ key: String) -> Bool { value(key) != nil }

    func value(_ key: String) -> JSONValue? {
        guard let value = members[key], value != .null else { return nil }
        return value
    }

    /// Text as it was sent. Numbers and booleans are taken as their text.
    func text(_ key: String) throws(APIError) -> String? {
        switch value(key) {
        case nil: return nil
        case .string(let text): return text
        case .object, .array: throw .malformedBody("text is expected in '\(key)'")
        case .some(let other): return other.serializedString
        }
    }

    /// Text without U+0000, which cannot be stored.
    func storedText(_ key: String) throws(APIError) -> String? {
        guard let text = try text(key) else { return nil }
        return text.utf8.contains(0) ? String(text.unicodeScalars.filter { $0 != "\0" }) : text
    }

    func boolean(_ key: String) throws(APIError) -> Bool? {
        guard let value = value(key) else { return nil }
        if let flag = value.boolValue { return flag }
        switch value.stringValue?.lowercased() {
        case "true": return true
        case "false": return false
        default: throw .malformedBody("true or false is expected in '\(key)'")
        }
    }

    func integer(_ key: String) throws(APIError) -> Int64? {
        guard let value = value(key) else { return nil }
        if let number = value.integerValue { return number }
        if let text = value.stringValue, let number = Int64(text) { return number }
        throw .malformedBody("a whole number is expected in '\(key)'")
    }

    func object(_ key: String) throws(APIError) -> RequestObject? {
        guard let value = value(key) else { return nil }
        guard case .object(let members) = value else { throw .malformedBody("an object is expected in '\(key)'") }
        return RequestObject(members)
    }

    /// A configuration whose member `type` says what it is: one of `types`.
    func typed(_ key: String, of types: Set<String>) throws(APIError) -> JSONValue? {
        guard let object = try object(key) else { return nil }
        guard let type = try object.text("type") else { throw .malformedBody("a type is expected in '\(key)'") }
        guard types.contains(type) else { throw .malformedBody("unknown type '\(type)' in '\(key)'") }
        return .object(object.members)
    }

    /// `{"entityType":...,"id":...}`; the type may be left out where the member implies it (`rest-api.md` 2.2).
    func id<ID: EntityIdentifier>(_ key: String) throws(APIError) -> ID? { try uuid(key, ID.entityType).map(ID.init) }

    func uuid(_ key: String, _ type: EntityType?) throws(APIError) -> UUID128? {
        guard let object = try object(key) else { return nil }
        guard let text = try object.text("id") else { return nil }
        if let type, let name = try object.text("entityType"), name != type.name {
            throw .malformedBody("entityType \(type.name) is expected in '\(key)'")
        }
        guard let uuid = UUID128(text) else { throw .malformedBody("Invalid UUID string: \(text)") }
        return uuid
    }

    /// A JSON value to be stored as it is; `nil` for null.
    func document(_ key: String) -> RawJSON? { value(key).map { RawJSON($0) } }

    /// The same for columns that refuse U+0000 in texts.
    func storedDocument(_ key: String) -> RawJSON? { value(key).map { RawJSON($0.withoutNullCharacters) } }
}

extension JSONValue {
    /// The value with U+0000 left out of all texts and keys.
    var withoutNullCharacters: JSONValue {
        switch self {
        case .string(let text):
            return text.utf8.contains(0) ? .string(String(text.unicodeScalars.filter { $0 != "\0" })) : self
        case .array(let elements): return .array(elements.map(\.withoutNullCharacters))
        case .object(let object):
            return .object(
                JSONObject(
                    object.map { member in
                        (String(member.key.unicodeScalars.filter { $0 != "\0" }), member.value.withoutNullCharacters)
                    }))
        case .null, .bool, .integer, .double, .number: return self
        }
    }
}
