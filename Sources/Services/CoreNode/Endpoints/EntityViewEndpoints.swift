internal import HTTPServer
internal import JSON
internal import Model
internal import Storage

/// Entity views: reading, listing, assigning, deleting (`rest-api.md` 4.7). Saving is in `EntityViewSaving`.
struct EntityViewEndpoints: EndpointGroup {
    let services: Services

    private static let lists: [QueryParameter] = .page + [.text("type")]

    var endpoints: [Endpoint] {
        [
            Endpoint(.get, "/api/entityView/{entityViewId}", roles: [.tenant, .customer], read)
                .docs("An entity view", answer: "EntityView"),
            Endpoint(.get, "/api/entityView/info/{entityViewId}", roles: [.tenant, .customer], readInfo)
                .docs("An entity view with its customer's title", answer: "EntityViewInfo"),
            Endpoint(.get, "/api/entityView/types", roles: [.tenant, .customer], types)
                .docs("Types that entity views have", answer: .list("EntitySubtype")),
            Endpoint(.delete, "/api/entityView/{entityViewId}", roles: .tenant, delete)
                .docs("Deletes an entity view", answer: .nothing),
            Endpoint(.get, "/api/tenant/entityViews", roles: .tenant, list)
                .docs(
                    "Entity views of the tenant", query: Self.lists + [.text("entityViewName")],
                    answer: .page("EntityView")),
            Endpoint(.get, "/api/tenant/entityView", roles: .tenant, byName)
                .docs("The entity view of a name", query: [.text("entityViewName").required], answer: "EntityView"),
            Endpoint(.get, "/api/tenant/entityViewInfos", roles: .tenant, listInfos)
                .docs("Entity views of the tenant", query: Self.lists, answer: .page("EntityViewInfo")),
            Endpoint(.get, "/api/entityViews", roles: [.tenant, .customer], byIDs)
                .docs(
                    "Entity views by their ids", query: [.uuids("entityViewIds").required],
                    answer: .list("EntityView")),
            Endpoint(.get, "/api/entityViews/list", roles: [.tenant, .customer], byIDs)
                .docs(
                    "Entity views by their ids", query: [.uuids("entityViewIds").required],
                    answer: .list("EntityView")),
            Endpoint(.post, "/api/entityViews", roles: [.tenant, .customer], search)
                .docs(
                    "Entity views that relations lead to", body: "EntityViewSearchQuery", answer: .list("EntityView")),
            Endpoint(.get, "/api/customer/{customerId}/entityViews", roles: [.tenant, .customer], listOfCustomer)
                .docs("Entity views of a customer", query: Self.lists, answer: .page("EntityView")),
            Endpoint(
                .get, "/api/customer/{customerId}/entityViewInfos", roles: [.tenant, .customer], listInfosOfCustomer
            )
            .docs("Entity views of a customer", query: Self.lists, answer: .page("EntityViewInfo")),
            Endpoint(.post, "/api/customer/{customerId}/entityView/{entityViewId}", roles: .tenant, assign)
                .docs("Assigns an entity view to a customer", answer: "EntityView"),
            Endpoint(.post, "/api/customer/public/entityView/{entityViewId}", roles: .tenant, makePublic)
                .docs("Lets everybody see an entity view", answer: "EntityView"),
            Endpoint(.delete, "/api/customer/entityView/{entityViewId}", roles: .tenant, unassign)
                .docs("Takes an entity view back from its customer", answer: "EntityView"),
        ]
    }

    static let schemas = [
        "EntityView": """
        id:id(ENTITY_VIEW) createdTime:integer tenantId:id(TENANT) customerId:id(CUSTOMER) entityId:any! name:string! \
        type:string! keys:any startTimeMs:integer endTimeMs:integer externalId:id(ENTITY_VIEW) version:integer \
        additionalInfo:any
        """
    ]

    // MARK: - One

    @Sendable private func read(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json(try await services.entityView(try call.id("entityViewId"), for: principal, .read))
    }

    @Sendable private func readInfo(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let id: EntityViewID = try call.id("entityViewId")
        guard let info = try await services.entityViews.info(id) else { throw APIError.notFound(.entityView, id.uuid) }
        try Permissions.require(principal, .read, .entityView, of: Permissions.Owner(info.view))
        return .json(info)
    }

    @Sendable private func byName(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let name = try call.requiredText("entityViewName")
        guard let view = try await services.entityViews.find(name: name, tenant: principal.tenantID) else {
            throw APIError.itemNotFound
        }
        return .json(view)
    }

    @Sendable private func delete(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let view = try await services.entityView(try call.id("entityViewId"), for: principal, .delete)
        let isDeleted = try await services.database.inTransaction { transaction in
            try await EntityViewRepository(transaction).delete(view.id, tenant: principal.tenantID)
        }
        guard isDeleted else { throw APIError.notFound(.entityView, view.id.uuid) }
        await services.actions.record(.deleted(ActionSubject(view)), by: principal)
        services.housekeeper.entityDeleted(view.id.uuid, of: view.tenantID)
        return .empty(200)
    }

