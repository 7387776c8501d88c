public import Model
internal import Postgres

/// Calculated fields in the database. Every statement names the tenant.
public struct CalculatedFieldRepository: Sendable {
    private let runner: any StatementRunner

    public init(_ runner: any StatementRunner) { self.runner = runner }

    public func find(_ id: CalculatedFieldID, tenant: TenantID) async throws -> CalculatedField? {
        try await runner.query(
            "SELECT \(CalculatedField.columns) FROM calculated_field WHERE tenant_id = $1 AND id = $2",
            [.id(tenant), .id(id)]
        ).first.map(CalculatedField.init)
    }

    /// All that the tenant has, with what its profile allows.
    public func stored(of tenant: TenantID) async throws -> StoredCalculatedFields {
        var stored = StoredCalculatedFields()
        stored.fields = try await runner.query(
            "SELECT \(CalculatedField.columns) FROM calculated_field WHERE tenant_id = $1 ORDER BY id", [.id(tenant)]
        ).map(CalculatedField.init)
        guard !stored.fields.isEmpty else { return stored }
        let limits = try await runner.query(
            """
            SELECT (c ->> 'maxDataPointsPerRollingArg')::int8, (c ->> 'maxStateSizeInKBytes')::int8,
                (c ->> 'maxSingleValueArgumentSizeInKBytes')::int8
            FROM (SELECT p.profile_data -> 'configuration' AS c
                FROM tenant t JOIN tenant_profile p ON p.id = t.tenant_profile_id WHERE t.id = $1) AS configuration
            """, [.id(tenant)]
        ).first
        stored.rollingPoints = limits?.int8(0) ?? 1_000
        stored.stateBytes = (limits?.int8(1) ?? 32) * 1_024
        stored.valueBytes = (limits?.int8(2) ?? 2) * 1_024
        return stored
    }

    /// Whether the tenant has any.
    public func exist(of tenant: TenantID) async throws -> Bool {
        try await !runner.query("SELECT 1 FROM calculated_field WHERE tenant_id = $1 LIMIT 1", [.id(tenant)]).isEmpty
    }

    // MARK: - Those for whom fields are computed

    /// Where an entity stands: `nil` when there is none.
    public func place(of entity: EntityID, tenant: TenantID) async throws -> FieldEntityPlace? {
        let statement: String
        switch entity.type {
        case .device:
            statement = """
                SELECT d.device_profile_id, d.customer_id, p.default_rule_chain_id, p.default_queue_name
                FROM device d JOIN device_profile p ON p.id = d.device_profile_id WHERE d.id = $1 AND d.tenant_id = $2
                """
        case .asset:
            statement = """
                SELECT a.asset_profile_id, a.customer_id, p.default_rule_chain_id, p.default_queue_name
                FROM asset a JOIN asset_profile p ON p.id = a.asset_profile_id WHERE a.id = $1 AND a.tenant_id = $2
                """
        case .customer:
            statement = "SELECT NULL::uuid, id, NULL::uuid, NULL::text FROM customer WHERE id = $1 AND tenant_id = $2"
        default: return nil
        }
        return try await runner.query(statement, [.id(entity.uuid), .id(tenant)]).first.map { row in
            let customer = row.id(1).map(CustomerID.init) ?? .null
            return FieldEntityPlace(
                profile: row.id(0), customer: customer.isNull ? nil : customer,
                route: MessageRoute(
                    chain: row.id(2).map(RuleChainID.init), queue: row.text(3).flatMap { $0.isEmpty ? nil : $0 }))
        }
    }

    /// Devices or assets of a profile behind an id, in its order.
    public func members(
        of profile: EntityID, tenant: TenantID, after last: UUID128, limit: Int
    ) async throws -> [EntityID] {
        let (table, type): (StaticString, EntityType) =
            profile.type == .deviceProfile ? ("device", .device) : ("asset", .asset)
        return try await runner.query(
            """
            SELECT id FROM \(table) WHERE tenant_id = $1 AND \(table)_profile_id = $2 AND id > $3
            ORDER BY id LIMIT \(limit)
            """, [.id(tenant), .id(profile.uuid), .id(last)]
        ).compactMap { $0.id(0).map { EntityID(type: type, uuid: $0) } }
    }

