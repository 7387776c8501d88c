public import Model
internal import Postgres

/// A rule chain before it belongs to a tenant: nodes, and connections between their positions.
public struct RuleChainTemplate: Sendable {
    public struct Node: Sendable {
        /// The class name that identifies the kind of node.
        public var type: String
        public var name: String
        public var configurationVersion: Int32
        /// JSON.
        public var configuration: String
        public var layoutX: Int
        public var layoutY: Int
    }

    public struct Connection: Sendable {
        public var from: Int
        public var to: Int
        public var label: String
    }

    public var nodes: [Node]
    public var connections: [Connection]
    public var firstNodeIndex: Int
}

/// A rule chain of a tenant, as statements: the chain, its nodes, and its connections as relations.
public struct RuleChainCreation: Sendable {
    public let ruleChainID: RuleChainID
    /// In the order of the template.
    public let nodeIDs: [RuleNodeID]
    public let statements: [SQLStatement]

    /// - Parameters:
    ///   - type: `CORE` or `EDGE`.
    ///   - isRoot: At most one chain of a tenant and type may be.
    public init(
        _ template: RuleChainTemplate, tenantID: TenantID, name: String, type: String = "CORE", isRoot: Bool,
        additionalInfo: String?, clock: inout EntityClock
    ) {
        let (chainID, time) = clock.tick()
        let nodes = template.nodes.map { node in (node, clock.tick()) }
        ruleChainID = RuleChainID(chainID)
        nodeIDs = nodes.map { RuleNodeID($0.1.id) }
        var statements = [
            SQLStatement(
                """
                INSERT INTO rule_chain (id, created_time, tenant_id, name, type, first_rule_node_id, root,
                    additional_info)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
                """,
                [
                    .uuid(chainID), .int8(time), .uuid(tenantID), .text(name), .text(type),
                    .uuid(nodes[template.firstNodeIndex].1.id), .boolean(isRoot), .optionalText(additionalInfo),
                ])
        ]
        for (node, (id, time)) in nodes {
            statements.append(Self.insert(node, id: id, createdTime: time, into: chainID))
            statements.append(
                Self.relate(chainID, "RULE_CHAIN", to: id, group: "RULE_CHAIN", label: "Contains"))
        }
        for connection in template.connections {
            statements.append(
                Self.relate(
                    nodes[connection.from].1.id, "RULE_NODE", to: nodes[connection.to].1.id, group: "RULE_NODE",
                    label: connection.label))
        }
        self.statements = statements
    }

    private static func insert(
        _ node: RuleChainTemplate.Node, id: UUID128, createdTime: Int64, into chain: UUID128
    ) -> SQLStatement {
        SQLStatement(
            """
            INSERT INTO rule_node (id, created_time, rule_chain_id, name, type, configuration, configuration_version,
                additional_info)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
            """,
            [
                .uuid(id), .int8(createdTime), .uuid(chain), .text(node.name), .text(node.type),
                .text(node.configuration), .int4(node.configurationVersion),
                .text(#"{"description":"","layoutX":\#(node.layoutX),"layoutY":\#(node.layoutY)}"#),
            ])
    }

    /// A relation from a chain or node to a node.
    private static func relate(
        _ from: UUID128, _ fromType: String, to: UUID128, group: String, label: String
    ) -> SQLStatement {
        SQLStatement(
            """
            INSERT INTO relation (from_id, from_type, to_id, to_type, relation_type_group, relation_type, version)
            VALUES ($1, $2, $3, 'RULE_NODE', $4, $5, nextval('relation_version_seq'))
            """,
            [.uuid(from), .text(fromType), .uuid(to), .text(group), .text(label)])
    }
}
