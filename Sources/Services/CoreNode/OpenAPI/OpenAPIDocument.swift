internal import HTTPServer
internal import JSON
internal import Model
internal import Storage

/// The OpenAPI 3 description of the API, made from the table of endpoints, so that it cannot say what is not served.
struct OpenAPIDocument {
    private let schemas: [String: String]
    private let endpoints: [Endpoint]
    private let version: String

    init(_ groups: [any EndpointGroup], version: String) {
        endpoints = groups.flatMap(\.endpoints).filter { $0.pattern.hasPrefix("/api/") }
        schemas = groups.reduce(into: OpenAPISchemas.common) { all, group in
            all.merge(type(of: group).schemas) { known, _ in known }
        }
        self.version = version
    }

    /// The document as JSON text.
    var rendered: [UInt8] {
        var paths: [String: JSONObject] = [:]
        // Two paths that differ in names of variables or in a slash at the end only are one.
        var spellings: [String: String] = [:]
        for endpoint in endpoints {
            let pattern = endpoint.pattern.hasSuffix("/") ? String(endpoint.pattern.dropLast()) : endpoint.pattern
            let names = Self.variables(in: pattern)
            let shape = Self.replacing(names.map { _ in "" }, in: pattern)
            let path = spellings[shape] ?? Self.replacing(names, in: pattern)
            spellings[shape] = path
            let spelled = Self.variables(in: path)
            paths[path, default: [:]][endpoint.method.name.lowercased()] = operation(endpoint, path, spelled)
        }
        var document: JSONObject = [
            "openapi": "3.0.3",
            "info": [
                "title": "Needletail", "version": .string(version),
                "description":
                    "The administration API. Sign in by POST /api/auth/login and send the token as X-Authorization.",
            ],
        ]
        document["security"] = [["token": []], ["key": []]]
        var ordered: JSONObject = [:]
        for path in paths.keys.sorted() { ordered[path] = .object(paths[path] ?? [:]) }
        document["paths"] = .object(ordered)
        document["components"] = .object([
            "schemas": .object(components), "securitySchemes": Self.securitySchemes,
        ])
        return Array(JSONValue.object(document).serializedString.utf8)
    }

    private static let securitySchemes: JSONValue = [
        "token": [
            "type": "apiKey", "in": "header", "name": "X-Authorization", "description": "Bearer and the access token",
        ],
        "key": ["type": "apiKey", "in": "header", "name": "Authorization", "description": "ApiKey and the key"],
    ]

    private var components: JSONObject {
        var components: JSONObject = [:]
        var missing: Set<String> = []
        for name in schemas.keys.sorted() {
            let schema = OpenAPISchemas.schema(schemas[name] ?? "")
            components[name] = schema
            missing.formUnion(Self.references(in: schema))
        }
        for endpoint in endpoints {
            for body in [endpoint.documentation?.body, endpoint.documentation?.answer] {
                switch body {
                case .named(let name)?, .page(let name)?, .list(let name)?: missing.insert(name)
                default: break
                }
            }
        }
        for name in missing.sorted() where components[name] == nil { components[name] = ["type": "object"] }
        return components
    }

    private static func references(in value: JSONValue) -> Set<String> {
        switch value {
        case .object(let object):
            if let reference = object["$ref"]?.stringValue {
                return [String(reference.split(separator: "/").last ?? "")]
            }
            return object.reduce(into: []) { $0.formUnion(references(in: $1.value)) }
        case .array(let elements): return elements.reduce(into: []) { $0.formUnion(references(in: $1)) }
        default: return []
        }
    }

    // MARK: - Operations

    /// - Parameter names: Of the path's variables, as the document spells them.
    private func operation(_ endpoint: Endpoint, _ path: String, _ names: [String]) -> JSONValue {
        let docs = endpoint.documentation ?? EndpointDocs(summary: "")
        var operation: JSONObject = [
            "tags": [.string(Self.tag(of: path))], "summary": .string(docs.summary),
            "operationId": .string(Self.operationID(endpoint.method, path)),
            "description": .string(Self.access(of: endpoint)),
        ]
        if case .open = endpoint.access { operation["security"] = [] }
        var parameters = names.map(Self.pathParameter)
        parameters += docs.query.map(Self.queryParameter)
        if !parameters.isEmpty { operation["parameters"] = .array(parameters) }
        if let body = docs.body {
            operation["requestBody"] = ["required": true, "content": content(body)]
        }
        operation["responses"] = .object(responses(docs.answer, of: endpoint))
        return .object(operation)
    }

    private static func access(of endpoint: Endpoint) -> String {
        switch endpoint.access {
        case .open: return "For everybody."
        case .limited(let scopes, _):
            return "For tokens " + scopes.map { "\($0)" }.sorted().joined(separator: ", ") + "."
        case .roles(let roles, _):
            return "For " + Authority.allCases.filter(roles.admits).map(\.rawValue).joined(separator: ", ") + "."
        }
    }

