internal import HTTPServer
internal import JSON
internal import Model
internal import Storage

/// Bundles of widgets (`rest-api.md` 4.20).
struct WidgetsBundleEndpoints: EndpointGroup {
    let services: Services

    static let schemas = ["WidgetsBundle": "id:id(WIDGETS_BUNDLE) title:string! description:string version:integer"]

    private static let one = "/api/widgetsBundle/{widgetsBundleId}"

    var endpoints: [Endpoint] {
        [
            Endpoint(.get, "/api/widgetsBundles", roles: .everyone, list)
                .docs("Bundles of widgets: a page, or all without one", query: [.uuids("widgetsBundleIds")] + .page),
            Endpoint(.get, "/api/widgetsBundles/all", roles: .everyone, all)
                .docs("All bundles of widgets", answer: .list("WidgetsBundle")),
            Endpoint(.get, "/api/widgetsBundles/list", roles: .everyone, byIDs)
                .docs(
                    "Bundles of widgets by ids", query: [.uuids("widgetsBundleIds").required],
                    answer: .list("WidgetsBundle")),
            Endpoint(.get, Self.one, roles: .everyone, read).docs("A bundle of widgets", answer: "WidgetsBundle"),
            Endpoint(.post, "/api/widgetsBundle", roles: [.system, .tenant], save)
                .docs("Creates or changes a bundle of widgets", body: "WidgetsBundle", answer: "WidgetsBundle"),
            Endpoint(.delete, Self.one, roles: [.system, .tenant], delete)
                .docs("Deletes a bundle; its widgets stay", answer: .nothing),
            Endpoint(.post, Self.one + "/widgetTypes", roles: [.system, .tenant], setTypes)
                .docs("Makes a bundle hold widgets by ids", body: .anything, answer: .nothing),
            Endpoint(.post, Self.one + "/widgetTypeFqns", roles: [.system, .tenant], setTypesByName)
                .docs("Makes a bundle hold widgets by names", body: .anything, answer: .nothing),
        ]
    }

    private var bundles: WidgetsBundleRepository { WidgetsBundleRepository(services.database) }

    private func find(
        _ call: Call, _ principal: Principal, _ operation: Permissions.Operation
    ) async throws -> WidgetsBundle {
        let id: WidgetsBundleID = try call.id("widgetsBundleId")
        guard let found = try await bundles.find(id) else { throw APIError.notFound(.widgetsBundle, id.uuid) }
        try Permissions.requireShared(principal, operation, .widgetsBundle, tenant: found.tenantID)
        return found
    }

    // MARK: - Reading

    @Sendable private func read(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json(try await find(call, principal, .read))
    }

    @Sendable private func list(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        if call.query.first("widgetsBundleIds") != nil { return try await byIDs(call, principal) }
        if call.text("pageSize") == nil, call.text("page") == nil { return try await all(call, principal) }
        return .json(
            try await bundles.page(
                tenant: principal.tenantID, ownOnly: try call.boolean("tenantOnly") ?? false, try call.pageLink()))
    }

    @Sendable private func all(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json(try await bundles.all(tenant: principal.tenantID))
    }

    @Sendable private func byIDs(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json(try await bundles.find(try call.requiredIDs("widgetsBundleIds"), tenant: principal.tenantID))
    }

    // MARK: - Writing

    @Sendable private func save(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let body = try call.object()
        let title = try body.text("title")
        let description = try body.storedText("description")
        var validation = Validation()
        validation.text("title", title)
        validation.text("description", description, maximum: 1024)
        try validation.check()
        let checked = try Validation.name("Widgets bundle title", title)
        var bundle = WidgetsBundle(
            id: WidgetsBundleID(.ordered()), createdTime: call.now, tenantID: principal.tenantID,
            alias: try body.storedText("alias") ?? Self.alias(of: checked), title: checked)
        bundle.image = try body.storedText("image")
        bundle.description = description
        bundle.isSCADA = try body.boolean("scada") ?? false
        bundle.order = try body.integer("order").map { Int32(clamping: $0) }
        guard let id: WidgetsBundleID = try body.id("id") else {
            if try await bundles.find(alias: bundle.alias, tenant: principal.tenantID) != nil {
                bundle.alias += "_" + String(call.now)
            }
            try await bundles.insert(bundle)
            await record(.added(ActionSubject(bundle)), principal)
            return .json(bundle)
        }
        guard let stored = try await bundles.find(id) else { throw APIError.notFound(.widgetsBundle, id.uuid) }
        try Permissions.requireShared(principal, .write, .widgetsBundle, tenant: stored.tenantID)
        bundle.id = id
        let saved = try await bundles.update(bundle, replacing: try body.integer("version"))
        await record(.updated(ActionSubject(saved)), principal)
        return .json(saved)
    }

    /// Lower-case letters, digits and underscores of the title.
    private static func alias(of title: String) -> String {
        String(title.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
    }

    @Sendable private func delete(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let bundle = try await find(call, principal, .delete)
        _ = try await bundles.delete(bundle.id, tenant: bundle.tenantID)
        await record(.deleted(ActionSubject(bundle)), principal)
        return .empty(200)
    }

    private func record(_ action: EntityAction, _ principal: Principal) async {
        await services.actions.record(action, by: principal)
    }

    // MARK: - Widgets

    private static let maximumTypes = 1000

    private func texts(_ call: Call) throws(APIError) -> [String] {
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONValue.parse(call.request.body)
        } catch {
            throw .malformedBody("\(error)")
        }
        guard let list = value.arrayValue, list.count <= Self.maximumTypes else {
            throw .malformedBody("an array of up to \(Self.maximumTypes) texts is expected")
        }
        var texts: [String] = []
        for element in list {
            guard let text = element.stringValue, !text.utf8.contains(0) else {
                throw .malformedBody("texts are expected")
            }
            texts.append(text)
        }
        return texts
    }

    @Sendable private func setTypes(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let bundle = try await find(call, principal, .write)
        var ids: [UUID128] = []
        for text in try texts(call) { ids.append(try call.uuid(text)) }
        return try await setTypes(ids, of: bundle, principal)
    }

    @Sendable private func setTypesByName(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let bundle = try await find(call, principal, .write)
        let ids = try await WidgetTypeRepository(services.database).ids(
            fqns: try texts(call), tenant: bundle.tenantID)
        return try await setTypes(ids, of: bundle, principal)
    }

    private func setTypes(
        _ ids: [UUID128], of bundle: WidgetsBundle, _ principal: Principal
    ) async throws -> HTTPResponse {
        try await services.database.inTransaction { transaction in
            try await WidgetsBundleRepository(transaction).setTypes(ids, of: bundle)
        }
        await record(.updated(ActionSubject(bundle)), principal)
        return .empty(200)
    }
}

extension ActionSubject {
    init(_ bundle: WidgetsBundle) {
        self.init(bundle, tenant: bundle.tenantID, bundle.id, name: bundle.title)
    }

    init(_ type: WidgetType) {
        self.init(type, tenant: type.tenantID, type.id, name: type.name)
    }
}

extension Permissions {
    /// The check of what the platform may own: everybody reads that (`rest-api.md` 1.13).
    static func requireShared(
        _ principal: Principal, _ operation: Operation, _ type: EntityType, tenant: TenantID
    ) throws(APIError) {
        if operation == .read, tenant == .system { return }
        try require(principal, operation, type, of: Owner(tenant: tenant))
    }
}
