public import Model
internal import Postgres

/// A dashboard; what the widgets show is the user interface's business and kept as it came.
public struct Dashboard: Sendable {
    public var id: DashboardID
    public var createdTime: Int64
    public var tenantID: TenantID
    public var title: String
    public var image: String?
    /// A JSON array of short customer infos.
    public var assignedCustomers: RawJSON?
    public var mobileHide: Bool
    public var mobileOrder: Int32?
    public var configuration: RawJSON?
    public var externalID: UUID128?
    public var version: Int64

    public init(id: DashboardID, createdTime: Int64, tenantID: TenantID, title: String) {
        self.id = id
        self.createdTime = createdTime
        self.tenantID = tenantID
        self.title = title
        mobileHide = false
        version = 1
    }

    /// Without the configuration, which is large: lists leave it out.
    static let infoColumns = """
        id, created_time, tenant_id, title, image, assigned_customers, mobile_hide, mobile_order, external_id, version
        """
    static let columns = "\(infoColumns), configuration"

    init(_ row: PostgresRow) {
        id = row.entity(0)
        createdTime = row.int8(1) ?? 0
        tenantID = row.entity(2)
        title = row.text(3) ?? ""
        image = row.text(4)
        assignedCustomers = row.document(5)
        mobileHide = row.bool(6) ?? false
        mobileOrder = row.int4(7)
        externalID = row.id(8)
        version = row.int8(9) ?? 1
        configuration = row.result.column(named: "configuration").flatMap { row.document($0) }
    }

    /// Whether it has been assigned to `customer`.
    public func isAssigned(to customer: CustomerID) -> Bool {
        DashboardAssignments(assignedCustomers).contains(customer)
    }
}

/// Dashboards in the database. Every statement names the tenant, but for the one that finds out whose a foreign id is.
public struct DashboardRepository: Sendable {
    let runner: any StatementRunner

    public init(_ runner: any StatementRunner) { self.runner = runner }

    /// Of any tenant: the caller checks ownership (`rest-api.md` 1.13).
    public func find(_ id: DashboardID) async throws -> Dashboard? {
        try await runner.query("SELECT \(Dashboard.columns) FROM dashboard WHERE id = $1", [.id(id)])
            .first.map(Dashboard.init)
    }

    /// The same without its configuration.
    public func findInfo(_ id: DashboardID) async throws -> Dashboard? {
        try await runner.query("SELECT \(Dashboard.infoColumns) FROM dashboard WHERE id = $1", [.id(id)])
            .first.map(Dashboard.init)
    }

    public func insert(_ dashboard: Dashboard) async throws {
        _ = try await runner.query(
            """
            INSERT INTO dashboard (id, created_time, tenant_id, title, image, mobile_hide, mobile_order, external_id,
                configuration, version)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1)
            """, parameters(dashboard))
    }

    /// - Parameter version: The version that it replaces; any when `nil`. Assigned customers are kept.
    public func update(_ dashboard: Dashboard, replacing version: Int64?) async throws -> Dashboard {
        let row = try await runner.updateVersioned(
            .dashboard, dashboard.id.uuid, tenant: dashboard.tenantID, table: "dashboard",
            """
            UPDATE dashboard SET title = $4, image = $5, mobile_hide = $6, mobile_order = $7,
                external_id = coalesce($8, external_id), configuration = $9, version = coalesce(version, 0) + 1
            WHERE id = $1 AND tenant_id = $3 AND ($10::bigint IS NULL OR version = $10) AND $2::bigint IS NOT NULL
            RETURNING \(Dashboard.columns)
            """, parameters(dashboard) + [.int8(version)])
        return Dashboard(row)
    }

    private func parameters(_ dashboard: Dashboard) -> [PostgresParameter] {
        [
            .id(dashboard.id), .int8(dashboard.createdTime), .id(dashboard.tenantID), .text(dashboard.title),
            .text(dashboard.image), .boolean(dashboard.mobileHide),
            dashboard.mobileOrder.map { .int4($0) } ?? .null, .id(dashboard.externalID),
            .json(text: dashboard.configuration),
        ]
    }

    /// - Returns: Whether there was one.
    public func delete(_ id: DashboardID, tenant: TenantID) async throws -> Bool {
        let deleted = try await runner.query(
            "DELETE FROM dashboard WHERE id = $1 AND tenant_id = $2", [.id(id), .id(tenant)])
        guard deleted.affectedRows > 0 else { return false }
        try await EntityTraces.delete(id.entityID, on: runner)
        return true
    }

    private static let shape = ListStatement.Shape(
        columns: Dashboard.infoColumns, source: "dashboard", searched: ["title"],
        sortable: [
            "createdTime": "created_time", "title": "title", "name": "title", "mobileOrder": "mobile_order",
            "mobileHide": "mobile_hide", "version": "version",
        ])

    /// Dashboards without their configuration.
    ///
    /// - Parameters:
    ///   - customer: Only what is assigned to it, where given.
    ///   - mobile: Only what is not hidden from the mobile application, in the order that it is given there.
    public func page(
        tenant: TenantID, customer: CustomerID? = nil, mobile: Bool, _ link: PageLink
    ) async throws -> Page<Dashboard> {
        var statement = ListStatement(Self.shape)
        statement.require("tenant_id = $?", .id(tenant))
        if let customer {
            statement.require("strpos(coalesce(assigned_customers, ''), $?) > 0", .text(customer.description))
        }
        var link = link
        if mobile {
            statement.require("mobile_hide IS NOT TRUE")
            if link.sort == nil { link.sort = PageLink.Sort(property: "mobileOrder", descending: false) }
        }
        return try await statement.page(link, on: runner, Dashboard.init)
    }
}
