import JSON
public import Model
import Postgres

/// The rule chains in the database.
public struct RuleChainRepository: RuleChainSource {
    private let database: Database

    public init(database: Database) {
        self.database = database
    }

    public func defaultChain(of originator: EntityID) async throws -> RuleChainID? {
        try await MessageRouteRepository(database).route(of: originator).chain
    }

    public func features(of tenant: TenantID) async throws -> TenantFeatures {
        try await UsageRepository(database).features(of: tenant)
    }

    public func calculatedFields(of tenant: TenantID) async throws -> StoredCalculatedFields {
        try await CalculatedFieldRepository(database).stored(of: tenant)
    }

    public func tenants(withNodes types: [String]) async throws -> [TenantID] {
        try await database.query(
            """
            SELECT DISTINCT c.tenant_id FROM rule_node n JOIN rule_chain c ON c.id = n.rule_chain_id
            WHERE n.type = ANY($1) AND coalesce(c.type, 'CORE') = 'CORE'
            """, [.textArray(types)]
        ).compactMap { $0.id(0).map { TenantID($0) } }
    }

    public func ruleChains(of tenant: TenantID) async throws -> [RuleChainDefinition] {
        let id = PostgresParameter.uuid(high: tenant.uuid.high, low: tenant.uuid.low)
        let chains = try await database.query(
            """
            SELECT id, name, coalesce(root, false), first_rule_node_id FROM rule_chain
            WHERE tenant_id = $1 AND coalesce(type, 'CORE') = 'CORE' ORDER BY created_time, id
            """, [id])
        let nodes = try await database.query(
            """
            SELECT n.id, n.rule_chain_id, n.type, n.name, coalesce(n.configuration_version, 0), n.configuration,
                n.debug_settings, nullif(n.queue_name, '')
            FROM rule_node n JOIN rule_chain c ON c.id = n.rule_chain_id
            WHERE c.tenant_id = $1 AND coalesce(c.type, 'CORE') = 'CORE' ORDER BY n.created_time, n.id
            """, [id])
        let connections = try await database.query(
            """
            SELECT n.rule_chain_id, r.from_id, r.to_id, r.relation_type
            FROM relation r JOIN rule_node n ON n.id = r.from_id JOIN rule_chain c ON c.id = n.rule_chain_id
            WHERE c.tenant_id = $1 AND r.relation_type_group = 'RULE_NODE' AND r.from_type = 'RULE_NODE'
                AND r.to_type = 'RULE_NODE'
            ORDER BY r.from_id, r.to_id, r.relation_type
            """, [id])
        var nodesOfChain: [UUID128: [RuleNodeDefinition]] = [:]
        for row in nodes {
            guard let node = row.id(0), let chain = row.id(1) else { continue }
            let configuration = (row.text(5) ?? "").utf8
            nodesOfChain[chain, default: []].append(
                RuleNodeDefinition(
                    id: RuleNodeID(node), type: row.text(2) ?? "", name: row.text(3) ?? "",
                    configurationVersion: Int(row.int4(4) ?? 0),
                    configuration: (try? JSONValue.parse(Array(configuration))) ?? .null,
                    debug: RuleNodeDebugSettings(row.document(6)), queueName: row.text(7)))
        }
        var connectionsOfChain: [UUID128: [RuleNodeConnection]] = [:]
        for row in connections {
            guard let chain = row.id(0), let from = row.id(1), let to = row.id(2) else { continue }
            connectionsOfChain[chain, default: []].append(
                RuleNodeConnection(from: RuleNodeID(from), to: RuleNodeID(to), label: row.text(3) ?? ""))
        }
        return chains.compactMap { row in
            guard let chain = row.id(0) else { return nil }
            return RuleChainDefinition(
                id: RuleChainID(chain), tenantID: tenant, name: row.text(1) ?? "", isRoot: row.bool(2) ?? false,
                firstNodeID: row.id(3).map { RuleNodeID($0) }, nodes: nodesOfChain[chain] ?? [],
                connections: connectionsOfChain[chain] ?? [])
        }
    }
}