    // MARK: - Lists

    /// One path for two: with `entityViewName` the view of that name.
    @Sendable private func list(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        if call.query.first("entityViewName") != nil { return try await byName(call, principal) }
        let filter = EntityViewRepository.Filter(type: call.text("type"))
        return .json(try await services.entityViews.page(tenant: principal.tenantID, filter, try call.pageLink()))
    }

    @Sendable private func listInfos(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let filter = EntityViewRepository.Filter(type: call.text("type"))
        return .json(try await services.entityViews.infoPage(tenant: principal.tenantID, filter, try call.pageLink()))
    }

    @Sendable private func listOfCustomer(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let filter = try await customerFilter(call, principal)
        return .json(try await services.entityViews.page(tenant: principal.tenantID, filter, try call.pageLink()))
    }

    @Sendable private func listInfosOfCustomer(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let filter = try await customerFilter(call, principal)
        return .json(try await services.entityViews.infoPage(tenant: principal.tenantID, filter, try call.pageLink()))
    }

    private func customerFilter(_ call: Call, _ principal: Principal) async throws -> EntityViewRepository.Filter {
        let customer = try await services.customer(try call.id("customerId"), for: principal, .read)
        return EntityViewRepository.Filter(customer: customer.id, type: call.text("type"))
    }

    @Sendable private func byIDs(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json(
            try await services.entityViews.find(
                try call.requiredIDs("entityViewIds"), tenant: principal.tenantID, customer: principal.customerFilter))
    }

    @Sendable private func search(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let query = try EntitySearchQuery(try call.object(), finding: .entityView, types: "entityViewTypes")
        let ids = try await query.run(for: principal, in: services)
        let views = try await services.entityViews.find(
            ids, tenant: principal.tenantID, customer: principal.customerFilter)
        return .json(views.filter { query.accepts(type: $0.type) })
    }

    @Sendable private func types(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let types = try await services.entityViews.types(tenant: principal.tenantID, customer: principal.customerFilter)
        return .json(types.map { EntitySubtype(tenant: principal.tenantID, entityType: .entityView, type: $0) })
    }

    // MARK: - Assigning

    @Sendable private func assign(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let customer = try await services.customer(try call.id("customerId"), for: principal, .read)
        let view = try await services.entityView(try call.id("entityViewId"), for: principal, .assignToCustomer)
        return try await assign(view, to: customer, principal)
    }

    @Sendable private func makePublic(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let view = try await services.entityView(try call.id("entityViewId"), for: principal, .assignToCustomer)
        let customer = try await services.customers.findOrCreatePublic(tenant: principal.tenantID, now: call.now)
        return try await assign(view, to: customer, principal)
    }

    private func assign(_ view: EntityView, to customer: Customer, _ principal: Principal) async throws -> HTTPResponse
    {
        let assigned = view.customerID == customer.id ? view : try await reassign(view, to: customer.id)
        await services.actions.record(
            .assigned(ActionSubject(assigned), to: customer.id, title: customer.title), by: principal)
        return .json(assigned)
    }

    @Sendable private func unassign(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let view = try await services.entityView(try call.id("entityViewId"), for: principal, .assignToCustomer)
        if view.customerID.isNull { throw APIError.invalid("Entity View isn't assigned to any customer!") }
        let former = try await services.customers.find(view.customerID)
        let updated = try await reassign(view, to: .null)
        await services.actions.record(
            .unassigned(ActionSubject(updated), from: view.customerID, title: former?.title ?? ""), by: principal)
        return .json(updated)
    }

    private func reassign(_ view: EntityView, to customer: CustomerID) async throws -> EntityView {
        let updated = try await services.entityViews.assign(view.id, tenant: view.tenantID, customer: customer)
        guard let updated else { throw APIError.notFound(.entityView, view.id.uuid) }
        return updated
    }
}

extension Services {
    /// The entity view, if the caller may do `operation` with it.
    func entityView(
        _ id: EntityViewID, for principal: Principal, _ operation: Permissions.Operation
    ) async throws -> EntityView {
        guard let view = try await entityViews.find(id) else { throw APIError.notFound(.entityView, id.uuid) }
        try Permissions.require(principal, operation, .entityView, of: Permissions.Owner(view))
        return view
    }
}

extension Permissions.Owner {
    init(_ view: EntityView) { self.init(tenant: view.tenantID, customer: view.customerID) }
}

extension ActionSubject {
    init(_ view: EntityView) {
        self.init(view, tenant: view.tenantID, view.id, customer: view.customerID, name: view.name)
    }
}
