public import Model

/// A value that a field computes with (`rule-engine.md` 7.4).
public struct FieldArgument: Sendable, Equatable {
    public enum Source: Sendable, Equatable {
        case latest
        case attribute(AttributeScope)
        /// At most `limit` values that are not older than `window` milliseconds; no limit of its own when 0.
        case rolling(limit: Int, window: Int64)
    }

    public var name: String
    /// Whose value it is; `nil` for the entity that the field is computed for.
    public var entity: EntityID?
    public var key: String
    public var source: Source
    /// Taken where there is no value.
    public var defaultValue: String?

    public init(
        name: String, entity: EntityID? = nil, key: String, source: Source = .latest, defaultValue: String? = nil
    ) {
        self.name = name
        self.entity = entity
        self.key = key
        self.source = source
        self.defaultValue = defaultValue
    }

    var isRolling: Bool {
        if case .rolling = source { true } else { false }
    }
}
