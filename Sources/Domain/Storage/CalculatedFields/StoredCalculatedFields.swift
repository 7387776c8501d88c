public import Model

/// The fields of a tenant, and what its profile allows them (`rule-engine.md` 7.4).
public struct StoredCalculatedFields: Sendable {
    public var fields: [CalculatedField] = []
    /// Values of a rolling argument; no limit when 0.
    public var rollingPoints: Int64 = 1_000
    /// Bytes of what is known of one entity; no limit when 0.
    public var stateBytes: Int64 = 32 * 1_024
    /// Bytes of a single value; no limit when 0.
    public var valueBytes: Int64 = 2 * 1_024

    public init() {}
}

/// Where an entity stands for whom fields are computed.
public struct FieldEntityPlace: Sendable, Equatable {
    /// Whose fields it has beside its own.
    public var profile: UUID128?
    public var customer: CustomerID?
    /// The way of messages about it.
    public var route: MessageRoute

    public init(profile: UUID128?, customer: CustomerID?, route: MessageRoute) {
        self.profile = profile
        self.customer = customer
        self.route = route
    }
}
