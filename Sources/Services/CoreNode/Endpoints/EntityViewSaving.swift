internal import HTTPServer
internal import JSON
internal import Model
internal import Storage

/// Saving entity views (`rest-api.md` 3.3, 4.7).
struct EntityViewSaving: EndpointGroup {
    let services: Services

    var endpoints: [Endpoint] {
        [
            Endpoint(.post, "/api/entityView", roles: [.tenant, .customer], save)
                .docs(
                    "Creates or changes an entity view", query: .nameConflict, body: "EntityView", answer: "EntityView")
        ]
    }

    @Sendable private func save(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let body = try call.object()
        if let id: EntityViewID = try body.id("id") { return .json(try await update(id, body, call, principal)) }
        return .json(try await create(body, call, principal))
    }

    private func create(_ body: RequestObject, _ call: Call, _ principal: Principal) async throws -> EntityView {
        let policy = try NameConflictPolicy(call)
        try Permissions.require(
            principal, .create, .entityView,
            of: Permissions.Owner(tenant: principal.tenantID, customer: principal.customerID))
        var view = try described(body, principal, now: call.now)
        view.id = EntityViewID(.ordered())
        try await services.require(view.entity, for: principal, .read)
        try await services.checkAssignable(view.customerID, of: view.tenantID, "entity view")
        let described = view
        let conflict = "Entity view with such name already exists!"
        let created = try await policy.apply(to: view.name, conflict: conflict) { name in
            var view = described
            view.name = name
            let created = view
            try await services.database.inTransaction { transaction in
                try await Services.hold(created.customerID, for: "entity view", in: transaction)
                try await EntityViewRepository(transaction).insert(created)
                try await EntityViewCopies(transaction).renew(created)
            }
            return created
        }
        await services.actions.record(.added(ActionSubject(created)), by: principal)
        return created
    }

    private func update(
        _ id: EntityViewID, _ body: RequestObject, _ call: Call, _ principal: Principal
    ) async throws -> EntityView {
        let stored = try await services.entityView(id, for: principal, .write)
        var view = try described(body, principal, now: call.now)
        view.id = id
        view.createdTime = stored.createdTime
        if principal.authority == .customerUser { view.customerID = stored.customerID }
        // Whoever may change a view must not see through it what is not theirs, nor more of it than they were shown.
        if !view.showsTheSame(as: stored) { try await services.require(view.entity, for: principal, .read) }
        try await services.checkAssignable(view.customerID, of: view.tenantID, "entity view")
        let described = view
        let version = try body.integer("version")
        let updated = try await services.database.inTransaction { transaction in
            try await Services.hold(described.customerID, for: "entity view", in: transaction)
            let updated = try await EntityViewRepository(transaction).update(described, replacing: version)
            try await EntityViewCopies(transaction).renew(updated, replacing: stored)
            return updated
        }
        await services.actions.record(.updated(ActionSubject(updated)), by: principal)
        return updated
    }

    private func described(_ body: RequestObject, _ principal: Principal, now: Int64) throws(APIError) -> EntityView {
        let name = try body.text("name")
        let type = try body.storedText("type")
        var validation = Validation()
        validation.text("name", name)
        validation.text("type", type)
        try validation.check()
        let givenName = try Validation.name("Entity view name", name)
        let givenType = try Validation.name("Entity view type", type)
        guard let entity = try body.entity("entityId") else {
            throw .invalid("Validation error: entityId must not be null")
        }
        guard entity.type == .device || entity.type == .asset else {
            throw .invalid("Entity view of a device or an asset is expected, not of \(entity.type.name)!")
        }
        let customer: CustomerID? = try body.id("customerId")
        return EntityView(
            id: .null, createdTime: now, tenantID: principal.tenantID, customerID: customer ?? .null, entity: entity,
            name: givenName, type: givenType,
            keys: try keys(body.object("keys")), startTime: try body.integer("startTimeMs") ?? 0,
            endTime: try body.integer("endTimeMs") ?? 0, externalID: try body.uuid("externalId", .entityView),
            additionalInfo: body.document("additionalInfo"))
    }

    /// The keys with what the client left out; `nil` when it named none.
    private func keys(_ body: RequestObject?) throws(APIError) -> RawJSON? {
        guard let body else { return nil }
        let attributes = try body.object("attributes")
        return RawJSON([
            "timeseries": list(try body.texts("timeseries")),
            "attributes": [
                "cs": list(try attributes?.texts("cs")), "ss": list(try attributes?.texts("ss")),
                "sh": list(try attributes?.texts("sh")),
            ],
        ])
    }

    private func list(_ texts: [String]?) -> JSONValue { .array((texts ?? []).map { .string($0) }) }
}

extension EntityView {
    /// Whether this view shows the same of the same entity.
    fileprivate func showsTheSame(as other: EntityView) -> Bool {
        entity == other.entity && startTime == other.startTime && endTime == other.endTime
            && timeseriesKeys == other.timeseriesKeys
            && AttributeScope.allCases.allSatisfy { attributeKeys($0) == other.attributeKeys($0) }
    }
}
