public import Model
internal import Postgres

/// Whose an entity of any kind is.
public struct EntityOwner: Sendable {
    public var tenant: TenantID
    /// The null id when it belongs to no customer.
    public var customer: CustomerID
}

/// Finds the owners of entities that are known by type and id only.
public struct EntityOwnerRepository: Sendable {
    private let runner: any StatementRunner

    public init(_ runner: any StatementRunner) { self.runner = runner }

    /// The owner of an entity of any tenant; `nil` when there is none with that id, or the type owns nothing.
    public func find(_ entity: EntityID) async throws -> EntityOwner? {
        guard let statement = Self.statements[entity.type] else { return nil }
        return try await runner.query(statement, [.id(entity.uuid)]).first.map { row in
            EntityOwner(
                tenant: row.id(0).map(TenantID.init) ?? .system, customer: row.id(1).map(CustomerID.init) ?? .null)
        }
    }

    /// Whether entities of that type can be looked up.
    public static func knows(_ type: EntityType) -> Bool { statements[type] != nil }

    private static let statements: [EntityType: String] = {
        var statements: [EntityType: String] = [
            .tenant: "SELECT id, NULL::uuid FROM tenant WHERE id = $1",
            .customer: "SELECT tenant_id, id FROM customer WHERE id = $1",
            .ruleNode: """
            SELECT c.tenant_id, NULL::uuid FROM rule_node n JOIN rule_chain c ON c.id = n.rule_chain_id
            WHERE n.id = $1
            """,
        ]
        let withCustomer: [(EntityType, String)] = [
            (.device, "device"), (.asset, "asset"), (.entityView, "entity_view"), (.edge, "edge"), (.user, "tb_user"),
        ]
        for (type, table) in withCustomer {
            statements[type] = "SELECT tenant_id, customer_id FROM \(table) WHERE id = $1"
        }
        let withoutCustomer: [(EntityType, String)] = [
            (.dashboard, "dashboard"), (.deviceProfile, "device_profile"), (.assetProfile, "asset_profile"),
            (.ruleChain, "rule_chain"), (.apiUsageState, "api_usage_state"), (.queueStats, "queue_stats"),
            (.calculatedField, "calculated_field"),
        ]
        for (type, table) in withoutCustomer {
            statements[type] = "SELECT tenant_id, NULL::uuid FROM \(table) WHERE id = $1"
        }
        return statements
    }()
}
