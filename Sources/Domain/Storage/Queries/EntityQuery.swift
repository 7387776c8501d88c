public import Model

/// A question for entities by what they are, what is known of them, and how they hang together (`rest-api.md` 4.15).
public struct EntityQuery: Sendable {
    public var scope: EntityQueryScope
    public var filter: EntityFilter
    /// All must hold, or one of them.
    public var keyFilters: [KeyFilter] = []
    public var isAnyKeyFilterEnough = false
    /// What is told of each entity.
    public var fields: [EntityKey] = []
    /// A part of any of the fields, without regard to case.
    public var textSearch: String?
    public var sort: Sort?

    public struct Sort: Sendable {
        public var key: EntityKey
        public var descending: Bool

        public init(key: EntityKey, descending: Bool) {
            self.key = key
            self.descending = descending
        }
    }

    public init(scope: EntityQueryScope, filter: EntityFilter) {
        self.scope = scope
        self.filter = filter
    }
}

/// Whose entities may be found.
public enum EntityQueryScope: Sendable {
    /// Tenants, and what belongs to the platform.
    case system
    case tenant(TenantID)
    case customer(TenantID, CustomerID)

    /// Whether entities of a type can be queried.
    public static func knows(_ type: EntityType) -> Bool { EntitySource.knows(type) }

    var tenant: TenantID {
        switch self {
        case .system: .system
        case .tenant(let tenant), .customer(let tenant, _): tenant
        }
    }
}

/// Which entities are meant.
public enum EntityFilter: Sendable {
    case list(EntityType, [UUID128])
    /// A prefix of the name, or a pattern when it has a `%`.
    case name(EntityType, String)
    case type(EntityType)
    /// Those of some types (profiles), whose names begin so.
    case subtypes(EntityType, [String], name: String)
    /// The usage state of the tenant, or of a customer.
    case usageState(CustomerID?)
    case related(RelatedSearch)
}

/// Entities that relations lead to.
public struct RelatedSearch: Sendable {
    public struct Step: Sendable {
        /// `nil`: any.
        public var relationType: String?
        /// Empty: any.
        public var entityTypes: [EntityType]
        /// Whether relations of any other type are meant.
        public var isNegated: Bool

        public init(relationType: String?, entityTypes: [EntityType], isNegated: Bool = false) {
            self.relationType = relationType
            self.entityTypes = entityTypes
            self.isNegated = isNegated
        }
    }

    public var roots: [EntityID]
    /// Whether relations are followed from the root on, or towards it.
    public var isFrom: Bool
    /// At least 1.
    public var maximumLevel: Int
    public var onlyLastLevel: Bool
    /// One of them must hold of the relation that leads to the entity; empty: every relation does.
    public var steps: [Step]
    /// Only entities of these profiles; empty: all.
    public var subtypes: [String]

    /// As deep as relations are ever followed (`persistence.md` 12.4).
    public static let deepest = 50

    public init(
        roots: [EntityID], isFrom: Bool, maximumLevel: Int, onlyLastLevel: Bool, steps: [Step], subtypes: [String] = []
    ) {
        self.roots = roots
        self.isFrom = isFrom
        self.maximumLevel = maximumLevel <= 0 ? Self.deepest : min(maximumLevel, Self.deepest)
        self.onlyLastLevel = onlyLastLevel
        self.steps = steps
        self.subtypes = subtypes
    }
}

/// Something that is known of an entity.
public struct EntityKey: Sendable, Hashable {
    public enum Kind: String, Sendable, CaseIterable {
        case field = "ENTITY_FIELD"
        /// The first of client, shared and server attribute.
        case attribute = "ATTRIBUTE"
        case clientAttribute = "CLIENT_ATTRIBUTE"
        case sharedAttribute = "SHARED_ATTRIBUTE"
        case serverAttribute = "SERVER_ATTRIBUTE"
        /// The latest value.
        case timeSeries = "TIME_SERIES"

        var scope: AttributeScope? {
            switch self {
            case .clientAttribute: .client
            case .sharedAttribute: .shared
            case .serverAttribute: .server
            case .field, .attribute, .timeSeries: nil
            }
        }
    }

    public var kind: Kind
    public var name: String

    public init(_ kind: Kind, _ name: String) {
        self.kind = kind
        self.name = name
    }
}

/// A condition on what is known of an entity. An entity of which it is not known does not fulfil any.
public struct KeyFilter: Sendable {
    public var key: EntityKey
    public var predicate: KeyPredicate

    public init(key: EntityKey, predicate: KeyPredicate) {
        self.key = key
        self.predicate = predicate
    }
}

public indirect enum KeyPredicate: Sendable {
    public enum TextOperation: String, Sendable {
        case equal = "EQUAL"
        case notEqual = "NOT_EQUAL"
        case startsWith = "STARTS_WITH"
        case endsWith = "ENDS_WITH"
        case contains = "CONTAINS"
        case notContains = "NOT_CONTAINS"
        case isIn = "IN"
        case isNotIn = "NOT_IN"
    }

    public enum NumberOperation: String, Sendable {
        case equal = "EQUAL"
        case notEqual = "NOT_EQUAL"
        case greater = "GREATER"
        case less = "LESS"
        case greaterOrEqual = "GREATER_OR_EQUAL"
        case lessOrEqual = "LESS_OR_EQUAL"
    }

    /// An empty value is no condition.
    case text(TextOperation, String, ignoresCase: Bool)
    case number(NumberOperation, Double)
    case boolean(isEqual: Bool, Bool)
    case all([KeyPredicate])
    case any([KeyPredicate])
}

/// What is known of a key of one entity.
public struct KnownValue: Sendable, Equatable {
    /// Milliseconds since 1970; 0 when nothing is known.
    public var timestamp: Int64
    public var text: String

    public init(timestamp: Int64, text: String) {
        self.timestamp = timestamp
        self.text = text
    }
}

/// One entity that a query found.
public struct FoundEntity: Sendable {
    public var entity: EntityID
    /// In the order of the query's fields.
    public var values: [KnownValue]
}
