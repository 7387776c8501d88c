internal import HTTPServer
internal import JSON
internal import Model
internal import Storage

/// Kinds of widgets (`rest-api.md` 4.20).
struct WidgetTypeEndpoints: EndpointGroup {
    let services: Services

    static let schemas = ["WidgetTypeDetails": "id:id(WIDGET_TYPE) fqn:string name:string! descriptor:object!"]

    private static let ofBundle: [QueryParameter] = [
        .uuid("widgetsBundleId"), .boolean("isSystem"), .text("bundleAlias"),
    ]

    var endpoints: [Endpoint] {
        [
            Endpoint(.get, "/api/widgetType", roles: .everyone, byName)
                .docs("A widget by its name", query: [.text("fqn")], answer: "WidgetType"),
            Endpoint(.get, "/api/widgetType/{widgetTypeId}", roles: [.system, .tenant], read)
                .docs("A widget with everything", answer: "WidgetTypeDetails"),
            Endpoint(.get, "/api/widgetTypeInfo/{widgetTypeId}", roles: [.system, .tenant], readInfo)
                .docs("A widget as lists show it", answer: "WidgetTypeInfo"),
            Endpoint(.post, "/api/widgetType", roles: [.system, .tenant], save)
                .docs(
                    "Creates or changes a widget", query: [.boolean("updateExistingByFqn")], body: "WidgetTypeDetails",
                    answer: "WidgetTypeDetails"),
            Endpoint(.delete, "/api/widgetType/{widgetTypeId}", roles: [.system, .tenant], delete)
                .docs("Deletes a widget", answer: .nothing),
            Endpoint(.get, "/api/widgetsBundle/{widgetsBundleId}/widgetTypes", roles: .everyone, ofPath)
                .docs("The widgets of a bundle", answer: .list("WidgetType")),
            Endpoint(.get, "/api/widgetTypes", roles: .everyone, list)
                .docs("Widgets of a bundle, or a page of all", query: Self.ofBundle),
            Endpoint(.get, "/api/widgetTypesDetails", roles: .everyone, details)
                .docs("The widgets of a bundle with everything", query: Self.ofBundle),
            Endpoint(.get, "/api/widgetTypesInfos", roles: .everyone, infos)
                .docs("The widgets of a bundle as lists show them", query: Self.ofBundle),
            Endpoint(.get, "/api/widgetTypeFqns", roles: [.system, .tenant], names)
                .docs("The names of the widgets of a bundle", query: Self.ofBundle),
        ]
    }

    private var types: WidgetTypeRepository { WidgetTypeRepository(services.database) }

    private func find(
        _ call: Call, _ principal: Principal, _ operation: Permissions.Operation
    ) async throws -> WidgetType {
        let id: WidgetTypeID = try call.id("widgetTypeId")
        guard let found = try await types.find(id) else { throw APIError.notFound(.widgetType, id.uuid) }
        try Permissions.requireShared(principal, operation, .widgetType, tenant: found.tenantID)
        return found
    }

    // MARK: - One

    @Sendable private func read(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let type = try await find(call, principal, .read)
        return .json { type.write(as: .details, to: &$0) }
    }

    @Sendable private func readInfo(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let type = try await find(call, principal, .read)
        return .json { type.write(as: .info, to: &$0) }
    }

    /// By `system.<name>` or `tenant.<name>`; the older form has the parts as parameters.
    @Sendable private func byName(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        try call.requireForm(["isSystem", "bundleAlias", "alias"], ["fqn"])
        var name: Substring
        if let fqn = call.text("fqn") {
            name = Substring(fqn)
        } else {
            let scope = try call.boolean("isSystem") ?? true ? "system" : "tenant"
            name = "\(scope).\(try call.requiredText("bundleAlias")).\(try call.requiredText("alias"))"
        }
        var tenant = principal.tenantID
        if name.hasPrefix("system.") {
            tenant = .system
            name = name.dropFirst("system.".count)
        } else if name.hasPrefix("tenant.") {
            name = name.dropFirst("tenant.".count)
        } else {
            throw APIError.invalid("Invalid fqn!")
        }
        guard let found = try await types.find(fqn: String(name), tenant: tenant) else { throw APIError.itemNotFound }
        return .json(found)
    }

    // MARK: - Lists

    /// The bundle that the query names; `nil` when it names none. One of that id need not be there: it holds nothing then.
    private func bundle(_ call: Call, _ principal: Principal) async throws -> WidgetsBundleID? {
        let bundles = WidgetsBundleRepository(services.database)
        if let id = try call.uuid(query: "widgetsBundleId").map(WidgetsBundleID.init) {
            return try await readable(id, principal)
        }
        guard let alias = call.text("bundleAlias") else { return nil }
        let isSystem = try call.boolean("isSystem") ?? true
        guard let found = try await bundles.find(alias: alias, tenant: isSystem ? .system : principal.tenantID) else {
            throw APIError.itemNotFound
        }
        return found.id
    }

    private func readable(_ id: WidgetsBundleID, _ principal: Principal) async throws -> WidgetsBundleID {
        if let found = try await WidgetsBundleRepository(services.database).find(id) {
            try Permissions.requireShared(principal, .read, .widgetsBundle, tenant: found.tenantID)
        }
        return id
    }

