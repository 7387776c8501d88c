import JSON
import Messages
import Model
import Storage

/// A way along relations to other entities, as nodes are configured with (`rule-engine.md` 3.0).
struct RelationsQuery: Sendable {
    private struct Filter {
        var relationType: String
        /// Empty: any.
        var entityTypes: Set<EntityType>
        var isNegated: Bool
    }

    private let direction: RelationDirection
    private let maximumLevel: Int
    private let onlyLastLevel: Bool
    private let filters: [Filter]

    /// - Parameter fields: The members of the query; all of them are read.
    init(_ query: NodeConfiguration) throws(RuleNodeConfigurationError) {
        var fields = query
        (direction, maximumLevel, onlyLastLevel) = try Self.common(&fields)
        var filters: [Filter] = []
        for object in try fields.objects("filters") {
            var object = object
            filters.append(
                Filter(
                    relationType: try object.string("relationType") ?? "",
                    entityTypes: try object.entityTypes("entityTypes"),
                    isNegated: try object.bool("negate", default: false)))
            try object.end()
        }
        self.filters = filters
        try fields.end()
    }

    /// A way to devices of certain types.
    ///
    /// - Returns: The query, and the types.
    static func devices(
        _ query: NodeConfiguration
    ) throws(RuleNodeConfigurationError) -> (RelationsQuery, types: [String]) {
        var fields = query
        let (direction, level, onlyLast) = try common(&fields)
        let filter = Filter(
            relationType: try fields.string("relationType") ?? "", entityTypes: [.device], isNegated: false)
        let types = try fields.strings("deviceTypes")
        try fields.end()
        return (RelationsQuery(direction, level, onlyLast, [filter]), types)
    }

    private init(_ direction: RelationDirection, _ level: Int, _ onlyLastLevel: Bool, _ filters: [Filter]) {
        self.direction = direction
        maximumLevel = level
        self.onlyLastLevel = onlyLastLevel
        self.filters = filters
    }

    private static func common(
        _ fields: inout NodeConfiguration
    ) throws(RuleNodeConfigurationError) -> (RelationDirection, Int, Bool) {
        guard let name = try fields.string("direction"), let direction = RelationDirection(rawValue: name) else {
            throw RuleNodeConfigurationError("Relation query has no direction")
        }
        return (
            direction, try fields.integer("maxLevel", default: 1),
            try fields.bool("fetchLastLevelOnly", default: false)
        )
    }

    /// The entities that the way leads to, the nearest first.
    func entities(from originator: EntityID, on database: any StatementRunner) async throws -> [EntityID] {
        let search = RelationSearch(
            root: originator, direction: direction, maximumLevel: maximumLevel, onlyLastLevel: onlyLastLevel)
        return try await search.run(on: database).filter(admits).map { $0.target(direction) }
    }

    private func admits(_ relation: EntityRelation) -> Bool {
        filters.isEmpty
            || filters.contains { filter in
                (filter.relationType.isEmpty || (relation.type == filter.relationType) != filter.isNegated)
                    && (filter.entityTypes.isEmpty || filter.entityTypes.contains(relation.target(direction).type))
            }
    }
}

/// Whom a node reads of.
enum ReadEntity: Sendable {
    case originator
    case customer
    case tenant
    case related(RelationsQuery)
    case device(RelationsQuery, types: [String])

    /// - Throws: ``RuleNodeError`` when there is nobody.
    func find(_ message: RuleMessage, _ database: any StatementRunner) async throws -> EntityID {
        switch self {
        case .originator: return message.originator
        case .tenant: return EntityID(type: .tenant, uuid: message.tenantID.uuid)
        case .customer:
            if message.originator.type == .customer { return message.originator }
            guard let owner = try await EntityOwners(database).find(message.originator),
                owner.tenant == message.tenantID
            else { throw RuleNodeError("Originator not found") }
            guard !owner.customer.isNull else {
                throw RuleNodeError("Originator is not assigned to any customer")
            }
            return EntityID(type: .customer, uuid: owner.customer.uuid)
        case .related(let query):
            guard let entity = try await query.entities(from: message.originator, on: database).first else {
                throw RuleNodeError(
                    "Failed to find related entity to message originator using relation query specified in the "
                        + "configuration!")
            }
            return entity
        case .device(let query, let types):
            let devices = try await query.entities(from: message.originator, on: database).map(\.uuid)
            guard
                let device = try await EntityFields(database).firstDevice(
                    of: devices, types: types, tenant: message.tenantID)
            else {
                throw RuleNodeError(
                    "Failed to find related device to message originator using relation query specified in the "
                        + "configuration!")
            }
            return device
        }
    }
}

extension NodeConfiguration {
    /// Types of entities; none where it is missing.
    mutating func entityTypes(_ key: String) throws(RuleNodeConfigurationError) -> Set<EntityType> {
        var types: Set<EntityType> = []
        for name in try strings(key) {
            guard let type = EntityType(name: name) else {
                throw RuleNodeConfigurationError("unknown entity type \(name)")
            }
            types.insert(type)
        }
        return types
    }
}
