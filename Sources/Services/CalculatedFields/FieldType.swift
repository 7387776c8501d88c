public import Model

/// What a calculated field computes (`rule-engine.md` 7.3).
public enum FieldType: String, Sendable, CaseIterable {
    case simple = "SIMPLE"
    case script = "SCRIPT"
    case geofencing = "GEOFENCING"
    case alarm = "ALARM"
    case propagation = "PROPAGATION"
    case relatedEntitiesAggregation = "RELATED_ENTITIES_AGGREGATION"
    case entityAggregation = "ENTITY_AGGREGATION"

    /// Whether this platform computes it.
    public var isSupported: Bool {
        switch self {
        case .simple, .script, .alarm: true
        case .geofencing, .propagation, .relatedEntitiesAggregation, .entityAggregation: false
        }
    }

    /// Whether entities of that type may have such fields.
    public func suits(_ type: EntityType) -> Bool {
        switch type {
        case .device, .asset, .deviceProfile, .assetProfile: true
        case .customer: self == .alarm
        default: false
        }
    }

    /// Entities that may have fields.
    public static let entityTypes: [EntityType] = [.device, .asset, .deviceProfile, .assetProfile, .customer]
}

/// Why a configuration cannot be used.
public enum FieldError: Error, Sendable, Equatable {
    /// It has not the shape that it must have.
    case malformed(String)
    /// Members are missing, or say what they must not; told together, in the order of the alphabet.
    case violations([String])
    /// It breaks a rule; the text is for the user.
    case invalid(String)
}