    private func requiredBundle(_ call: Call, _ principal: Principal) async throws -> WidgetsBundleID {
        guard let bundle = try await bundle(call, principal) else {
            try call.requireForm(["isSystem", "bundleAlias"], ["widgetsBundleId"])
            throw APIError.invalid("Parameter 'widgetsBundleId' can't be empty!")
        }
        return bundle
    }

    private func response(_ types: [WidgetType], _ form: WidgetType.Form) -> HTTPResponse {
        .json { writer in writer.array { writer in for type in types { type.write(as: form, to: &writer) } } }
    }

    @Sendable private func ofPath(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        response(try await types.all(in: try await readable(try call.id("widgetsBundleId"), principal)), .plain)
    }

    @Sendable private func list(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        if let bundle = try await bundle(call, principal) {
            return response(try await types.all(in: bundle), .plain)
        }
        try call.requireForm(["pageSize", "page"], ["isSystem", "bundleAlias"], ["widgetsBundleId"])
        return try await page(call, principal, bundle: nil)
    }

    @Sendable private func details(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        response(try await types.all(in: try await requiredBundle(call, principal)), .details)
    }

    @Sendable private func infos(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let bundle = try await requiredBundle(call, principal)
        if call.text("pageSize") != nil { return try await page(call, principal, bundle: bundle) }
        return response(try await types.all(in: bundle), .info)
    }

    private func page(
        _ call: Call, _ principal: Principal, bundle: WidgetsBundleID?
    ) async throws -> HTTPResponse {
        var filter = WidgetTypeFilter(tenant: principal.tenantID)
        filter.ownOnly = try call.boolean("tenantOnly") ?? false
        filter.bundle = bundle
        filter.kinds = call.list("widgetTypeList")
        switch call.text("deprecatedFilter") {
        case nil, "ALL": break
        case "ACTUAL": filter.isDeprecated = false
        case "DEPRECATED": filter.isDeprecated = true
        case let other?: throw APIError.conversion("deprecatedFilter", other, to: "DeprecatedFilter")
        }
        let page = try await types.page(filter, try call.pageLink())
        return .json { $0.page(page) { type, writer in type.write(as: .info, to: &writer) } }
    }

    @Sendable private func names(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let found = try await types.all(in: try await requiredBundle(call, principal))
        return .json { writer in
            writer.array { writer in
                for type in found {
                    writer.value((type.tenantID == .system ? "system." : "tenant.") + type.fqn)
                }
            }
        }
    }

    // MARK: - Writing

    @Sendable private func save(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let body = try call.object()
        var type = try parse(body, call, principal)
        var stored: WidgetType?
        if let id: WidgetTypeID = try body.id("id") {
            stored = try await types.find(id)
            if stored == nil { throw APIError.notFound(.widgetType, id.uuid) }
        } else if try call.boolean("updateExistingByFqn") ?? false {
            stored = try await types.find(fqn: type.fqn, tenant: principal.tenantID)
        }
        if let stored {
            try Permissions.requireShared(principal, .write, .widgetType, tenant: stored.tenantID)
            type.id = stored.id
            try await types.update(type, replacing: try body.integer("version"))
        } else {
            if try await types.find(fqn: type.fqn, tenant: principal.tenantID) != nil {
                throw APIError.invalid("Widget type with such fqn already exists!")
            }
            try await types.insert(type)
        }
        let saved = try await types.find(type.id) ?? type
        await services.actions.record(
            stored == nil ? .added(ActionSubject(saved)) : .updated(ActionSubject(saved)), by: principal)
        return .json { saved.write(as: .details, to: &$0) }
    }

    private func parse(
        _ body: RequestObject, _ call: Call, _ principal: Principal
    ) throws(APIError) -> WidgetType {
        let name = try body.text("name")
        let description = try body.storedText("description")
        var validation = Validation()
        validation.text("name", name)
        validation.text("description", description, maximum: 1024)
        try validation.check()
        let checked = try Validation.name("Widgets type name", name)
        guard let descriptor = body.storedDocument("descriptor"), case .object = descriptor.value else {
            throw .invalid("Widgets type descriptor can't be empty!")
        }
        let fqn = try body.storedText("fqn") ?? checked.lowercased().replacing(" ", with: "_")
        if fqn.isEmpty || fqn.utf16.count > 512 {
            throw .invalid("Validation error: fqn length must be equal or less than 512")
        }
        var type = WidgetType(
            id: WidgetTypeID(.ordered()), createdTime: call.now, tenantID: principal.tenantID, fqn: fqn, name: checked)
        type.descriptor = descriptor
        type.description = description
        type.image = try body.storedText("image")
        type.isDeprecated = try body.boolean("deprecated") ?? false
        type.isSCADA = try body.boolean("scada") ?? false
        for tag in body.value("tags")?.arrayValue ?? [] {
            guard let tag = tag.stringValue, !tag.utf8.contains(0), type.tags.count < 100 else {
                throw .invalid("Up to 100 texts are expected in 'tags'")
            }
            type.tags.append(tag)
        }
        return type
    }

    @Sendable private func delete(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let type = try await find(call, principal, .delete)
        _ = try await types.delete(type.id, tenant: type.tenantID)
        await services.actions.record(.deleted(ActionSubject(type)), by: principal)
        return .empty(200)
    }
}
