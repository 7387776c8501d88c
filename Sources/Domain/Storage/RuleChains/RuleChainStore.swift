public import Model
internal import Postgres

/// Rule chains as users see and change them. What the engine reads is ``RuleChainRepository``.
public struct RuleChainStore: Sendable {
    let runner: any StatementRunner

    public init(_ runner: any StatementRunner) { self.runner = runner }

    // MARK: - Reading

    /// Of any tenant: the caller checks ownership (`rest-api.md` 1.13).
    public func find(_ id: RuleChainID) async throws -> StoredRuleChain? {
        try await runner.query("SELECT \(StoredRuleChain.columns) FROM rule_chain WHERE id = $1", [.id(id)])
            .first.map(StoredRuleChain.init)
    }

    /// Those of `ids` that the tenant has.
    public func find(_ ids: [UUID128], tenant: TenantID) async throws -> [StoredRuleChain] {
        try await runner.query(
            "SELECT \(StoredRuleChain.columns) FROM rule_chain WHERE tenant_id = $1 AND id = ANY($2) ORDER BY id",
            [.id(tenant), .ids(ids)]
        ).map(StoredRuleChain.init)
    }

    public func find(
        name: String, kind: StoredRuleChain.Kind, tenant: TenantID
    ) async throws -> StoredRuleChain? {
        try await runner.query(
            """
            SELECT \(StoredRuleChain.columns) FROM rule_chain WHERE tenant_id = $1 AND type = $2 AND name = $3
            ORDER BY id LIMIT 1
            """, [.id(tenant), .text(kind.rawValue), .text(name)]
        ).first.map(StoredRuleChain.init)
    }

    /// The chain that a node belongs to.
    public func chain(of node: RuleNodeID) async throws -> StoredRuleChain? {
        try await runner.query(
            """
            SELECT \(StoredRuleChain.columns) FROM rule_chain
            WHERE id = (SELECT rule_chain_id FROM rule_node WHERE id = $1)
            """, [.id(node)]
        ).first.map(StoredRuleChain.init)
    }

    private static let shape = ListStatement.Shape(
        columns: StoredRuleChain.columns, source: "rule_chain", searched: ["name"],
        sortable: [
            "createdTime": "created_time", "name": "name", "root": "root", "type": "type", "debugMode": "debug_mode",
            "version": "version",
        ])

    public func page(
        tenant: TenantID, kind: StoredRuleChain.Kind, _ link: PageLink
    ) async throws -> Page<StoredRuleChain> {
        var statement = ListStatement(Self.shape)
        statement.require("tenant_id = $?", .id(tenant))
        statement.require("type = $?", .text(kind.rawValue))
        return try await statement.page(link, on: runner, StoredRuleChain.init)
    }

    // MARK: - Writing

    public func insert(_ chain: StoredRuleChain) async throws {
        _ = try await runner.query(
            """
            INSERT INTO rule_chain (id, created_time, tenant_id, name, type, debug_mode, configuration,
                additional_info, external_id)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            """,
            [
                .id(chain.id), .int8(chain.createdTime), .id(chain.tenantID), .text(chain.name),
                .text(chain.kind.rawValue), .boolean(chain.debugMode), .json(text: chain.configuration),
                .json(text: chain.additionalInfo), .id(chain.externalID),
            ])
    }

    /// Saves what users say of a chain. Its first node and whether it is the root are changed elsewhere; its kind never.
    ///
    /// - Parameter version: The version that it replaces; any when `nil`.
    public func update(_ chain: StoredRuleChain, replacing version: Int64?) async throws -> StoredRuleChain {
        let row = try await runner.updateVersioned(
            .ruleChain, chain.id.uuid, tenant: chain.tenantID, table: "rule_chain",
            """
            UPDATE rule_chain SET name = $3, debug_mode = $4, configuration = $5, additional_info = $6,
                external_id = coalesce($7, external_id), version = version + 1
            WHERE id = $1 AND tenant_id = $2 AND ($8::bigint IS NULL OR version = $8)
            RETURNING \(StoredRuleChain.columns)
            """,
            [
                .id(chain.id), .id(chain.tenantID), .text(chain.name), .boolean(chain.debugMode),
                .json(text: chain.configuration), .json(text: chain.additionalInfo), .id(chain.externalID),
                .int8(version),
            ])
        return StoredRuleChain(row)
    }

