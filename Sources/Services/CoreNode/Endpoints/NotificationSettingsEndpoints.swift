internal import HTTPServer
internal import JSON
internal import Model
internal import Storage

/// How a user wants to be notified (`rest-api.md` 4.20): kept for the user's profile page, by type of notification.
struct NotificationSettingsEndpoints: EndpointGroup {
    let services: Services

    static let schemas = ["UserNotificationSettings": "prefs:object!"]

    private static let settingsType = "NOTIFICATIONS"
    private static let path = "/api/notification/settings/user"
    private static let types = [
        "GENERAL", "ALARM", "DEVICE_ACTIVITY", "ENTITY_ACTION", "ALARM_COMMENT",
        "RULE_ENGINE_COMPONENT_LIFECYCLE_EVENT", "ALARM_ASSIGNMENT", "NEW_PLATFORM_VERSION", "ENTITIES_LIMIT",
        "ENTITIES_LIMIT_INCREASE_REQUEST", "API_USAGE_LIMIT", "RULE_NODE", "RATE_LIMITS", "EDGE_CONNECTION",
        "EDGE_COMMUNICATION_FAILURE", "TASK_PROCESSING_FAILURE", "RESOURCES_SHORTAGE",
    ]
    private static let methods = ["WEB", "EMAIL", "SMS", "MOBILE_APP"]

    var endpoints: [Endpoint] {
        [
            Endpoint(.get, Self.path, roles: .everyone, read)
                .docs("Which notifications the user wants, and how", answer: "UserNotificationSettings"),
            Endpoint(.post, Self.path, roles: .everyone, save)
                .docs(
                    "Sets which notifications the user wants, and how", body: "UserNotificationSettings",
                    answer: "UserNotificationSettings"),
        ]
    }

    @Sendable private func read(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let stored = try await services.userSettings.find(principal.userID, type: Self.settingsType)
        return Self.answer(stored?.value["prefs"]?.objectValue ?? [:])
    }

    @Sendable private func save(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        if principal.isPublic { throw APIError.permissionDenied }
        guard let given = try call.object().object("prefs") else { throw APIError.malformedBody("'prefs' is missing") }
        var prefs: JSONObject = [:]
        for (type, pref) in given.members {
            guard Self.types.contains(type) else {
                throw APIError.malformedBody("'\(type)' is no type of notification")
            }
            guard case .object(let members) = pref else {
                throw APIError.malformedBody("objects are expected in 'prefs'")
            }
            prefs[type] = try Self.pref(RequestObject(members))
        }
        try await services.userSettings.save(
            principal.userID, type: Self.settingsType, RawJSON(["prefs": .object(prefs)]))
        return Self.answer(prefs)
    }

    private static func pref(_ given: RequestObject) throws(APIError) -> JSONValue {
        var enabled: JSONObject = [:]
        if let chosen = try given.object("enabledDeliveryMethods") {
            for method in chosen.members.keys where !methods.contains(method) {
                throw .malformedBody("'\(method)' is no way of delivery")
            }
            for method in methods { enabled[method] = .bool(try chosen.boolean(method) ?? true) }
        }
        return ["enabled": .bool(try given.boolean("enabled") ?? true), "enabledDeliveryMethods": .object(enabled)]
    }

    /// Every type, with everything on where nothing was chosen.
    private static func answer(_ chosen: JSONObject) -> HTTPResponse {
        var prefs: JSONObject = [:]
        for type in types {
            var enabled: JSONObject = [:]
            for method in methods { enabled[method] = chosen[type]?["enabledDeliveryMethods"]?[method] ?? true }
            prefs[type] = [
                "enabled": chosen[type]?["enabled"] ?? true, "enabledDeliveryMethods": .object(enabled),
            ]
        }
        return .json { $0.value(["prefs": .object(prefs)] as JSONObject) }
    }
}
