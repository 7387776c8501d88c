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

    public init(id: RuleNodeID, type: String, name: String, configurationVersion: Int, configuration: JSONValue) {
        self.id = id
        self.type = type
        self.name = name
        self.configurationVersion = configurationVersion
        self.configuration = configuration
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
}
