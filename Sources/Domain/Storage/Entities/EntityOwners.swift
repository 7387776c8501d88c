public import Model
internal import Postgres

/// Whose an entity is, with what decides about single kinds of entities.
public struct EntityOwnership: Sendable {
    public var tenant: TenantID
    /// The null id when it belongs to no customer.
    public var customer: CustomerID
    /// Of a user: what it is.
    public var authority: Authority?
    /// Of a dashboard: the customers that it is assigned to, as stored.
    public var assignedCustomers: RawJSON?
}

/// Finds the owners of many entities that are known by type and id only, with one statement for each type.
public struct EntityOwners: Sendable {
    private let runner: any StatementRunner

    public init(_ runner: any StatementRunner) { self.runner = runner }

    /// The owners of those of `entities` that exist, of any tenant.
    public func find(_ entities: some Sequence<EntityID>) async throws -> [EntityID: EntityOwnership] {
        var owners: [EntityID: EntityOwnership] = [:]
        for (type, group) in Dictionary(grouping: Set(entities), by: \.type) {
            guard let statement = Self.statements[type] else { continue }
            for row in try await runner.query(statement, [.ids(group.map(\.uuid))]) {
                guard let id = row.id(0) else { continue }
                owners[EntityID(type: type, uuid: id)] = EntityOwnership(
                    tenant: row.id(1).map(TenantID.init) ?? .system, customer: row.id(2).map(CustomerID.init) ?? .null,
                    authority: row.text(3).flatMap(Authority.init), assignedCustomers: row.document(4))
            }
        }
        return owners
    }

    public func find(_ entity: EntityID) async throws -> EntityOwnership? { try await find([entity])[entity] }

    /// Whether entities of that type can be looked up.
    public static func knows(_ type: EntityType) -> Bool { statements[type] != nil }

    private static let statements: [EntityType: String] = {
        var statements: [EntityType: String] = [
            .tenant: "SELECT id, id, NULL::uuid, NULL::text, NULL::text FROM tenant WHERE id = ANY($1)",
            .customer: "SELECT id, tenant_id, id, NULL::text, NULL::text FROM customer WHERE id = ANY($1)",
            .user: "SELECT id, tenant_id, customer_id, authority, NULL::text FROM tb_user WHERE id = ANY($1)",
            .dashboard:
                "SELECT id, tenant_id, NULL::uuid, NULL::text, assigned_customers FROM dashboard WHERE id = ANY($1)",
            .ruleNode: """
            SELECT n.id, c.tenant_id, NULL::uuid, NULL::text, NULL::text
            FROM rule_node n JOIN rule_chain c ON c.id = n.rule_chain_id WHERE n.id = ANY($1)
            """,
        ]
        for (type, table) in [
            (EntityType.device, "device"), (.asset, "asset"), (.entityView, "entity_view"), (.edge, "edge"),
            (.alarm, "alarm"),
        ] {
            statements[type] =
                "SELECT id, tenant_id, customer_id, NULL::text, NULL::text FROM \(table) WHERE id = ANY($1)"
        }
        for (type, table) in [
            (EntityType.deviceProfile, "device_profile"), (.assetProfile, "asset_profile"), (.ruleChain, "rule_chain"),
            (.apiUsageState, "api_usage_state"), (.queueStats, "queue_stats"),
            (.calculatedField, "calculated_field"),
        ] {
            statements[type] =
                "SELECT id, tenant_id, NULL::uuid, NULL::text, NULL::text FROM \(table) WHERE id = ANY($1)"
        }
        return statements
    }()
}
