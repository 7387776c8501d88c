public import Model
internal import Postgres

/// What relations are kept apart by (`rest-api.md` 3.3).
public enum RelationTypeGroup: String, Sendable, CaseIterable {
    case common = "COMMON"
    case dashboard = "DASHBOARD"
    case ruleChain = "RULE_CHAIN"
    case ruleNode = "RULE_NODE"
    case edge = "EDGE"
    case edgeAutoAssignRuleChain = "EDGE_AUTO_ASSIGN_RULE_CHAIN"
}

/// Which way relations are followed from an entity.
public enum RelationDirection: String, Sendable, CaseIterable {
    case from = "FROM"
    case to = "TO"
}

/// An arrow between two entities. Has no id of its own: both ends, group and type are its key.
public struct EntityRelation: Sendable, Equatable {
    public var from: EntityID
    public var to: EntityID
    public var type: String
    public var group: RelationTypeGroup
    public var additionalInfo: RawJSON?
    /// Out of one sequence for all relations.
    public var version: Int64

    public init(
        from: EntityID, to: EntityID, type: String, group: RelationTypeGroup = .common, additionalInfo: RawJSON? = nil,
        version: Int64 = 0
    ) {
        self.from = from
        self.to = to
        self.type = type
        self.group = group
        self.additionalInfo = additionalInfo
        self.version = version
    }

    static let columns = """
        from_id, from_type, to_id, to_type, relation_type_group, relation_type, additional_info, version
        """

    /// `nil` for a row of a type or group that this version does not know.
    init?(_ row: PostgresRow) {
        guard let fromID = row.id(0), let fromType = row.text(1).flatMap({ EntityType(name: $0) }),
            let toID = row.id(2), let toType = row.text(3).flatMap({ EntityType(name: $0) }),
            let group = row.text(4).flatMap(RelationTypeGroup.init)
        else { return nil }
        from = EntityID(type: fromType, uuid: fromID)
        to = EntityID(type: toType, uuid: toID)
        self.group = group
        type = row.text(5) ?? ""
        additionalInfo = row.document(6)
        version = row.int8(7) ?? 0
    }

    /// The end that a walk in `direction` arrives at.
    public func target(_ direction: RelationDirection) -> EntityID { direction == .from ? to : from }
}
