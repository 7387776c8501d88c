public import Model
internal import Postgres

/// Widgets that belong together (`rest-api.md` 3.6).
public struct WidgetsBundle: Sendable {
    public var id: WidgetsBundleID
    public var createdTime: Int64
    /// The system's are seen by everybody.
    public var tenantID: TenantID
    public var alias: String
    public var title: String
    public var image: String?
    public var isSCADA: Bool
    public var description: String?
    public var order: Int32?
    public var externalID: UUID128?
    public var version: Int64

    public init(id: WidgetsBundleID, createdTime: Int64, tenantID: TenantID, alias: String, title: String) {
        self.id = id
        self.createdTime = createdTime
        self.tenantID = tenantID
        self.alias = alias
        self.title = title
        isSCADA = false
        version = 1
    }

    static let columns = """
        b.id, b.created_time, b.tenant_id, b.alias, b.title, b.image, b.scada, b.description, b.widgets_bundle_order, \
        b.external_id, b.version
        """

    init(_ row: PostgresRow) {
        id = row.entity(0)
        createdTime = row.int8(1) ?? 0
        tenantID = row.entity(2)
        alias = row.text(3) ?? ""
        title = row.text(4) ?? ""
        image = row.text(5)
        isSCADA = row.bool(6) ?? false
        description = row.text(7)
        order = row.int4(8)
        externalID = row.id(9)
        version = row.int8(10) ?? 1
    }
}

/// Bundles in the database.
public struct WidgetsBundleRepository: Sendable {
    private let runner: any StatementRunner

    public init(_ runner: any StatementRunner) { self.runner = runner }

    /// Of any tenant: the caller checks ownership (`rest-api.md` 1.13).
    public func find(_ id: WidgetsBundleID) async throws -> WidgetsBundle? {
        try await runner.query("SELECT \(WidgetsBundle.columns) FROM widgets_bundle b WHERE b.id = $1", [.id(id)])
            .first.map(WidgetsBundle.init)
    }

    /// Those of `ids` that a tenant sees.
    public func find(_ ids: [UUID128], tenant: TenantID) async throws -> [WidgetsBundle] {
        try await runner.query(
            """
            SELECT \(WidgetsBundle.columns) FROM widgets_bundle b WHERE b.tenant_id IN ($1, $2) AND b.id = ANY($3)
            ORDER BY b.id
            """, [.id(tenant), .id(TenantID.system), .ids(ids)]
        ).map(WidgetsBundle.init)
    }

    public func find(alias: String, tenant: TenantID) async throws -> WidgetsBundle? {
        try await runner.query(
            "SELECT \(WidgetsBundle.columns) FROM widgets_bundle b WHERE b.tenant_id = $1 AND b.alias = $2",
            [.id(tenant), .text(alias)]
        ).first.map(WidgetsBundle.init)
    }

    /// All that a tenant sees, by order and title.
    public func all(tenant: TenantID) async throws -> [WidgetsBundle] {
        try await runner.query(
            """
            SELECT \(WidgetsBundle.columns) FROM widgets_bundle b WHERE b.tenant_id IN ($1, $2)
            ORDER BY b.widgets_bundle_order NULLS LAST, b.title, b.id
            """, [.id(tenant), .id(TenantID.system)]
        ).map(WidgetsBundle.init)
    }

    /// - Parameter ownOnly: Without those of the system.
    public func page(tenant: TenantID, ownOnly: Bool, _ link: PageLink) async throws -> Page<WidgetsBundle> {
        var statement = ListStatement(
            .init(
                columns: WidgetsBundle.columns, source: "widgets_bundle b", id: "b.id",
                searched: ["b.title", "b.description"],
                sortable: ["createdTime": "b.created_time", "title": "b.title", "name": "b.title"]))
        statement.require("b.tenant_id = ANY($?)", .ids(ownOnly ? [tenant.uuid] : [tenant.uuid, TenantID.system.uuid]))
        return try await statement.page(link, on: runner, WidgetsBundle.init)
    }

    // MARK: - Writing

    public func insert(_ bundle: WidgetsBundle) async throws {
        _ = try await runner.query(
            """
            INSERT INTO widgets_bundle (id, created_time, tenant_id, alias, title, image, scada, description,
                widgets_bundle_order, external_id)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
            """,
            [
                .id(bundle.id), .int8(bundle.createdTime), .id(bundle.tenantID), .text(bundle.alias),
                .text(bundle.title), .text(bundle.image), .boolean(bundle.isSCADA), .text(bundle.description),
                bundle.order.map { .int4($0) } ?? .null, .id(bundle.externalID),
            ])
    }

    /// The alias stays as it was made.
    ///
    /// - Parameter version: The version that it replaces; any when `nil`.
    public func update(_ bundle: WidgetsBundle, replacing version: Int64?) async throws -> WidgetsBundle {
        let row = try await runner.updateVersioned(
            .widgetsBundle, bundle.id.uuid, tenant: bundle.tenantID, table: "widgets_bundle",
            """
            UPDATE widgets_bundle b SET title = $3, image = $4, scada = $5, description = $6,
                widgets_bundle_order = $7, version = version + 1
            WHERE id = $1 AND tenant_id = $2 AND ($8::bigint IS NULL OR version = $8)
            RETURNING \(WidgetsBundle.columns)
            """,
            [
                .id(bundle.id), .id(bundle.tenantID), .text(bundle.title), .text(bundle.image),
                .boolean(bundle.isSCADA), .text(bundle.description), bundle.order.map { .int4($0) } ?? .null,
                .int8(version),
            ])
        return WidgetsBundle(row)
    }

    /// Widget types stay. Returns whether there was one.
    public func delete(_ id: WidgetsBundleID, tenant: TenantID) async throws -> Bool {
        try await runner.query(
            "DELETE FROM widgets_bundle WHERE id = $1 AND tenant_id = $2", [.id(id), .id(tenant)]
        ).affectedRows > 0
    }

    /// Makes the bundle hold exactly these types, in their order. In the caller's transaction.
    ///
    /// - Parameter types: Those that the tenant does not see are left out.
    public func setTypes(_ types: [UUID128], of bundle: WidgetsBundle) async throws {
        _ = try await runner.query(
            "DELETE FROM widgets_bundle_widget WHERE widgets_bundle_id = $1", [.id(bundle.id)])
        _ = try await runner.query(
            """
            INSERT INTO widgets_bundle_widget (widgets_bundle_id, widget_type_id, widget_type_order)
            SELECT $1, t.id, min(w.place)::int FROM unnest($2::uuid[]) WITH ORDINALITY AS w (id, place)
            JOIN widget_type t ON t.id = w.id AND t.tenant_id IN ($3, $4) GROUP BY t.id
            """, [.id(bundle.id), .ids(types), .id(bundle.tenantID), .id(TenantID.system)])
    }
}
