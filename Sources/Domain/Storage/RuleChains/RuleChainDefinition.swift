public import JSON
public import Model

/// A rule chain as it is stored: its nodes and the connections between them (`rule-engine.md` 2).
public struct RuleChainDefinition: Sendable {
    public var id: RuleChainID
    public var tenantID: TenantID
    public var name: String
    public var isRoot: Bool
    public var firstNodeID: RuleNodeID?
    public var nodes: [RuleNodeDefinition]
    public var connections: [RuleNodeConnection]

    public init(
        id: RuleChainID, tenantID: TenantID, name: String, isRoot: Bool, firstNodeID: RuleNodeID?,
        nodes: [RuleNodeDefinition], connections: [RuleNodeConnection]
    ) {
        self.id = id
        self.tenantID = tenantID
        self.name = name
        self.isRoot = isRoot
        self.firstNodeID = firstNodeID
        self.nodes = nodes
        self.connections = connections
    }
}

/// One node of a stored rule chain.
public struct RuleNodeDefinition: Sendable {
    public var id: RuleNodeID
    /// The implementation's class name, for example `org.thingsboard.rule.engine.action.TbLogNode`.
    public var type: String
    public var name: String
    /// Version of the configuration's form.
    public var configurationVersion: Int
    public var configuration: JSONValue
    public var debug: RuleNodeDebugSettings
    /// The queue that it sends messages to, where it sends any; `nil`: `Main`.
    public var queueName: String?

    public init(
        id: RuleNodeID, type: String, name: String, configurationVersion: Int, configuration: JSONValue,
        debug: RuleNodeDebugSettings = RuleNodeDebugSettings(), queueName: String? = nil
    ) {
        self.id = id
        self.type = type
        self.name = name
        self.configurationVersion = configurationVersion
        self.configuration = configuration
        self.debug = debug
        self.queueName = queueName
    }
}

/// Which of a node's messages are noted as events (`rule-engine.md` 2.3, 5.10).
public struct RuleNodeDebugSettings: Sendable, Equatable {
    /// Those that leave it along `Failure`.
    public var failures: Bool
    /// Until then all of them; milliseconds since 1970.
    public var allUntil: Int64

    public init(failures: Bool = false, allUntil: Int64 = 0) {
        self.failures = failures
        self.allUntil = allUntil
    }

    /// - Parameter settings: `debugSettings` as they are stored.
    init(_ settings: RawJSON?) {
        let settings = settings?.value
        self.init(
            failures: settings?["failuresEnabled"]?.boolValue ?? false,
            allUntil: settings?["allEnabledUntil"]?.integerValue ?? 0)
    }
}

/// A connection between two nodes of one chain.
public struct RuleNodeConnection: Sendable, Hashable {
    public var from: RuleNodeID
    public var to: RuleNodeID
    /// Compared without regard to case.
    public var label: String

    public init(from: RuleNodeID, to: RuleNodeID, label: String) {
        self.from = from
        self.to = to
        self.label = label
    }
}

/// Where the rule engine gets a tenant's chains from.
public protocol RuleChainSource: Sendable {
    /// Every chain of type CORE of the tenant.
    func ruleChains(of tenant: TenantID) async throws -> [RuleChainDefinition]

    /// The chain that the profile of a device or an asset names; `nil` for none, and for any other entity.
    func defaultChain(of originator: EntityID) async throws -> RuleChainID?

    /// What the tenant may use.
    func features(of tenant: TenantID) async throws -> TenantFeatures

    /// The tenants whose chains have nodes of any of these types.
    func tenants(withNodes types: [String]) async throws -> [TenantID]

    /// What is calculated for entities of the tenant.
    func calculatedFields(of tenant: TenantID) async throws -> StoredCalculatedFields
}

extension RuleChainSource {
    public func features(of tenant: TenantID) async throws -> TenantFeatures { TenantFeatures() }
    public func tenants(withNodes types: [String]) async throws -> [TenantID] { [] }

    public func calculatedFields(of tenant: TenantID) async throws -> StoredCalculatedFields {
        StoredCalculatedFields()
    }
}
