public import Model
internal import Postgres

/// Entity views in the database. Every statement names the tenant, but for those that find out whose a foreign id is.
public struct EntityViewRepository: Sendable {
    private let runner: any StatementRunner

    public init(_ runner: any StatementRunner) { self.runner = runner }

    // MARK: - One

    /// Of any tenant: the caller checks ownership (`rest-api.md` 1.13).
    public func find(_ id: EntityViewID) async throws -> EntityView? {
        try await runner.query("SELECT \(EntityView.columns) FROM entity_view v WHERE v.id = $1", [.id(id)])
            .first.map(EntityView.init)
    }

    public func find(name: String, tenant: TenantID) async throws -> EntityView? {
        try await runner.query(
            "SELECT \(EntityView.columns) FROM entity_view v WHERE v.tenant_id = $1 AND v.name = $2",
            [.id(tenant), .text(name)]
        ).first.map(EntityView.init)
    }

    /// Of any tenant: the caller checks ownership.
    public func info(_ id: EntityViewID) async throws -> EntityViewSummary? {
        try await runner.query(
            "SELECT \(EntityViewSummary.columns) FROM \(EntityViewSummary.source) WHERE v.id = $1", [.id(id)]
        ).first.map(EntityViewSummary.init)
    }

    /// Those of `ids` that belong to the tenant, and to `customer` if one is given.
    public func find(_ ids: [UUID128], tenant: TenantID, customer: CustomerID?) async throws -> [EntityView] {
        try await runner.query(
            """
            SELECT \(EntityView.columns) FROM entity_view v
            WHERE v.tenant_id = $1 AND v.id = ANY($2) AND ($3::uuid IS NULL OR v.customer_id = $3) ORDER BY v.id
            """, [.id(tenant), .ids(ids), .id(customer?.uuid)]
        ).map(EntityView.init)
    }

    /// Inserts a new view as version 1.
    public func insert(_ view: EntityView) async throws {
        // What it shows is not deleted before the view is there.
        let shown = try await runner.query(
            "SELECT 1 FROM \(view.entity.type == .asset ? "asset" : "device") WHERE id = $1 FOR KEY SHARE",
            [.id(view.entity.uuid)])
        guard !shown.isEmpty else { throw EntityError.notFound(view.entity.type, view.entity.uuid) }
        _ = try await runner.query(
            """
            INSERT INTO entity_view (id, created_time, tenant_id, customer_id, entity_id, entity_type, name, type, keys,
                start_ts, end_ts, external_id, additional_info, version)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 1)
            """, parameters(view))
    }

    /// Saves a view over the stored one.
    ///
    /// - Parameter version: The version that it replaces; any when `nil`.
    /// - Returns: The view with its new version.
    public func update(_ view: EntityView, replacing version: Int64?) async throws -> EntityView {
        let row = try await runner.updateVersioned(
            .entityView, view.id.uuid, tenant: view.tenantID, table: "entity_view",
            """
            UPDATE entity_view v SET customer_id = $4, entity_id = $5, entity_type = $6, name = $7, type = $8, keys = $9,
                start_ts = $10, end_ts = $11, external_id = coalesce($12, v.external_id), additional_info = $13,
                version = coalesce(v.version, 0) + 1
            WHERE v.id = $1 AND v.tenant_id = $3 AND ($14::bigint IS NULL OR v.version = $14) AND $2::bigint IS NOT NULL
            RETURNING \(EntityView.columns)
            """, parameters(view) + [.int8(version)])
        return EntityView(row)
    }

    private func parameters(_ view: EntityView) -> [PostgresParameter] {
        [
            .id(view.id), .int8(view.createdTime), .id(view.tenantID), .id(view.customerID), .id(view.entity.uuid),
            .text(view.entity.type.name), .text(view.name), .text(view.type), .json(text: view.keys),
            .int8(view.startTime), .int8(view.endTime), .id(view.externalID), .json(text: view.additionalInfo),
        ]
    }

