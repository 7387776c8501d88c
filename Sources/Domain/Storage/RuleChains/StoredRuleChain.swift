public import Model
internal import Postgres

/// A rule chain as the API shows it, without its nodes (`rule-engine.md` 2.1).
public struct StoredRuleChain: Sendable {
    /// Which engine runs a chain.
    public enum Kind: String, Sendable {
        case core = "CORE"
        /// Edited here, run by an edge.
        case edge = "EDGE"
    }

    public var id: RuleChainID
    public var createdTime: Int64
    public var tenantID: TenantID
    public var name: String
    public var kind: Kind
    public var firstRuleNodeID: RuleNodeID?
    /// Takes the messages that name no chain; one of a tenant and kind is.
    public var isRoot: Bool
    public var debugMode: Bool
    public var configuration: RawJSON?
    public var additionalInfo: RawJSON?
    public var externalID: UUID128?
    public var version: Int64

    public init(id: RuleChainID, createdTime: Int64, tenantID: TenantID, name: String, kind: Kind = .core) {
        self.id = id
        self.createdTime = createdTime
        self.tenantID = tenantID
        self.name = name
        self.kind = kind
        isRoot = false
        debugMode = false
        version = 1
    }

    static let columns = """
        id, created_time, tenant_id, name, type, first_rule_node_id, root, debug_mode, configuration, additional_info, \
        external_id, version
        """

    init(_ row: PostgresRow) {
        id = row.entity(0)
        createdTime = row.int8(1) ?? 0
        tenantID = row.entity(2)
        name = row.text(3) ?? ""
        kind = Kind(rawValue: row.text(4) ?? "") ?? .core
        firstRuleNodeID = row.id(5).map { RuleNodeID($0) }
        isRoot = row.bool(6) ?? false
        debugMode = row.bool(7) ?? false
        configuration = row.document(8)
        additionalInfo = row.document(9)
        externalID = row.id(10)
        version = row.int8(11) ?? 1
    }
}

/// One node of a stored chain with everything that an editor needs (`rule-engine.md` 2.3).
public struct StoredRuleNode: Sendable {
    public var id: RuleNodeID
    public var createdTime: Int64
    /// The implementation's class name.
    public var type: String
    /// Empty for a node without one.
    public var name: String
    public var configuration: RawJSON?
    public var configurationVersion: Int32
    public var debugSettings: RawJSON?
    public var isSingleton: Bool
    public var queueName: String?
    public var additionalInfo: RawJSON?
    public var externalID: UUID128?

    public init(id: RuleNodeID, createdTime: Int64, type: String, name: String) {
        self.id = id
        self.createdTime = createdTime
        self.type = type
        self.name = name
        configurationVersion = 0
        isSingleton = false
    }

    static let columns = """
        id, created_time, type, name, configuration, configuration_version, debug_settings, singleton_mode, \
        queue_name, additional_info, external_id
        """

    init(_ row: PostgresRow) {
        id = row.entity(0)
        createdTime = row.int8(1) ?? 0
        type = row.text(2) ?? ""
        name = row.text(3) ?? ""
        configuration = row.document(4)
        configurationVersion = row.int4(5) ?? 0
        debugSettings = row.document(6)
        isSingleton = row.bool(7) ?? false
        queueName = row.text(8)
        additionalInfo = row.document(9)
        externalID = row.id(10)
    }
}

/// The nodes of a chain in order, and the connections between their positions (`rule-engine.md` 2.2).
public struct RuleChainGraph: Sendable {
    public struct Connection: Sendable, Hashable {
        public var from: Int
        public var to: Int
        public var label: String

        public init(from: Int, to: Int, label: String) {
            self.from = from
            self.to = to
            self.label = label
        }
    }

    public var nodes: [StoredRuleNode]
    public var connections: [Connection]
    public var firstNodeIndex: Int?
    /// A JSON array of what editors show beside the nodes; `nil` for none.
    public var notes: RawJSON?

    public init(nodes: [StoredRuleNode], connections: [Connection], firstNodeIndex: Int?, notes: RawJSON? = nil) {
        self.nodes = nodes
        self.connections = connections
        self.firstNodeIndex = firstNodeIndex
        self.notes = notes
    }

    /// Why a graph cannot be saved.
    public enum Problem: Error, Equatable, Sendable {
        case indexOutOfRange(Int)
        case connectedToItself
        case circle
    }

    /// Checks that indices exist and that no way leads back to where it began (`rule-engine.md` 2.6).
    public func check() throws(Problem) {
        var successors = [[Int]](repeating: [], count: nodes.count)
        if let firstNodeIndex, !nodes.indices.contains(firstNodeIndex) { throw .indexOutOfRange(firstNodeIndex) }
        for connection in connections {
            for index in [connection.from, connection.to] where !nodes.indices.contains(index) {
                throw .indexOutOfRange(index)
            }
            if connection.from == connection.to { throw .connectedToItself }
            successors[connection.from].append(connection.to)
        }
        if Self.hasCircle(successors) { throw .circle }
    }

    /// Takes nodes without predecessors away until none is left; what stays lies on circles or behind them.
    private static func hasCircle(_ successors: [[Int]]) -> Bool {
        var incoming = [Int](repeating: 0, count: successors.count)
        for target in successors.joined() { incoming[target] += 1 }
        var free = incoming.indices.filter { incoming[$0] == 0 }
        var removed = 0
        while let node = free.popLast() {
            removed += 1
            for target in successors[node] {
                incoming[target] -= 1
                if incoming[target] == 0 { free.append(target) }
            }
        }
        return removed < successors.count
    }
}
