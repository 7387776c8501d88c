internal import HTTPServer
internal import JSON
internal import Model
internal import Storage

/// Lists of relations, and searches along them (`rest-api.md` 4.8). Relations whose other end the caller may not read are
/// left out.
struct RelationLists: EndpointGroup {
    let services: Services

    private static let ends: [QueryParameter] = [
        .uuid("fromId"), .text("fromType"), .uuid("toId"), .text("toType"), .text("relationTypeGroup"),
    ]
    private static let group: [QueryParameter] = [.text("relationTypeGroup")]

    var endpoints: [Endpoint] {
        [
            Endpoint(.get, "/api/relations", roles: .everyone, list)
                .docs(
                    "Relations from or to an entity", query: Self.ends + [.text("relationType")],
                    answer: .list("EntityRelation")),
            Endpoint(.get, "/api/relations/info", roles: .everyone, listInfos)
                .docs("Relations with names", query: Self.ends, answer: .list("EntityRelationInfo")),
            Endpoint(.get, "/api/relations/from/{fromType}/{fromId}", roles: .everyone, listFrom)
                .docs("Relations from an entity", query: Self.group, answer: .list("EntityRelation")),
            Endpoint(.get, "/api/relations/from/{fromType}/{fromId}/{relationType}", roles: .everyone, listFrom)
                .docs("Relations of a type from an entity", query: Self.group, answer: .list("EntityRelation")),
            Endpoint(.get, "/api/relations/to/{toType}/{toId}", roles: .everyone, listTo)
                .docs("Relations to an entity", query: Self.group, answer: .list("EntityRelation")),
            Endpoint(.get, "/api/relations/to/{toType}/{toId}/{relationType}", roles: .everyone, listTo)
                .docs("Relations of a type to an entity", query: Self.group, answer: .list("EntityRelation")),
            Endpoint(.get, "/api/relations/info/from/{fromType}/{fromId}", roles: .everyone, listInfosFrom)
                .docs("Relations from an entity, with names", query: Self.group, answer: .list("EntityRelationInfo")),
            Endpoint(.get, "/api/relations/info/to/{toType}/{toId}", roles: .everyone, listInfosTo)
                .docs("Relations to an entity, with names", query: Self.group, answer: .list("EntityRelationInfo")),
            Endpoint(.post, "/api/relations", roles: .everyone, search)
                .docs("Relations along a way", body: "EntityRelationsQuery", answer: .list("EntityRelation")),
            Endpoint(.post, "/api/relations/info", roles: .everyone, searchInfos)
                .docs(
                    "Relations along a way, with names", body: "EntityRelationsQuery",
                    answer: .list("EntityRelationInfo")),
        ]
    }

    // MARK: - Around one entity

    /// The older form: which parameters are there decides about the direction.
    private func ends(_ call: Call) throws(APIError) -> (EntityID, RelationDirection) {
        try call.requireForm(["fromId", "fromType"], ["toId", "toType"])
        if call.query.first("fromId") != nil, call.query.first("fromType") != nil {
            return (try call.entity(id: "fromId", type: "fromType"), .from)
        }
        return (try call.entity(id: "toId", type: "toType"), .to)
    }

    private func relations(
        of entity: EntityID, _ direction: RelationDirection, type: String?, _ call: Call, _ principal: Principal
    ) async throws -> [EntityRelation] {
        try await services.require(entity, for: principal, .read)
        let limit = RelationSearch.mostRelations
        let relations = try await services.relations.list(
            of: entity, direction, group: call.relationTypeGroup, type: type, limit: limit + 1)
        if relations.count > limit { throw APIError.invalid("The entity has more than \(limit) relations") }
        return try await readable(relations, principal)
    }

    private func readable(_ relations: [EntityRelation], _ principal: Principal) async throws -> [EntityRelation] {
        let readable = try await services.readable(relations.flatMap { [$0.from, $0.to] }, for: principal)
        return relations.filter { readable.contains($0.from) && readable.contains($0.to) }
    }