    /// Makes a chain the root of its tenant and kind; the former root loses the place. In the caller's transaction.
    public func makeRoot(_ chain: StoredRuleChain) async throws -> StoredRuleChain {
        if chain.isRoot { return chain }
        try await EntityLimits.choose(.ruleChain, tenant: chain.tenantID, on: runner)
        _ = try await runner.query(
            """
            UPDATE rule_chain SET root = false, version = version + 1
            WHERE tenant_id = $1 AND type = $2 AND root
            """, [.id(chain.tenantID), .text(chain.kind.rawValue)])
        let rows = try await runner.query(
            """
            UPDATE rule_chain SET root = true, version = version + 1 WHERE id = $1 AND tenant_id = $2
            RETURNING \(StoredRuleChain.columns)
            """, [.id(chain.id), .id(chain.tenantID)])
        guard let row = rows.first else { throw EntityError.notFound(.ruleChain, chain.id.uuid) }
        return StoredRuleChain(row)
    }

    /// Deletes a chain with its nodes and all that hangs on them. In the caller's transaction.
    ///
    /// - Returns: Whether there was one.
    /// - Throws: ``EntityError/invalid(_:)`` for the root chain and for one that profiles refer to.
    public func delete(_ id: RuleChainID, tenant: TenantID) async throws -> Bool {
        let found = try await runner.query(
            "SELECT root FROM rule_chain WHERE id = $1 AND tenant_id = $2 FOR UPDATE", [.id(id), .id(tenant)])
        guard let row = found.first else { return false }
        if row.bool(0) == true { throw EntityError.invalid("Deletion of Root Tenant Rule Chain is prohibited!") }
        let users = try await runner.query(
            """
            SELECT EXISTS (SELECT 1 FROM device_profile WHERE tenant_id = $2 AND default_rule_chain_id = $1),
                EXISTS (SELECT 1 FROM asset_profile WHERE tenant_id = $2 AND default_rule_chain_id = $1)
            """, [.id(id), .id(tenant)])[0]
        if users.bool(0) == true {
            throw EntityError.invalid("The rule chain referenced by the device profiles cannot be deleted!")
        }
        if users.bool(1) == true {
            throw EntityError.invalid("The rule chain referenced by the asset profiles cannot be deleted!")
        }
        let nodes = try await nodeIDs(of: id)
        try await delete(nodes: nodes)
        for statement in [
            "DELETE FROM relation WHERE from_id = $1 AND from_type = 'RULE_CHAIN'",
            "DELETE FROM relation WHERE to_id = $1 AND to_type = 'RULE_CHAIN'",
            "DELETE FROM attribute_kv WHERE entity_id = $1", "DELETE FROM ts_kv_latest WHERE entity_id = $1",
            "DELETE FROM rule_chain WHERE id = $1",
        ] {
            _ = try await runner.query(statement, [.id(id)])
        }
        return true
    }

    public func nodeIDs(of chain: RuleChainID) async throws -> [UUID128] {
        try await runner.query("SELECT id FROM rule_node WHERE rule_chain_id = $1", [.id(chain)])
            .compactMap { $0.id(0) }
    }

    func delete(nodes: [UUID128]) async throws {
        guard !nodes.isEmpty else { return }
        for statement in [
            "DELETE FROM relation WHERE from_id = ANY($1) AND from_type = 'RULE_NODE'",
            "DELETE FROM relation WHERE to_id = ANY($1) AND to_type = 'RULE_NODE'",
            "DELETE FROM rule_node WHERE id = ANY($1)",
        ] {
            _ = try await runner.query(statement, [.ids(nodes)])
        }
    }
}