    private func responses(_ answer: SchemaReference, of endpoint: Endpoint) -> JSONObject {
        var ok: JSONObject = ["description": "Done"]
        if case .nothing = answer {} else { ok["content"] = content(answer) }
        var responses: JSONObject = ["200": .object(ok)]
        var statuses = ["400", "404", "409", "413", "429", "500", "503"]
        switch endpoint.access {
        case .open: statuses += ["401", "303", "304"]
        case .roles, .limited: statuses += ["401", "403", "304"]
        }
        // Calls of devices wait for an answer (`rest-api.md` 4.10).
        if endpoint.pattern.contains("/rpc/") || endpoint.pattern.contains("/rule-engine/") {
            statuses += ["408", "504"]
        }
        for status in statuses.sorted() {
            var response: JSONObject = ["description": .string(Self.meanings[status] ?? "")]
            if endpoint.errors == .object, status != "303", status != "304", status != "409" || endpoint.method != .get
            {
                response["content"] = ["application/json": ["schema": OpenAPISchemas.reference("ErrorObject")]]
            }
            responses[status] = .object(response)
        }
        return responses
    }

    private static let meanings = [
        "303": "Go on elsewhere", "304": "Not modified", "400": "A parameter or the body is wrong",
        "401": "Not signed in", "403": "Not permitted", "404": "Not found", "408": "No answer in time",
        "409": "Changed by someone else", "413": "The body is too large", "429": "Too many requests",
        "500": "The body is no JSON of the right form, a required parameter is missing, or the server failed",
        "503": "Busy; try again", "504": "No answer in time",
    ]

    private func content(_ body: SchemaReference) -> JSONValue {
        func json(_ schema: JSONValue) -> JSONValue { ["application/json": ["schema": schema]] }
        switch body {
        case .named(let name): return json(OpenAPISchemas.reference(name))
        case .page(let name): return json(OpenAPISchemas.page(of: OpenAPISchemas.reference(name)))
        case .list(let name): return json(["type": "array", "items": OpenAPISchemas.reference(name)])
        case .anything, .nothing: return json([:])
        case .text: return ["text/plain": ["schema": ["type": "string"]]]
        case .bytes(let type): return [type: ["schema": ["type": "string", "format": "binary"]]].asJSON
        case .form:
            return [
                "multipart/form-data": [
                    "schema": [
                        "type": "object", "required": ["file"],
                        "properties": ["file": ["type": "string", "format": "binary"]],
                    ]
                ]
            ]
        }
    }

    // MARK: - Parameters

    private static func pathParameter(_ name: String) -> JSONValue {
        var schema: JSONObject = ["type": "string"]
        if name == "entityType" {
            schema["enum"] = .array(EntityType.allCases.map { .string($0.name) })
        } else if name == "id" || name.hasSuffix("Id") {
            schema["format"] = "uuid"
        } else if name == "scope" {
            schema["enum"] = ["SERVER_SCOPE", "SHARED_SCOPE", "CLIENT_SCOPE"]
        }
        return ["name": .string(name), "in": "path", "required": true, "schema": .object(schema)]
    }

    private static func queryParameter(_ parameter: QueryParameter) -> JSONValue {
        let schema: JSONValue
        switch parameter.kind {
        case .text: schema = ["type": "string"]
        case .boolean: schema = ["type": "boolean"]
        case .uuid: schema = ["type": "string", "format": "uuid"]
        case .list: schema = ["type": "array", "items": ["type": "string"]]
        case .uuids: schema = ["type": "array", "items": ["type": "string", "format": "uuid"]]
        case .choice(let choices): schema = ["type": "string", "enum": .array(choices.map { .string($0) })]
        case .integer:
            switch parameter.name {
            case "pageSize": schema = ["type": "integer", "format": "int32", "minimum": 1, "maximum": 1000]
            case "page": schema = ["type": "integer", "format": "int32", "minimum": 0]
            default: schema = ["type": "integer", "format": "int64"]
            }
        }
        return [
            "name": .string(parameter.name), "in": "query", "required": .bool(parameter.isRequired), "schema": schema,
        ]
    }

    // MARK: - Paths

    private static func variables(in pattern: String) -> [String] {
        pattern.split(separator: "/").compactMap { segment in
            guard segment.first == "{", segment.last == "}" else { return nil }
            return String(segment.dropFirst().dropLast(segment.hasSuffix("...}") ? 4 : 1))
        }
    }

    private static func replacing(_ names: [String], in pattern: String) -> String {
        var left = names[...]
        return pattern.split(separator: "/").reduce(into: "") { path, segment in
            path += "/"
            path += segment.first == "{" ? "{\(left.popFirst() ?? "")}" : segment
        }
    }

    private static func tag(of path: String) -> String {
        path.split(separator: "/").dropFirst().first { $0.first != "{" && $0 != "plugins" }.map(String.init) ?? "api"
    }

    private static func operationID(_ method: HTTPMethod, _ path: String) -> String {
        let words = path.split(separator: "/").dropFirst().map { segment in
            let name = segment.filter { $0.isLetter || $0.isNumber }
            // Paths may differ in the case of a letter only.
            let mark = segment.first == "{" ? "By" : segment.first?.isUppercase == true ? "_" : ""
            return mark + name.prefix(1).uppercased() + name.dropFirst()
        }
        return method.name.lowercased() + words.joined()
    }
}

extension [String: JSONValue] {
    fileprivate var asJSON: JSONValue { .object(JSONObject(map { ($0.key, $0.value) })) }
}