    /// With the name of the end that is not asked about.
    private func infos(
        _ relations: [EntityRelation], _ direction: RelationDirection
    ) async throws -> [EntityRelationInfo] {
        let names = try await EntityNames(services.database).find(relations.map { $0.target(direction) })
        return relations.map { relation in
            let name = names[relation.target(direction)]
            return EntityRelationInfo(
                relation: relation, fromName: direction == .to ? name : nil, toName: direction == .from ? name : nil)
        }
    }

    @Sendable private func list(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let (entity, direction) = try ends(call)
        return .json(
            try await relations(of: entity, direction, type: call.text("relationType"), call, principal))
    }

    @Sendable private func listInfos(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let (entity, direction) = try ends(call)
        let relations = try await relations(of: entity, direction, type: nil, call, principal)
        return .json(try await infos(relations, direction))
    }

    @Sendable private func listFrom(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let entity = try call.entity(pathID: "fromId", type: "fromType")
        return .json(
            try await relations(of: entity, .from, type: call.path.value("relationType"), call, principal))
    }

    @Sendable private func listTo(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let entity = try call.entity(pathID: "toId", type: "toType")
        return .json(try await relations(of: entity, .to, type: call.path.value("relationType"), call, principal))
    }

    @Sendable private func listInfosFrom(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let entity = try call.entity(pathID: "fromId", type: "fromType")
        return .json(try await infos(try await relations(of: entity, .from, type: nil, call, principal), .from))
    }

    @Sendable private func listInfosTo(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let entity = try call.entity(pathID: "toId", type: "toType")
        return .json(try await infos(try await relations(of: entity, .to, type: nil, call, principal), .to))
    }

    // MARK: - Along a way

    @Sendable private func search(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json(try await found(call, principal).relations)
    }

    @Sendable private func searchInfos(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let found = try await found(call, principal)
        return .json(try await infos(found.relations, found.direction))
    }

    private func found(
        _ call: Call, _ principal: Principal
    ) async throws -> (relations: [EntityRelation], direction: RelationDirection) {
        let body = try call.object()
        // An empty list of filters means all relations, none at all means that there is nothing to be found.
        guard let parameters = try body.object("parameters"), let given = body.value("filters") else {
            throw APIError.itemNotFound
        }
        let search = try RelationSearch(parameters)
        let filters = try RelationFilter.list(given)
        try await services.require(search.root, for: principal, .read)
        let relations = try await services.run(search).filter { relation in
            filters.isEmpty || filters.contains { $0.matches(relation, search.direction) }
        }
        return (try await readable(relations, principal), search.direction)
    }
}

/// One of the filters of an EntityRelationsQuery: a relation that any of them lets through is found.
struct RelationFilter: Sendable {
    /// `nil` for any.
    var relationType: String?
    /// Empty for any.
    var entityTypes: Set<String>
    var isNegated: Bool

    static func list(_ value: JSONValue) throws(APIError) -> [RelationFilter] {
        guard let elements = value.arrayValue else { throw .malformedBody("a list is expected in 'filters'") }
        var filters: [RelationFilter] = []
        for element in elements {
            guard let members = element.objectValue else { throw .malformedBody("objects are expected in 'filters'") }
            let object = RequestObject(members)
            let type = try object.text("relationType")
            filters.append(
                RelationFilter(
                    relationType: type == "" ? nil : type, entityTypes: Set(try object.texts("entityTypes") ?? []),
                    isNegated: try object.boolean("negate") ?? false))
        }
        return filters
    }

    func matches(_ relation: EntityRelation, _ direction: RelationDirection) -> Bool {
        if let relationType, (relation.type == relationType) == isNegated { return false }
        return entityTypes.isEmpty || entityTypes.contains(relation.target(direction).type.name)
    }
}
