internal import HTTPServer
internal import JSON
internal import Model
internal import Storage

/// What users keep for themselves (`rest-api.md` 4.1).
struct UserSettingsEndpoints: EndpointGroup {
    let services: Services

    private static let general = "GENERAL"
    private static let open: Set<String> = [
        "GENERAL", "QUICK_LINKS", "DOC_LINKS", "DASHBOARDS", "GETTING_STARTED", "NOTIFICATIONS",
    ]
    private static let reserved: Set<String> = ["VISITED_DASHBOARDS", "MOBILE"]
    /// Bytes of one object.
    private static let maximumSize = 100_000

    var endpoints: [Endpoint] {
        let base = "/api/user/settings"
        return [
            Endpoint(.get, base, roles: .everyone, read).docs("The user's settings"),
            Endpoint(.post, base, roles: .everyone, replace).docs("Replaces the user's settings", body: .anything),
            Endpoint(.put, base, roles: .everyone, merge)
                .docs("Changes members of the user's settings", body: .anything, answer: .nothing),
            Endpoint(.get, base + "/general", roles: .everyone, read).docs("The user's settings, longer form"),
            Endpoint(.put, base + "/general", roles: .everyone, merge)
                .docs("Changes members of the user's settings, longer form", body: .anything, answer: .nothing),
            Endpoint(.get, base + "/{type}", roles: .everyone, read).docs("Settings of a type"),
            Endpoint(.put, base + "/{type}", roles: .everyone, merge)
                .docs("Changes members of settings of a type", body: .anything, answer: .nothing),
            Endpoint(.delete, base + "/{paths}", roles: .everyone, delete)
                .docs("Removes members of the user's settings", answer: .nothing),
            Endpoint(.delete, base + "/{type}/{paths}", roles: .everyone, delete)
                .docs("Removes members of settings of a type", answer: .nothing),
        ]
    }

    private func type(_ call: Call) throws(APIError) -> String {
        guard let given = call.path.value("type") else { return Self.general }
        let type = given.uppercased()
        if Self.reserved.contains(type) {
            throw .invalid("Settings with type: \(type) are reserved for internal use!")
        }
        guard Self.open.contains(type) else { throw .unsupported("Settings type", given) }
        return type
    }

    private func stored(_ type: String, _ principal: Principal) async throws -> JSONObject {
        try await services.userSettings.find(principal.userID, type: type)?.value.objectValue ?? [:]
    }

    private func save(_ settings: JSONObject, _ type: String, _ principal: Principal) async throws {
        try await services.userSettings.save(principal.userID, type: type, try checked(settings, principal))
    }

    /// The document of settings that the caller may save.
    private func checked(_ settings: JSONObject, _ principal: Principal) throws(APIError) -> RawJSON {
        if principal.isPublic { throw APIError.permissionDenied }
        for key in settings.keys where key.contains(".") || key.contains(",") {
            throw APIError.invalid("Json field name should not contain \".\" or \",\" symbols")
        }
        let document = RawJSON(JSONValue.object(settings).withoutNullCharacters)
        guard document.text.utf8.count <= Self.maximumSize else { throw APIError.invalid("The settings are too large") }
        return document
    }

    @Sendable private func read(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let settings = try await stored(try type(call), principal)
        return .json { $0.value(settings) }
    }

    @Sendable private func replace(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let settings = try call.object().members
        try await save(settings, try type(call), principal)
        return .json { $0.value(settings) }
    }

    /// Members that are given replace those that are there.
    @Sendable private func merge(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let type = try type(call)
        let changes = try call.object().members
        var settings = try await stored(type, principal)
        for (key, value) in changes { settings[key] = value }
        _ = try checked(settings, principal)
        try await services.userSettings.merge(principal.userID, type: type, try checked(changes, principal))
        return .empty(200)
    }

    @Sendable private func delete(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let type = try type(call)
        var settings = JSONValue.object(try await stored(type, principal))
        for path in call.path["paths"].split(separator: ",") {
            settings.remove(path.split(separator: ".").map(String.init)[...])
        }
        try await save(settings.objectValue ?? [:], type, principal)
        return .empty(200)
    }
}

extension JSONValue {
    /// Removes the member at the end of a path of member names, if it is there.
    fileprivate mutating func remove(_ path: ArraySlice<String>) {
        guard let first = path.first, case .object(var object) = self else { return }
        if path.count == 1 {
            object.removeValue(forKey: first)
        } else if var inner = object[first] {
            inner.remove(path.dropFirst())
            object[first] = inner
        }
        self = .object(object)
    }
}
