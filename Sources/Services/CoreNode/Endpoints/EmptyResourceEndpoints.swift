internal import HTTPServer
internal import JSON
internal import Model
internal import Storage

/// Lists that pages of the user interface ask for, of things that this platform does not have: nobody can make one, so
/// every list is empty (`rest-api.md` 4.11, 4.20, 4.21).
struct EmptyResourceEndpoints: EndpointGroup {
    let services: Services

    var endpoints: [Endpoint] { forPages + forAdministrators }

    private static let methods = ["WEB", "EMAIL", "SMS", "SLACK", "MICROSOFT_TEAMS", "MOBILE_APP"]
    private static let method = QueryParameter.choice("deliveryMethod", methods)

    private func checkMethod(_ call: Call) throws(APIError) {
        guard let name = call.text("deliveryMethod"), !Self.methods.contains(name) else { return }
        throw .conversion("deliveryMethod", name, to: "NotificationDeliveryMethod")
    }

    private var forPages: [Endpoint] {
        [
            Endpoint(.get, "/api/edges/enabled", roles: .everyone, no).docs("Whether edges are supported"),
            Endpoint(.get, "/api/edqs/enabled", roles: .everyone, no)
                .docs("Whether queries have a service of their own"),
            Endpoint(.get, "/api/notifications", roles: .everyone, notifications)
                .docs(
                    "Notifications of the user", query: .page + [.boolean("unreadOnly"), Self.method],
                    answer: .page("Notification")),
            Endpoint(.get, "/api/notifications/unread/count", roles: .everyone, zero)
                .docs("How many notifications of the user are not read", query: [Self.method]),
            Endpoint(.put, "/api/notifications/read", roles: .everyone, done)
                .docs("Marks all notifications of the user as read", query: [Self.method], answer: .nothing),
            Endpoint(.put, "/api/notification/{notificationId}/read", roles: .everyone, doneWithNone)
                .docs("Marks a notification as read", answer: .nothing),
            Endpoint(.delete, "/api/notification/{notificationId}", roles: .everyone, doneWithNone)
                .docs("Deletes a notification", answer: .nothing),
            Endpoint(.get, "/api/notification/deliveryMethods", roles: .everyone, list)
                .docs("The ways in which notifications are delivered"),
            Endpoint(.get, "/api/mobile/qr/settings", roles: .everyone, codes)
                .docs("Whether the home page shows a code for mobile applications"),
        ]
    }

    private var forAdministrators: [Endpoint] {
        [
            Endpoint(.get, "/api/notification/rules", roles: [.system, .tenant], page)
                .docs("Rules that make notifications", query: .page, answer: .page("NotificationRule")),
            Endpoint(.get, "/api/notification/targets", roles: [.system, .tenant], page)
                .docs("Groups of people who are notified", query: .page, answer: .page("NotificationTarget")),
            Endpoint(.get, "/api/notification/templates", roles: [.system, .tenant], page)
                .docs("Texts of notifications", query: .page, answer: .page("NotificationTemplate")),
            Endpoint(.get, "/api/notification/requests", roles: [.system, .tenant], page)
                .docs("Notifications sent by administrators", query: .page, answer: .page("NotificationRequest")),
            Endpoint(.get, "/api/notification/settings", roles: [.system, .tenant], noDelivery)
                .docs("How notifications are delivered"),
            Endpoint(.get, "/api/oauth2/client/infos", roles: [.system, .tenant], page)
                .docs("Others that users can sign in with", query: .page, answer: .page("OAuth2ClientInfo")),
            Endpoint(.get, "/api/domain/infos", roles: .system, page)
                .docs("Domains with their ways to sign in", query: .page, answer: .page("DomainInfo")),
            Endpoint(.get, "/api/edges", roles: [.tenant, .customer], edges)
                .docs("Edges", query: .page, answer: .page("Edge")),
            Endpoint(.get, "/api/edge/{edgeId}", roles: [.tenant, .customer], noEdge).docs("There is no edge"),
            Endpoint(.get, "/api/edge/info/{edgeId}", roles: [.tenant, .customer], noEdge).docs("There is no edge"),
            Endpoint(.delete, "/api/edge/{edgeId}", roles: .tenant, noEdge).docs("There is no edge"),
            Endpoint(.get, "/api/tenant/edges", roles: .tenant, tenantEdges)
                .docs("Edges of the tenant", query: .page, answer: .page("Edge")),
            Endpoint(.get, "/api/tenant/edgeInfos", roles: .tenant, page)
                .docs("Edges of the tenant with names", query: .page, answer: .page("EdgeInfo")),
            Endpoint(.get, "/api/edge/types", roles: [.tenant, .customer], list).docs("Types of edges"),
            Endpoint(.get, "/api/jobs", roles: .tenant, page)
                .docs("Background jobs", query: .page, answer: .page("Job")),
        ]
    }

    @Sendable private func noDelivery(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json(#"{"deliveryMethodsConfigs":{}}"#)
    }

    @Sendable private func no(_ call: Call, _ principal: Principal) async throws -> HTTPResponse { .json("false") }

    @Sendable private func zero(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        try checkMethod(call)
        return .json("0")
    }

    @Sendable private func notifications(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        try checkMethod(call)
        return try await page(call, principal)
    }

    @Sendable private func list(_ call: Call, _ principal: Principal) async throws -> HTTPResponse { .json("[]") }

    @Sendable private func done(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        try checkMethod(call)
        return .empty(200)
    }

    /// There is no sign-in by code.
    @Sendable private func codes(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json { writer in
            writer.object { writer in
                writer.id("tenantId", TenantID.system)
                for name in ["useDefaultApp", "androidEnabled", "iosEnabled"] as [StaticString] {
                    writer.member(name, false)
                }
                writer.key("mobileAppBundleId")
                writer.null()
                writer.key("qrCodeConfig")
                writer.object { writer in
                    writer.member("showOnHomePage", false)
                    writer.member("badgeEnabled", false)
                    writer.member("qrCodeLabelEnabled", false)
                }
            }
        }
    }

    /// Of a notification that is not there nothing is left to be read or deleted, which is no error.
    @Sendable private func doneWithNone(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        _ = try call.uuid(call.path["notificationId"])
        return .empty(200)
    }

    @Sendable private func page(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let link = try call.pageLink()
        return .json { $0.page(Page<String>(elements: [], totalElements: 0, link: link)) { _, _ in } }
    }

    @Sendable private func edges(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        try call.requireForm(["pageSize", "page"], ["edgeIds"])
        return call.query.first("edgeIds") == nil ? try await page(call, principal) : .json("[]")
    }

    /// By name, or a page of all.
    @Sendable private func tenantEdges(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        try call.requireForm(["pageSize", "page"], ["edgeName"])
        if call.query.first("edgeName") != nil { throw APIError.itemNotFound }
        return try await page(call, principal)
    }

    @Sendable private func noEdge(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        throw APIError.notFound(.edge, try call.uuid(call.path["edgeId"]))
    }
}
