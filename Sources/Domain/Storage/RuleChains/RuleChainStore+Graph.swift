internal import JSON
internal import Model
internal import Postgres

extension RuleChainStore {
    /// The nodes of a chain by creation time, and their connections by position and label (`rule-engine.md` 2.6).
    public func graph(of chain: StoredRuleChain) async throws -> RuleChainGraph {
        let nodes = try await runner.query(
            "SELECT \(StoredRuleNode.columns) FROM rule_node WHERE rule_chain_id = $1 ORDER BY created_time, id",
            [.id(chain.id)]
        ).map(StoredRuleNode.init)
        let places = Dictionary(uniqueKeysWithValues: nodes.enumerated().map { ($1.id.uuid, $0) })
        let relations = try await runner.query(
            """
            SELECT from_id, to_id, relation_type FROM relation
            WHERE relation_type_group = 'RULE_NODE' AND from_type = 'RULE_NODE' AND to_type = 'RULE_NODE'
                AND from_id = ANY($1)
            """, [.ids(nodes.map(\.id.uuid))])
        let connections = relations.compactMap { row -> RuleChainGraph.Connection? in
            guard let from = row.id(0).flatMap({ places[$0] }), let to = row.id(1).flatMap({ places[$0] }) else {
                return nil
            }
            return .init(from: from, to: to, label: row.text(2) ?? "")
        }.sorted { ($0.from, $0.to, $0.label) < ($1.from, $1.to, $1.label) }
        let notes = try await runner.query("SELECT notes FROM rule_chain WHERE id = $1", [.id(chain.id)])
        return RuleChainGraph(
            nodes: nodes, connections: connections,
            firstNodeIndex: chain.firstRuleNodeID.flatMap { places[$0.uuid] }, notes: notes.first?.document(0))
    }

    /// Replaces the graph of a chain: nodes with a known id are updated, others made, those that are missing deleted.
    /// In the caller's transaction.
    ///
    /// - Parameters:
    ///   - graph: Checked. Nodes with a null id are new and get ids in their order.
    ///   - version: The version of the chain that it replaces; any when `nil`.
    /// - Returns: The chain in its new version.
    public func replaceGraph(
        of chain: StoredRuleChain, with graph: RuleChainGraph, replacing version: Int64?, now: Int64
    ) async throws -> StoredRuleChain {
        // First of all, so that two who save one chain come one after the other.
        _ = try await runner.updateVersioned(
            .ruleChain, chain.id.uuid, tenant: chain.tenantID, table: "rule_chain",
            """
            UPDATE rule_chain SET version = version + 1, notes = $4
            WHERE id = $1 AND tenant_id = $2 AND ($3::bigint IS NULL OR version = $3) RETURNING id
            """, [.id(chain.id), .id(chain.tenantID), .int8(version), .json(text: graph.notes)])
        let present = Set(try await nodeIDs(of: chain.id))
        var clock = EntityClock(milliseconds: now)
        var ids: [UUID128] = []
        for node in graph.nodes {
            if node.id.isNull {
                let (id, time) = clock.tick()
                try await insert(node, id: id, createdTime: time, into: chain.id)
                ids.append(id)
            } else {
                guard present.contains(node.id.uuid) else { throw EntityError.notFound(.ruleNode, node.id.uuid) }
                try await update(node)
                ids.append(node.id.uuid)
            }
        }
        try await delete(nodes: Array(present.subtracting(ids)))
        try await connect(graph.connections, between: ids)
        try await relateNestedChains(of: chain)
        let rows = try await runner.query(
            """
            UPDATE rule_chain SET first_rule_node_id = $2 WHERE id = $1 RETURNING \(StoredRuleChain.columns)
            """, [.id(chain.id), .id(graph.firstNodeIndex.map { ids[$0] })])
        guard let row = rows.first else { throw EntityError.notFound(.ruleChain, chain.id.uuid) }
        return StoredRuleChain(row)
    }

    private func insert(
        _ node: StoredRuleNode, id: UUID128, createdTime: Int64, into chain: RuleChainID
    ) async throws {
        _ = try await runner.query(
            """
            INSERT INTO rule_node (id, rule_chain_id, created_time, type, name, configuration, configuration_version,
                debug_settings, singleton_mode, queue_name, additional_info, external_id)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
            """, [.id(id), .id(chain), .int8(createdTime)] + columns(of: node))
        _ = try await runner.query(
            Self.insertRelation, [.id(chain), "RULE_CHAIN", .id(id), "RULE_NODE", "RULE_CHAIN", "Contains"])
    }

    private func update(_ node: StoredRuleNode) async throws {
        _ = try await runner.query(
            """
            UPDATE rule_node SET type = $2, name = $3, configuration = $4, configuration_version = $5,
                debug_settings = $6, singleton_mode = $7, queue_name = $8, additional_info = $9,
                external_id = coalesce($10, external_id)
            WHERE id = $1
            """, [.id(node.id)] + columns(of: node))
    }

    private func columns(of node: StoredRuleNode) -> [PostgresParameter] {
        [
            .text(node.type), .text(node.name), .json(text: node.configuration), .int4(node.configurationVersion),
            .json(text: node.debugSettings), .boolean(node.isSingleton), .text(node.queueName),
            .json(text: node.additionalInfo), .id(node.externalID),
        ]
    }

    private static let insertRelation = """
        INSERT INTO relation (from_id, from_type, to_id, to_type, relation_type_group, relation_type, version)
        VALUES ($1, $2, $3, $4, $5, $6, nextval('relation_version_seq')) ON CONFLICT DO NOTHING
        """

    private func connect(_ connections: [RuleChainGraph.Connection], between ids: [UUID128]) async throws {
        _ = try await runner.query(
            """
            DELETE FROM relation
            WHERE from_id = ANY($1) AND from_type = 'RULE_NODE' AND relation_type_group = 'RULE_NODE'
            """, [.ids(ids)])
        for connection in connections {
            _ = try await runner.query(
                Self.insertRelation,
                [
                    .id(ids[connection.from]), "RULE_NODE", .id(ids[connection.to]), "RULE_NODE", "RULE_NODE",
                    .text(connection.label),
                ])
        }
    }

    /// A chain `Uses` each chain that its nodes lead into.
    private func relateNestedChains(of chain: StoredRuleChain) async throws {
        _ = try await runner.query(
            """
            DELETE FROM relation WHERE from_id = $1 AND from_type = 'RULE_CHAIN' AND to_type = 'RULE_CHAIN'
                AND relation_type_group = 'COMMON' AND relation_type = 'Uses'
            """, [.id(chain.id)])
        let nested = try await runner.query(
            "SELECT configuration FROM rule_node WHERE rule_chain_id = $1 AND type = $2",
            [.id(chain.id), .text(RuleNodeTypeName.chainInput)])
        for row in nested {
            guard let text = row.document(0)?.value["ruleChainId"]?.stringValue, let target = UUID128(text) else {
                continue
            }
            _ = try await runner.query(
                Self.insertRelation, [.id(chain.id), "RULE_CHAIN", .id(target), "RULE_CHAIN", "COMMON", "Uses"])
        }
    }
}
