public import JSON
public import Model
internal import Postgres

/// The members of entities by the names that the API has for them, for rule nodes that read them (`rule-engine.md` 3.6).
public struct EntityFields: Sendable {
    private let runner: any StatementRunner

    public init(_ runner: any StatementRunner) { self.runner = runner }

    private static let tables: [EntityType: String] = [
        .tenant: "tenant", .customer: "customer", .user: "tb_user", .asset: "asset", .device: "device",
        .alarm: "alarm", .ruleChain: "rule_chain", .entityView: "entity_view", .edge: "edge",
    ]

    /// Columns whose members are not called as they are, or have others beside them.
    private static let names: [EntityType: [String: [String]]] = [
        .tenant: ["title": ["title", "name"]], .customer: ["title": ["title", "name"]],
        .user: ["email": ["email", "name"]],
        .alarm: ["type": ["type", "name"], "additional_info": ["details"], "originator_id": ["originator"]],
    ]

    public static func knows(_ type: EntityType) -> Bool { tables[type] != nil }

    /// The members of an entity of the tenant; `nil` when it has none with that id, or the type is not known.
    public func find(_ entity: EntityID, tenant: TenantID) async throws -> JSONObject? {
        guard let table = Self.tables[entity.type] else { return nil }
        let owner: StaticString = entity.type == .tenant ? "id" : "tenant_id"
        let row = try await runner.query(
            "SELECT row_to_json(e)::text FROM \(table) e WHERE e.id = $1 AND e.\(owner) = $2",
            [.id(entity.uuid), .id(tenant)]
        ).first
        guard let text = row?.text(0), let columns = try JSONValue.parse(text).objectValue else { return nil }
        var fields = JSONObject(minimumCapacity: columns.count)
        for (column, value) in columns {
            let value = column == "additional_info" ? Self.document(value) : value
            for name in Self.names[entity.type]?[column] ?? [Self.camelCase(column)] { fields[name] = value }
        }
        if entity.type == .alarm { Self.addStatus(to: &fields) }
        return fields
    }

    private static func document(_ value: JSONValue) -> JSONValue {
        guard let text = value.stringValue else { return value }
        return (try? JSONValue.parse(text)) ?? value
    }

    private static func camelCase(_ column: String) -> String {
        let words = column.split(separator: "_")
        return words.prefix(1).joined() + words.dropFirst().map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    }

    private static func addStatus(to fields: inout JSONObject) {
        let cleared = fields["cleared"]?.boolValue ?? false
        let acknowledged = fields["acknowledged"]?.boolValue ?? false
        fields["status"] = .string((cleared ? "CLEARED_" : "ACTIVE_") + (acknowledged ? "ACK" : "UNACK"))
    }
}

extension EntityFields {
    private static let nameColumns: [EntityType: String] = [
        .device: "name", .asset: "name", .entityView: "name", .edge: "name", .user: "email",
    ]

    public static func findsByName(_ type: EntityType) -> Bool { nameColumns[type] != nil }

    /// The tenant's entity of that name; of a user the e-mail address.
    public func find(_ type: EntityType, named name: String, tenant: TenantID) async throws -> EntityID? {
        guard let table = Self.tables[type], let column = Self.nameColumns[type] else { return nil }
        return try await runner.query(
            "SELECT id FROM \(table) WHERE tenant_id = $1 AND \(column) = $2", [.id(tenant), .text(name)]
        ).first?.id(0).map { EntityID(type: type, uuid: $0) }
    }

    /// The tenant's customer or dashboard of that title.
    public func find(_ type: EntityType, titled title: String, tenant: TenantID) async throws -> EntityID? {
        let tables: [EntityType: String] = [.customer: "customer", .dashboard: "dashboard"]
        guard let table = tables[type] else { return nil }
        return try await runner.query(
            "SELECT id FROM \(table) WHERE tenant_id = $1 AND title = $2 ORDER BY created_time, id LIMIT 1",
            [.id(tenant), .text(title)]
        ).first?.id(0).map { EntityID(type: type, uuid: $0) }
    }

    /// The name of the profile of a device or an asset of the tenant.
    public func profileName(of entity: EntityID, tenant: TenantID) async throws -> String? {
        let statement: String
        switch entity.type {
        case .device:
            statement = """
                SELECT p.name FROM device e JOIN device_profile p ON p.id = e.device_profile_id
                WHERE e.id = $1 AND e.tenant_id = $2
                """
        case .asset:
            statement = """
                SELECT p.name FROM asset e JOIN asset_profile p ON p.id = e.asset_profile_id
                WHERE e.id = $1 AND e.tenant_id = $2
                """
        default: return nil
        }
        return try await runner.query(statement, [.id(entity.uuid), .id(tenant)]).first?.text(0)
    }

    /// The first of `devices` that is the tenant's and of one of the types.
    public func firstDevice(of devices: [UUID128], types: [String], tenant: TenantID) async throws -> EntityID? {
        let rows = try await runner.query(
            "SELECT id FROM device WHERE id = ANY($1) AND tenant_id = $2 AND type = ANY($3)",
            [.ids(devices), .id(tenant), .textArray(types)])
        let known = Set(rows.compactMap { $0.id(0) })
        return devices.first { known.contains($0) }.map { EntityID(type: .device, uuid: $0) }
    }
}
