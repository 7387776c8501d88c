internal import HTTPServer
internal import JSON
internal import Model
internal import Storage

/// Single relations: saving, reading, deleting (`rest-api.md` 4.8). Lists are in `RelationLists`.
struct RelationEndpoints: EndpointGroup {
    let services: Services

    private static let key: [QueryParameter] = [
        .uuid("fromId").required, .text("fromType").required, .text("relationType").required,
        .text("relationTypeGroup"), .uuid("toId").required, .text("toType").required,
    ]

    var endpoints: [Endpoint] {
        [
            Endpoint(.post, "/api/relation", roles: .everyone, save)
                .docs("Creates or replaces a relation", body: "EntityRelation", answer: .nothing),
            Endpoint(.post, "/api/v2/relation", roles: .everyone, saveReturning)
                .docs("Creates or replaces a relation", body: "EntityRelation", answer: "EntityRelation"),
            Endpoint(.delete, "/api/relation", roles: .everyone, delete)
                .docs("Deletes a relation", query: Self.key, answer: .nothing),
            Endpoint(.delete, "/api/v2/relation", roles: .everyone, deleteReturning)
                .docs("Deletes a relation", query: Self.key, answer: "EntityRelation"),
            Endpoint(.delete, "/api/relations", roles: .everyone, deleteAll)
                .docs(
                    "Deletes all relations of an entity",
                    query: [.uuid("entityId").required, .text("entityType").required], answer: .nothing),
            Endpoint(.get, "/api/relation", roles: .everyone, read)
                .docs("A relation", query: Self.key, answer: "EntityRelation"),
        ]
    }

    static let schemas = [
        "EntityRelation": """
        from:any! to:any! type:string! typeGroup:string version:integer additionalInfo:any
        """
    ]

    // MARK: - Saving

    @Sendable private func save(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        _ = try await saved(call, principal)
        return .empty(200)
    }

    @Sendable private func saveReturning(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json(try await saved(call, principal))
    }

    private func saved(_ call: Call, _ principal: Principal) async throws -> EntityRelation {
        let body = try call.object()
        let from = try await end(body.entity("from"), principal)
        let to = try await end(body.entity("to"), principal)
        let saved = try await services.relations.save(try described(body, from: from, to: to))
        await services.actions.record(
            .relation(.relationAddOrUpdate, tenant: principal.tenantID, from: saved.from, to: saved.to, saved),
            by: principal)
        return saved
    }

    /// An end of the relation, which has to be the caller's to change.
    private func end(_ entity: EntityID?, _ principal: Principal) async throws -> EntityID {
        guard let entity else { throw APIError.invalid("Parameter entityId can't be empty!") }
        try await requireWriting(entity, principal)
        return entity
    }

    private func described(
        _ body: RequestObject, from: EntityID, to: EntityID
    ) throws(APIError) -> EntityRelation {
        let type = try body.storedText("type")
        var validation = Validation()
        validation.text("type", type)
        try validation.check()
        guard let type, type.contains(where: { !$0.isWhitespace }) else {
            throw .invalid("Relation type should be specified!")
        }
        let name = try body.text("typeGroup") ?? RelationTypeGroup.common.rawValue
        guard let group = RelationTypeGroup(rawValue: name) else { throw .malformedBody("unknown typeGroup '\(name)'") }
        return EntityRelation(
            from: from, to: to, type: type, group: group, additionalInfo: body.document("additionalInfo"))
    }

    /// Both ends of a relation have to be the caller's to change; a tenant administrator may tie things to the tenant.
    private func requireWriting(_ entity: EntityID, _ principal: Principal) async throws {
        if principal.authority == .tenantAdministrator, entity == principal.tenantID.entityID { return }
        try await services.require(entity, for: principal, .write)
    }

    // MARK: - Reading and deleting

    /// The key of a relation out of the query.
    private func key(_ call: Call) throws(APIError) -> EntityRelation {
        let from = try call.entity(id: "fromId", type: "fromType")
        let type = try call.requiredText("relationType")
        if type.isEmpty { throw .invalid("Parameter 'relationType' can't be empty!") }
        let to = try call.entity(id: "toId", type: "toType")
        return EntityRelation(from: from, to: to, type: type, group: call.relationTypeGroup)
    }

    @Sendable private func read(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let key = try key(call)
        try await services.require(key.from, for: principal, .read)
        try await services.require(key.to, for: principal, .read)
        guard let relation = try await services.relations.find(key) else { throw APIError.itemNotFound }
        return .json(relation)
    }

    @Sendable private func delete(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        _ = try await deleted(call, principal)
        return .empty(200)
    }

    @Sendable private func deleteReturning(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json(try await deleted(call, principal))
    }

    private func deleted(_ call: Call, _ principal: Principal) async throws -> EntityRelation {
        let key = try key(call)
        try await requireWriting(key.from, principal)
        try await requireWriting(key.to, principal)
        guard let deleted = try await services.relations.delete(key) else { throw APIError.itemNotFound }
        await services.actions.record(
            .relation(.relationDeleted, tenant: principal.tenantID, from: deleted.from, to: deleted.to, deleted),
            by: principal)
        return deleted
    }

    @Sendable private func deleteAll(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let entity = try call.entity(id: "entityId", type: "entityType")
        try await requireWriting(entity, principal)
        try await services.relations.deleteAll(of: entity, group: .common)
        await services.actions.record(
            .relationsDeleted(ActionSubject(tenant: principal.tenantID, entity: entity)), by: principal)
        return .empty(200)
    }
}

extension Call {
    /// What is not recognised means the common group (`rest-api.md` 4.8).
    var relationTypeGroup: RelationTypeGroup {
        text("relationTypeGroup").flatMap(RelationTypeGroup.init(rawValue:)) ?? .common
    }
}