    /// Assigns a view to a customer, or to nobody (the null id).
    public func assign(_ id: EntityViewID, tenant: TenantID, customer: CustomerID) async throws -> EntityView? {
        try await runner.query(
            """
            UPDATE entity_view v SET customer_id = $3, version = coalesce(v.version, 0) + 1
            WHERE v.id = $1 AND v.tenant_id = $2 AND \(CustomerRepository.isThere("$3"))
            RETURNING \(EntityView.columns)
            """, [.id(id), .id(tenant), .id(customer)]
        ).first.map(EntityView.init)
    }

    /// Whether something that stands on the entity forbids its deletion: a view of it, or a calculated field elsewhere.
    public func isReferenced(_ entity: EntityID, tenant: TenantID) async throws -> Bool {
        let result = try await runner.query(
            """
            SELECT EXISTS (SELECT 1 FROM entity_view WHERE tenant_id = $2 AND entity_id = $1)
                OR EXISTS (SELECT 1 FROM calculated_field
                    WHERE tenant_id = $2 AND entity_id <> $1 AND strpos(configuration, $3) > 0)
            """, [.id(entity.uuid), .id(tenant), .text(entity.uuid.text)])
        return result[0].bool(0) ?? false
    }

    /// Deletes the view with all that is kept about it.
    ///
    /// - Returns: Whether there was one.
    public func delete(_ id: EntityViewID, tenant: TenantID) async throws -> Bool {
        let deleted = try await runner.query(
            "DELETE FROM entity_view WHERE id = $1 AND tenant_id = $2", [.id(id), .id(tenant)])
        guard deleted.affectedRows > 0 else { return false }
        try await EntityTraces.delete(id.entityID, on: runner)
        return true
    }

    // MARK: - Lists

    private static let sortable = [
        "createdTime": "v.created_time", "name": "v.name", "type": "v.type", "customerTitle": "c.title",
        "customerId": "v.customer_id", "startTs": "v.start_ts", "endTs": "v.end_ts", "version": "v.version",
    ]
    private static let shape = ListStatement.Shape(
        columns: EntityView.columns, source: EntityViewSummary.source, id: "v.id", searched: ["v.name"],
        sortable: sortable)
    private static let infoShape = ListStatement.Shape(
        columns: EntityViewSummary.columns, source: EntityViewSummary.source, id: "v.id", searched: ["v.name"],
        sortable: sortable)

    /// What a list of views can be narrowed to.
    public struct Filter: Sendable {
        public var customer: CustomerID?
        public var type: String?

        public init(customer: CustomerID? = nil, type: String? = nil) {
            self.customer = customer
            self.type = type
        }
    }

    public func page(tenant: TenantID, _ filter: Filter, _ link: PageLink) async throws -> Page<EntityView> {
        try await narrowed(Self.shape, tenant: tenant, filter).page(link, on: runner, EntityView.init)
    }

    public func infoPage(tenant: TenantID, _ filter: Filter, _ link: PageLink) async throws -> Page<EntityViewSummary> {
        try await narrowed(Self.infoShape, tenant: tenant, filter).page(link, on: runner, EntityViewSummary.init)
    }

    private func narrowed(_ shape: ListStatement.Shape, tenant: TenantID, _ filter: Filter) -> ListStatement {
        var statement = ListStatement(shape)
        statement.require("v.tenant_id = $?", .id(tenant))
        if let customer = filter.customer { statement.require("v.customer_id = $?", .id(customer)) }
        if let type = filter.type { statement.require("v.type = $?", .text(type)) }
        return statement
    }

    /// The types that the tenant's views (or the customer's) have.
    public func types(tenant: TenantID, customer: CustomerID?) async throws -> [String] {
        try await runner.query(
            """
            SELECT DISTINCT type FROM entity_view
            WHERE tenant_id = $1 AND ($2::uuid IS NULL OR customer_id = $2) ORDER BY type
            """, [.id(tenant), .id(customer?.uuid)]
        ).map { $0.text(0) ?? "" }
    }
}
