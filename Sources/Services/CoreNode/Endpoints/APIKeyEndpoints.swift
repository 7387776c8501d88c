internal import Crypto
internal import HTTPServer
internal import JSON
internal import Model
internal import Storage

/// Keys that stand for their users (`rest-api.md` 1.11).
struct APIKeyEndpoints: EndpointGroup {
    let services: Services

    private static let prefix = "tb_"
    private static let valueLength = 64

    static let schemas = [
        "ApiKeyRequest": "userId:id(USER)! description:string! enabled:boolean expirationTime:integer",
        "ApiKey": """
        id:id(API_KEY) createdTime:integer tenantId:id(TENANT) userId:id(USER) expirationTime:integer \
        description:string enabled:boolean expired:boolean value:string
        """,
    ]

    var endpoints: [Endpoint] {
        [
            Endpoint(.post, "/api/apiKey", roles: .everyone, create)
                .docs("Makes a key; its value is shown only now", body: "ApiKeyRequest", answer: "ApiKey"),
            Endpoint(.get, "/api/apiKeys/{userId}", roles: .everyone, list)
                .docs("The keys of a user", query: .page, answer: .page("ApiKey")),
            Endpoint(.put, "/api/apiKey/{id}/description", roles: .everyone, describe)
                .docs("Changes the description", body: .text, answer: "ApiKey"),
            Endpoint(.put, "/api/apiKey/{id}/enabled/{enabled}", roles: .everyone, enable)
                .docs("Switches a key on or off", answer: "ApiKey"),
            Endpoint(.delete, "/api/apiKey/{id}", roles: .everyone, delete)
                .docs("Deletes a key", answer: .nothing),
        ]
    }

    /// The user, if the caller may manage its keys: its own, and those of the users of an administrator.
    private func owner(_ id: UserID, for principal: Principal) async throws -> User {
        guard let user = try await services.users.find(id) else { throw APIError.notFound(.user, id.uuid) }
        switch principal.authority {
        case .systemAdministrator: return user
        case .tenantAdministrator where user.tenantID == principal.tenantID: return user
        case .tenantAdministrator, .customerUser:
            guard user.id == principal.userID else { throw APIError.permissionDenied }
            return user
        }
    }

    private func find(_ call: Call, for principal: Principal) async throws -> (APIKey, User) {
        let id = try call.uuid(call.path["id"])
        guard let key = try await services.apiKeys.find(id) else { throw APIError.notFound(.apiKey, id) }
        return (key, try await owner(key.userID, for: principal))
    }

    @Sendable private func create(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let body = try call.object()
        if let id = try body.uuid("id", .apiKey) { return try await update(id, body, call, principal) }
        guard let userID: UserID = try body.id("userId") else {
            throw APIError.invalid("Validation error: userId must not be null")
        }
        let user = try await owner(userID, for: principal)
        let expiration = try body.integer("expirationTime") ?? 0
        if expiration < 0 || expiration != 0 && expiration <= call.now {
            throw APIError.invalid("API key expiration time must be in the future!")
        }
        let key = APIKey(
            id: .ordered(), createdTime: call.now, tenantID: user.tenantID, userID: user.id,
            value: Self.prefix + SecureRandom.alphanumeric(Self.valueLength),
            isEnabled: try body.boolean("enabled") ?? true, expirationTime: expiration,
            description: try description(try body.storedText("description")))
        try await services.apiKeys.insert(key)
        await services.actions.record(.added(ActionSubject(key)), by: principal)
        return .json { key.write(to: &$0, showsValue: true, now: call.now) }
    }

    private func update(
        _ id: UUID128, _ body: RequestObject, _ call: Call, _ principal: Principal
    ) async throws -> HTTPResponse {
        guard var key = try await services.apiKeys.find(id) else { throw APIError.notFound(.apiKey, id) }
        _ = try await owner(key.userID, for: principal)
        key.description = try description(try body.storedText("description"))
        key.isEnabled = try body.boolean("enabled") ?? key.isEnabled
        return try await save(key, call, principal)
    }

    private func description(_ text: String?) throws(APIError) -> String {
        var validation = Validation()
        validation.text("description", text)
        try validation.check()
        guard let text, text.contains(where: { !$0.isWhitespace }) else {
            throw .invalid("Validation error: description must not be blank")
        }
        return text
    }

    private func save(_ key: APIKey, _ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        try await services.apiKeys.update(key)
        await services.actions.record(.updated(ActionSubject(key)), by: principal)
        return .json { key.write(to: &$0, now: call.now) }
    }

    @Sendable private func list(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let user = try await owner(try call.id("userId"), for: principal)
        let page = try await services.apiKeys.page(user: user.id, try call.pageLink())
        return .json { $0.page(page) { key, writer in key.write(to: &writer, now: call.now) } }
    }

    /// The body is the text itself, or a JSON string.
    @Sendable private func describe(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        var (key, _) = try await find(call, for: principal)
        let text = String(decoding: call.request.body, as: UTF8.self)
        let plain = (try? JSONValue.parse(text))?.stringValue ?? text
        key.description = try description(String(plain.unicodeScalars.filter { $0 != "\0" }))
        return try await save(key, call, principal)
    }

    @Sendable private func enable(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        var (key, _) = try await find(call, for: principal)
        switch call.path["enabled"] {
        case "true": key.isEnabled = true
        case "false": key.isEnabled = false
        default: throw APIError.conversion("enabledValue", call.path["enabled"], to: "boolean")
        }
        return try await save(key, call, principal)
    }

    @Sendable private func delete(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let (key, _) = try await find(call, for: principal)
        try await services.apiKeys.delete(key.id)
        await services.actions.record(.deleted(ActionSubject(key)), by: principal)
        return .empty(200)
    }
}

extension APIKey: JSONRendered {
    /// Without the value.
    func write(to writer: inout JSONWriter) { write(to: &writer, now: createdTime) }

    func write(to writer: inout JSONWriter, showsValue: Bool = false, now: Int64) {
        writer.object { writer in
            writer.id("id", .apiKey, id)
            writer.member("createdTime", createdTime)
            writer.id("tenantId", tenantID)
            writer.id("userId", userID)
            writer.member("expirationTime", expirationTime)
            writer.member("description", description)
            writer.member("enabled", isEnabled)
            writer.member("expired", isExpired(now: now))
            if showsValue { writer.member("value", value) }
        }
    }
}

extension ActionSubject {
    /// Without the key's value.
    init(_ key: APIKey) {
        self.init(tenant: key.tenantID, entity: EntityID(type: .apiKey, uuid: key.id))
        name = key.description
        var writer = JSONWriter()
        key.write(to: &writer)
        document = String(decoding: writer.bytes, as: UTF8.self)
    }
}
