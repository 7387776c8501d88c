internal import Model

/// Where entities of a type are found in the database, with the same columns for every type.
///
/// Everything here is text of the program; what a user sends becomes parameters.
enum EntitySource {
    /// Columns beside `id`, `tenant_id`, `customer_id` and `created_time`, in order.
    private static let columns = [
        "name", "type", "label", "title", "display_name", "additional_info", "email", "first_name", "last_name",
        "phone", "country", "state", "city", "address", "address2", "zip", "region", "queue_name", "service_id",
    ]

    private struct Table {
        var name: String
        /// Column or expression by name; absent ones are NULL.
        var expressions: [String: String]
        var tenant = "t.tenant_id"
        var customer = "NULL::uuid"
        /// What a customer's users may see; `$C` stands for the customer. `nil`: nothing.
        var visibility: String?
    }

    private static let contact = [
        "email": "t.email", "phone": "t.phone", "country": "t.country", "state": "t.state", "city": "t.city",
        "address": "t.address", "address2": "t.address2", "zip": "t.zip", "additional_info": "t.additional_info",
        "name": "t.title", "label": "t.title", "title": "t.title", "display_name": "t.title",
    ]

    private static func named(_ more: [String: String] = [:]) -> [String: String] {
        ["name": "t.name", "title": "t.name", "display_name": "t.name"].merging(more) { $1 }
    }

    private static let labelled = named([
        "type": "t.type", "label": "t.label", "display_name": "COALESCE(NULLIF(t.label, ''), t.name)",
        "additional_info": "t.additional_info",
    ])

    private static let tables: [EntityType: Table] = {
        let own = "t.customer_id = $C"
        var tables: [EntityType: Table] = [:]
        for (type, name) in [(EntityType.device, "device"), (.asset, "asset"), (.edge, "edge")] {
            tables[type] = Table(name: name, expressions: labelled, customer: "t.customer_id", visibility: own)
        }
        tables[.entityView] = Table(
            name: "entity_view", expressions: named(["type": "t.type", "additional_info": "t.additional_info"]),
            customer: "t.customer_id", visibility: own)
        tables[.tenant] = Table(
            name: "tenant", expressions: contact.merging(["region": "t.region"]) { $1 }, tenant: "t.id")
        tables[.customer] = Table(name: "customer", expressions: contact, customer: "t.id", visibility: "t.id = $C")
        tables[.user] = Table(
            name: "tb_user",
            expressions: [
                "name": "t.email", "title": "t.email", "label": "t.email", "display_name": "t.email",
                "email": "t.email", "first_name": "t.first_name", "last_name": "t.last_name", "phone": "t.phone",
                "additional_info": "t.additional_info",
            ], customer: "t.customer_id", visibility: own)
        tables[.dashboard] = Table(
            name: "dashboard", expressions: ["name": "t.title", "title": "t.title", "display_name": "t.title"],
            visibility: "strpos(coalesce(t.assigned_customers, ''), $C::text) > 0")
        tables[.ruleChain] = Table(
            name: "rule_chain", expressions: named(["type": "t.type", "additional_info": "t.additional_info"]))
        tables[.ruleNode] = Table(
            name: "(SELECT n.*, c.tenant_id FROM rule_node n JOIN rule_chain c ON c.id = n.rule_chain_id)",
            expressions: named(["type": "t.type", "additional_info": "t.additional_info"]))
        tables[.deviceProfile] = Table(name: "device_profile", expressions: named(["type": "t.type"]))
        tables[.assetProfile] = Table(name: "asset_profile", expressions: named())
        tables[.apiUsageState] = Table(
            name: "api_usage_state", expressions: ["name": "'Api usage state'", "title": "'Api usage state'"],
            visibility: "t.entity_id = $C")
        tables[.queueStats] = Table(
            name: "queue_stats",
            expressions: [
                "queue_name": "t.queue_name", "service_id": "t.service_id",
                "name": "t.queue_name || '_' || t.service_id",
                "display_name": "t.queue_name || ' (' || t.service_id || ')'",
            ])
        for (type, name) in [
            (EntityType.otaPackage, "ota_package"), (.tbResource, "resource"), (.widgetsBundle, "widgets_bundle"),
        ] {
            tables[type] = Table(
                name: name, expressions: ["name": "t.title", "title": "t.title", "display_name": "t.title"])
        }
        return tables
    }()

    static func knows(_ type: EntityType) -> Bool { tables[type] != nil }

    /// Types that relations are looked for between when a query names none.
    static let related: [EntityType] = [
        .device, .asset, .entityView, .edge, .customer, .user, .dashboard, .tenant, .ruleChain, .deviceProfile,
        .assetProfile,
    ]

    /// A SELECT of the entities of a type that a scope sees.
    ///
    /// - Parameters:
    ///   - condition: On `t`, or empty.
    ///   - tenant: The parameter of the tenant.
    ///   - customer: The parameter of the customer, for a customer's users.
    static func select(_ type: EntityType, where condition: String, tenant: String, customer: String?) -> String {
        guard let table = tables[type] else { preconditionFailure("no source for \(type)") }
        let columns = columns.map { "\(table.expressions[$0] ?? "NULL")::text AS \($0)" }.joined(separator: ", ")
        var conditions = type == .tenant && tenant == allTenants ? [] : ["\(table.tenant) = \(tenant)"]
        if let customer {
            conditions.append(table.visibility?.replacing("$C", with: customer) ?? "false")
        }
        if !condition.isEmpty { conditions.append(condition) }
        let filter = conditions.isEmpty ? "" : " WHERE " + conditions.joined(separator: " AND ")
        return """
            SELECT t.id, '\(type.name)'::text AS entity_type, \(table.tenant) AS tenant_id, \
            \(table.customer) AS customer_id, t.created_time, \(columns) FROM \(table.name) t\(filter)
            """
    }

    /// Stands for a tenant's parameter where the platform itself asks.
    static let allTenants = "'\(TenantID.system.uuid.text)'::uuid"

    /// The name of an entity of a type, of `t`.
    static func name(of type: EntityType) -> String { tables[type]?.expressions["name"] ?? "NULL" }

    /// The expression of a field over `e`; `nil` for one that no entity has.
    static func field(_ name: String) -> String? { fields[name] }

    private static let fields: [String: String] = [
        "createdTime": "e.created_time::text", "entityType": "e.entity_type", "name": "e.name", "type": "e.type",
        "label": "e.label", "title": "e.title", "displayName": "e.display_name",
        "additionalInfo": "e.additional_info", "email": "e.email", "firstName": "e.first_name",
        "lastName": "e.last_name", "phone": "e.phone", "country": "e.country", "state": "e.state", "city": "e.city",
        "address": "e.address", "address2": "e.address2", "zip": "e.zip", "region": "e.region",
        "queueName": "e.queue_name", "serviceId": "e.service_id", "id": "e.id::text",
        "ownerName": """
        COALESCE((SELECT c.title FROM customer c WHERE c.id = e.customer_id AND e.entity_type <> 'CUSTOMER'), \
        (SELECT o.title FROM tenant o WHERE o.id = e.tenant_id))
        """,
        "ownerType": """
        CASE WHEN e.customer_id IS NULL OR e.customer_id = '\(CustomerID.null.uuid.text)' \
        OR e.entity_type = 'CUSTOMER' THEN 'TENANT' ELSE 'CUSTOMER' END
        """,
    ]
}