    /// How many fields an entity has, alarm rules left out.
    public func count(of entity: EntityID, tenant: TenantID) async throws -> Int64 {
        try await runner.query(
            "SELECT count(*) FROM calculated_field WHERE tenant_id = $1 AND entity_id = $2 AND type <> 'ALARM'",
            [.id(tenant), .id(entity.uuid)]
        ).first?.int8(0) ?? 0
    }

    // MARK: - Changing

    /// Inserts a new field as version 1.
    public func insert(_ field: CalculatedField) async throws {
        _ = try await runner.query(
            """
            INSERT INTO calculated_field (\(CalculatedField.columns))
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 1)
            """,
            [
                .id(field.id), .int8(field.createdTime), .id(field.tenantID), .text(field.entity.type.name),
                .id(field.entity.uuid), .text(field.type), .text(field.name), .int4(field.configurationVersion),
                .json(text: field.configuration), .json(text: field.debugSettings), .json(text: field.additionalInfo),
            ])
    }

    /// Saves what users say of a field; its entity never changes.
    ///
    /// - Parameter version: The version that it replaces; any when `nil`.
    public func update(_ field: CalculatedField, replacing version: Int64?) async throws -> CalculatedField {
        CalculatedField(
            try await runner.updateVersioned(
                .calculatedField, field.id.uuid, tenant: field.tenantID, table: "calculated_field",
                """
                UPDATE calculated_field SET type = $3, name = $4, configuration_version = $5, configuration = $6,
                    debug_settings = $7, additional_info = $8, version = version + 1
                WHERE id = $1 AND tenant_id = $2 AND ($9::bigint IS NULL OR version = $9)
                RETURNING \(CalculatedField.columns)
                """,
                [
                    .id(field.id), .id(field.tenantID), .text(field.type), .text(field.name),
                    .int4(field.configurationVersion), .json(text: field.configuration),
                    .json(text: field.debugSettings), .json(text: field.additionalInfo), .int8(version),
                ]))
    }

    /// - Returns: Whether there was one.
    public func delete(_ id: CalculatedFieldID, tenant: TenantID) async throws -> Bool {
        let deleted = try await runner.query(
            "DELETE FROM calculated_field WHERE id = $1 AND tenant_id = $2", [.id(id), .id(tenant)])
        guard deleted.affectedRows > 0 else { return false }
        try await EntityTraces.delete(id.entityID, on: runner)
        return true
    }

    // MARK: - Lists

    /// What a list is narrowed to; `nil` stands for everything.
    public struct Filter: Sendable {
        public var types: [String]
        public var entityTypes: [EntityType]?
        public var entities: [UUID128]?
        public var names: [String]?

        public init(
            types: [String], entityTypes: [EntityType]? = nil, entities: [UUID128]? = nil, names: [String]? = nil
        ) {
            self.types = types
            self.entityTypes = entityTypes
            self.entities = entities
            self.names = names
        }
    }

    private static let shape = ListStatement.Shape(
        columns: CalculatedField.columns, source: "calculated_field", searched: ["name"],
        sortable: ["createdTime": "created_time", "name": "name", "type": "type", "version": "version"])

    public func page(tenant: TenantID, _ filter: Filter, _ link: PageLink) async throws -> Page<CalculatedField> {
        var statement = ListStatement(Self.shape)
        statement.require("tenant_id = $?", .id(tenant))
        statement.require("type = ANY($?)", .textArray(filter.types))
        if let types = filter.entityTypes { statement.require("entity_type = ANY($?)", .textArray(types.map(\.name))) }
        if let entities = filter.entities { statement.require("entity_id = ANY($?)", .ids(entities)) }
        if let names = filter.names { statement.require("name = ANY($?)", .textArray(names)) }
        return try await statement.page(link, on: runner, CalculatedField.init)
    }

    private static let nameShape = ListStatement.Shape(
        columns: "name", source: "(SELECT DISTINCT tenant_id, type, name FROM calculated_field) AS named", id: "name",
        searched: ["name"], sortable: ["name": "name"])

    /// The names that fields of a type have, each once.
    public func names(tenant: TenantID, type: String, _ link: PageLink) async throws -> Page<String> {
        var statement = ListStatement(Self.nameShape)
        statement.require("tenant_id = $?", .id(tenant))
        statement.require("type = $?", .text(type))
        return try await statement.page(link, on: runner) { $0.text(0) ?? "" }
    }
}
