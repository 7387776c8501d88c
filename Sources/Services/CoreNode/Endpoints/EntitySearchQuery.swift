internal import JSON
internal import Model
internal import Storage

/// A search for entities of one kind along relations: DeviceSearchQuery, AssetSearchQuery, EntityViewSearchQuery
/// (`rest-api.md` 3.2).
struct EntitySearchQuery: Sendable {
    private let search: RelationSearch
    private let relationType: String
    private let kind: EntityType
    private let types: Set<String>

    /// What relations are followed when the query does not say.
    private static let usualRelation = "Contains"

    /// A query without parameters or without types asks for nothing that could be found: 404.
    ///
    /// - Parameter types: The member with the types of entities that are wanted; an empty list means all.
    init(_ body: RequestObject, finding kind: EntityType, types: String) throws(APIError) {
        guard let parameters = try body.object("parameters"), let wanted = try body.texts(types) else {
            throw .itemNotFound
        }
        search = try RelationSearch(parameters)
        relationType = try body.text("relationType") ?? Self.usualRelation
        self.kind = kind
        self.types = Set(wanted)
    }

    func accepts(type: String) -> Bool { types.isEmpty || types.contains(type) }

    /// The ids of the entities met, of all types.
    func run(for principal: Principal, in services: Services) async throws -> [UUID128] {
        try await services.require(search.root, for: principal, .read)
        var ids: Set<UUID128> = []
        for relation in try await services.run(search) where relation.type == relationType {
            let end = relation.target(search.direction)
            if end.type == kind { ids.insert(end.uuid) }
        }
        return Array(ids)
    }
}

extension Services {
    func run(_ search: RelationSearch) async throws -> [EntityRelation] {
        do {
            return try await search.run(on: database)
        } catch RelationSearch.Failure.tooManyRelations(let limit) {
            throw APIError.invalid("The query meets more than \(limit) relations")
        }
    }
}

extension RelationSearch {
    /// `{"rootId":...,"rootType":...,"direction":...,"relationTypeGroup":...,"maxLevel":...,"fetchLastLevelOnly":...}`.
    init(_ parameters: RequestObject) throws(APIError) {
        guard let id = try parameters.text("rootId"), let uuid = UUID128(id) else {
            throw .malformedBody("a UUID is expected in 'rootId'")
        }
        guard let name = try parameters.text("rootType"), let type = EntityType(name: name) else {
            throw .malformedBody("an entity type is expected in 'rootType'")
        }
        let direction = try parameters.text("direction") ?? RelationDirection.from.rawValue
        guard let direction = RelationDirection(rawValue: direction) else {
            throw .malformedBody("FROM or TO is expected in 'direction'")
        }
        let group = try parameters.text("relationTypeGroup").flatMap(RelationTypeGroup.init(rawValue:))
        self.init(
            root: EntityID(type: type, uuid: uuid), direction: direction, group: group ?? .common,
            maximumLevel: Int(clamping: try parameters.integer("maxLevel") ?? 1),
            onlyLastLevel: try parameters.boolean("fetchLastLevelOnly") ?? false)
    }
}
