internal import JSON
public import Model
internal import Postgres

/// A node that sends messages into another chain, and the labels of the connections that lead away from it
/// (`rest-api.md` 4.13).
public struct RuleChainCaller: Sendable, Equatable {
    public var chain: RuleChainID
    public var chainName: String
    public var node: RuleNodeID
    public var nodeName: String
    /// Sorted.
    public var labels: [String]
}

/// What a chain offers to those that call it: the names of its output nodes are labels of the nodes that call it.
extension RuleChainStore {
    /// The labels that a chain offers to those that call it.
    public func outputLabels(of chain: RuleChainID) async throws -> [String] {
        try await runner.query(
            "SELECT DISTINCT name FROM rule_node WHERE rule_chain_id = $1 AND type = $2 ORDER BY name",
            [.id(chain), .text(RuleNodeTypeName.chainOutput)]
        ).compactMap { $0.text(0) }
    }

    /// The nodes that call `chain` and lead on, by the names of their chains and their own.
    public func callers(of chain: StoredRuleChain) async throws -> [RuleChainCaller] {
        let nodes = try await callingNodes(of: chain)
        let rows = try await runner.query(
            """
            SELECT DISTINCT from_id, relation_type FROM relation
            WHERE from_id = ANY($1) AND from_type = 'RULE_NODE' AND relation_type_group = 'RULE_NODE'
            """, [.ids(nodes.map(\.node.uuid))])
        var labels: [UUID128: [String]] = [:]
        for row in rows {
            if let node = row.id(0) { labels[node, default: []].append(row.text(1) ?? "") }
        }
        return nodes.compactMap { caller in
            guard let found = labels[caller.node.uuid] else { return nil }
            var caller = caller
            caller.labels = found.sorted()
            return caller
        }
    }

    /// The nodes of the tenant that call `chain`, without their labels.
    private func callingNodes(of chain: StoredRuleChain) async throws -> [RuleChainCaller] {
        try await runner.query(
            """
            SELECT n.id, n.name, c.id, c.name, n.configuration FROM rule_node n
            JOIN rule_chain c ON c.id = n.rule_chain_id WHERE c.tenant_id = $1 AND n.type = $2
            ORDER BY c.name, n.name, n.id
            """, [.id(chain.tenantID), .text(RuleNodeTypeName.chainInput)]
        ).compactMap { row in
            guard let node = row.id(0), let caller = row.id(2),
                row.document(4)?.value["ruleChainId"]?.stringValue.flatMap({ UUID128($0) }) == chain.id.uuid
            else { return nil }
            return RuleChainCaller(
                chain: RuleChainID(caller), chainName: row.text(3) ?? "", node: RuleNodeID(node),
                nodeName: row.text(1) ?? "", labels: [])
        }
    }

    /// Gives connections of nodes that call `chain` the new names of its outputs. In the caller's transaction.
    ///
    /// - Returns: The chains that changed.
    public func renameOutputs(
        of chain: StoredRuleChain, _ names: [(old: String, new: String)]
    ) async throws -> [RuleChainID] {
        if names.isEmpty { return [] }
        var changed: [RuleChainID] = []
        for caller in try await callingNodes(of: chain) {
            for (old, new) in names {
                let renamed = try await runner.query(
                    """
                    UPDATE relation r SET relation_type = $3, version = nextval('relation_version_seq')
                    WHERE from_id = $1 AND from_type = 'RULE_NODE' AND relation_type_group = 'RULE_NODE'
                        AND relation_type = $2 AND NOT EXISTS (
                            SELECT 1 FROM relation o WHERE o.from_id = r.from_id AND o.from_type = r.from_type
                                AND o.relation_type_group = r.relation_type_group AND o.relation_type = $3
                                AND o.to_id = r.to_id AND o.to_type = r.to_type)
                    """, [.id(caller.node), .text(old), .text(new)])
                if renamed.affectedRows > 0, !changed.contains(caller.chain) { changed.append(caller.chain) }
            }
        }
        return changed
    }
}
