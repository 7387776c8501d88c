internal import JSON
internal import Model

/// Schemas of bodies, out of the short form that ``EndpointGroup/schemas`` has: `name:type`, separated by spaces; `!` behind
/// the type marks what a client must send.
///
/// | type | is |
/// |---|---|
/// | `string`, `integer`, `number`, `boolean`, `object`, `array` | as in JSON |
/// | `any` | any JSON value |
/// | `id(DEVICE)`, `id` | the id of an entity of that type, or of any |
/// | `choice(A\|B)` | one of these texts |
/// | anything else | the schema of that name |
///
/// All but what must be sent may be `null`: that is how absent values are written (`rest-api.md` 2.1).
enum OpenAPISchemas {
    /// Used by every endpoint.
    static let common: [String: String] = [
        "ErrorObject": "status:integer! message:string! errorCode:integer! timestamp:integer!"
    ]

    /// The schema of a body in the short form.
    static func schema(_ members: String) -> JSONValue {
        var properties: JSONObject = [:]
        var required: [JSONValue] = []
        for member in members.split(whereSeparator: \.isWhitespace) {
            guard let colon = member.firstIndex(of: ":") else { preconditionFailure("no type in \(member)") }
            let name = String(member[..<colon])
            var type = member[member.index(after: colon)...]
            let isRequired = type.last == "!"
            if isRequired {
                type = type.dropLast()
                required.append(.string(name))
            }
            properties[name] = property(String(type), isNullable: !isRequired)
        }
        var schema: JSONObject = ["type": "object", "properties": .object(properties)]
        if !required.isEmpty { schema["required"] = .array(required) }
        return .object(schema)
    }

    private static func property(_ type: String, isNullable: Bool) -> JSONValue {
        var schema: JSONObject
        switch type {
        case "any": return [:]
        case "integer": schema = ["type": "integer", "format": "int64"]
        case "string", "number", "boolean", "object": schema = ["type": .string(type)]
        case "array": schema = ["type": "array", "items": [:]]
        case _ where type == "id" || type.hasPrefix("id("):
            schema = identifier(String(type.dropFirst(3).dropLast(type == "id" ? 0 : 1)))
        case _ where type.hasPrefix("choice("):
            let choices = type.dropFirst(7).dropLast().split(separator: "|").map { JSONValue.string(String($0)) }
            schema = ["type": "string", "enum": .array(choices + (isNullable ? [.null] : []))]
        default: return reference(type)
        }
        if isNullable { schema["nullable"] = true }
        return .object(schema)
    }

    private static func identifier(_ type: String) -> JSONObject {
        let types = type.isEmpty ? EntityType.allCases.map(\.name) : [type]
        return [
            "type": "object", "required": ["entityType", "id"],
            "properties": [
                "entityType": ["type": "string", "enum": .array(types.map { .string($0) })],
                "id": ["type": "string", "format": "uuid"],
            ],
        ]
    }

    static func reference(_ name: String) -> JSONValue { ["$ref": .string("#/components/schemas/" + name)] }

    /// The schema of a page of something.
    static func page(of element: JSONValue) -> JSONValue {
        [
            "type": "object", "required": ["data", "totalPages", "totalElements", "hasNext"],
            "properties": [
                "data": ["type": "array", "items": element],
                "totalPages": ["type": "integer"], "totalElements": ["type": "integer"],
                "hasNext": ["type": "boolean"],
            ],
        ]
    }
}
