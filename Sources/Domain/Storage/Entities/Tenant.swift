public import Model
internal import Postgres

/// A tenant (`rest-api.md` 3.1).
public struct Tenant: Sendable {
    public var id: TenantID
    public var createdTime: Int64
    public var title: String
    public var region: String?
    public var tenantProfileID: TenantProfileID
    public var contact: Contact
    public var additionalInfo: RawJSON?
    public var version: Int64
    /// Of its profile.
    public var profileName: String

    static let columns = """
        t.id, t.created_time, t.title, t.region, t.tenant_profile_id, t.additional_info, t.version, p.name, \
        t.country, t.state, t.city, t.address, t.address2, t.zip, t.phone, t.email
        """

    init(_ row: PostgresRow) {
        id = row.entity(0)
        createdTime = row.int8(1) ?? 0
        title = row.text(2) ?? ""
        region = row.text(3)
        tenantProfileID = row.entity(4)
        additionalInfo = row.document(5)
        version = row.int8(6) ?? 1
        profileName = row.text(7) ?? ""
        contact = Contact(row, at: 8)
    }
}

/// Tenants in the database.
public struct TenantRepository: Sendable {
    let runner: any StatementRunner

    public init(_ runner: any StatementRunner) { self.runner = runner }

    public func find(_ id: TenantID) async throws -> Tenant? {
        try await runner.query(
            "SELECT \(Tenant.columns) FROM \(Self.source) WHERE t.id = $1", [.id(id)]
        ).first.map(Tenant.init)
    }

    static let source = "tenant t JOIN tenant_profile p ON p.id = t.tenant_profile_id"
    private static let shape = ListStatement.Shape(
        columns: Tenant.columns, source: source, id: "t.id", searched: ["t.title"],
        sortable: [
            "createdTime": "t.created_time", "title": "t.title", "email": "t.email", "country": "t.country",
            "state": "t.state", "city": "t.city", "address": "t.address", "address2": "t.address2", "zip": "t.zip",
            "phone": "t.phone", "region": "t.region", "tenantProfileName": "p.name", "version": "t.version",
        ])

    public func page(_ link: PageLink) async throws -> Page<Tenant> {
        try await ListStatement(Self.shape).page(link, on: runner, Tenant.init)
    }
}
