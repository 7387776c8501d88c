public import Model
internal import Postgres

/// A customer of a tenant (`rest-api.md` 3.1).
public struct Customer: Sendable {
    public var id: CustomerID
    public var createdTime: Int64
    public var tenantID: TenantID
    public var title: String
    public var contact: Contact
    public var additionalInfo: RawJSON?
    /// The tenant's customer for what everybody may see.
    public var isPublic: Bool
    public var externalID: UUID128?
    public var version: Int64

    public static let publicTitle = "Public"

    public init(
        id: CustomerID, createdTime: Int64, tenantID: TenantID, title: String, contact: Contact = Contact(),
        additionalInfo: RawJSON? = nil, isPublic: Bool = false, externalID: UUID128? = nil, version: Int64 = 1
    ) {
        self.id = id
        self.createdTime = createdTime
        self.tenantID = tenantID
        self.title = title
        self.contact = contact
        self.additionalInfo = additionalInfo
        self.isPublic = isPublic
        self.externalID = externalID
        self.version = version
    }

    static let columns =
        "id, created_time, tenant_id, title, additional_info, is_public, external_id, version, \(Contact.columns)"

    init(_ row: PostgresRow) {
        id = row.entity(0)
        createdTime = row.int8(1) ?? 0
        tenantID = row.entity(2)
        title = row.text(3) ?? ""
        additionalInfo = row.document(4)
        isPublic = row.bool(5) ?? false
        externalID = row.id(6)
        version = row.int8(7) ?? 1
        contact = Contact(row, at: 8)
    }
}

/// Customers in the database. Every statement names the tenant, but for the one that finds out whose a foreign id is.
public struct CustomerRepository: Sendable {
    private let runner: any StatementRunner

    public init(_ runner: any StatementRunner) { self.runner = runner }

    /// Of any tenant: the caller checks ownership (`rest-api.md` 1.13).
    public func find(_ id: CustomerID) async throws -> Customer? {
        try await runner.query("SELECT \(Customer.columns) FROM customer WHERE id = $1", [.id(id)])
            .first.map(Customer.init)
    }

    public func find(_ ids: [UUID128], tenant: TenantID) async throws -> [Customer] {
        try await runner.query(
            "SELECT \(Customer.columns) FROM customer WHERE id = ANY($1) AND tenant_id = $2 ORDER BY id",
            [.ids(ids), .id(tenant)]
        ).map(Customer.init)
    }

    public func find(title: String, tenant: TenantID) async throws -> Customer? {
        try await runner.query(
            "SELECT \(Customer.columns) FROM customer WHERE tenant_id = $1 AND title = $2", [.id(tenant), .text(title)]
        ).first.map(Customer.init)
    }

    /// The tenant's public customer, made when there is none, also when others make it meanwhile.
    public func findOrCreatePublic(tenant: TenantID, now: Int64) async throws -> Customer {
        if let customer = try await find(title: Customer.publicTitle, tenant: tenant) { return customer }
        let customer = Customer(
            id: CustomerID(.ordered()), createdTime: now, tenantID: tenant, title: Customer.publicTitle,
            additionalInfo: RawJSON(wellFormed: #"{"isPublic":true}"#), isPublic: true)
        _ = try await runner.query(
            Self.insertion + " ON CONFLICT ON CONSTRAINT customer_title_unq_key DO NOTHING", parameters(customer))
        return try await find(title: Customer.publicTitle, tenant: tenant) ?? customer
    }

    private static let insertion = """
        INSERT INTO customer (id, created_time, tenant_id, title, additional_info, is_public, external_id, version,
            \(Contact.columns))
        VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8, $9, $10, $11, $12, $13, $14, $15)
        """

    public func insert(_ customer: Customer) async throws {
        _ = try await runner.query(Self.insertion, parameters(customer))
    }

    /// - Parameter version: The version that it replaces; any when `nil`.
    public func update(_ customer: Customer, replacing version: Int64?) async throws -> Customer {
        let row = try await runner.updateVersioned(
            .customer, customer.id.uuid, tenant: customer.tenantID, table: "customer",
            """
            UPDATE customer SET title = $4, additional_info = $5, external_id = coalesce($7, external_id),
                country = $8, state = $9, city = $10, address = $11, address2 = $12, zip = $13, phone = $14,
                email = $15, version = coalesce(version, 0) + 1
            WHERE id = $1 AND tenant_id = $3 AND ($16::bigint IS NULL OR version = $16)
                AND $2::bigint IS NOT NULL AND $6::boolean IS NOT NULL
            RETURNING \(Customer.columns)
            """, parameters(customer) + [.int8(version)])
        return Customer(row)
    }

    private func parameters(_ customer: Customer) -> [PostgresParameter] {
        [
            .id(customer.id), .int8(customer.createdTime), .id(customer.tenantID), .text(customer.title),
            .json(text: customer.additionalInfo), .boolean(customer.isPublic), .id(customer.externalID),
        ] + customer.contact.parameters
    }

    /// Keeps a customer from being deleted until the caller's transaction ends.
    ///
    /// - Returns: Whether there is one.
    public func hold(_ id: CustomerID) async throws -> Bool {
        try await !runner.query("SELECT 1 FROM customer WHERE id = $1 FOR KEY SHARE", [.id(id)]).isEmpty
    }

    /// A condition of a statement that assigns something to the customer of a parameter: nobody, or a customer, which is
    /// not deleted before the statement's transaction ends.
    static func isThere(_ parameter: StaticString) -> String {
        """
        (\(parameter) = '\(CustomerID.null.uuid.text)'
            OR EXISTS (SELECT 1 FROM customer WHERE id = \(parameter) FOR KEY SHARE))
        """
    }

    /// Deletes a customer with its users; what was assigned to it belongs to nobody afterwards.
    ///
    /// - Returns: Whether there was one.
    public func delete(_ id: CustomerID, tenant: TenantID) async throws -> Bool {
        let parameters: [PostgresParameter] = [.id(id), .id(tenant)]
        let deleted = try await runner.query("DELETE FROM customer WHERE id = $1 AND tenant_id = $2", parameters)
        guard deleted.affectedRows > 0 else { return false }
        for table in ["device", "asset", "entity_view", "edge"] {
            _ = try await runner.query(
                """
                UPDATE \(table) SET customer_id = $3, version = coalesce(version, 0) + 1
                WHERE tenant_id = $2 AND customer_id = $1
                """, parameters + [.id(CustomerID.null)])
        }
        let users = try await runner.query(
            "SELECT id FROM tb_user WHERE tenant_id = $2 AND customer_id = $1 ORDER BY id", parameters)
        for row in users {
            guard let user = row.id(0).map(UserID.init) else { continue }
            _ = try await UserRepository(runner).delete(user, tenant: tenant)
        }
        try await DashboardRepository(runner).removeCustomer(id, tenant: tenant)
        try await EntityTraces.delete(id.entityID, on: runner)
        return true
    }

    private static let shape = ListStatement.Shape(
        columns: Customer.columns, source: "customer", searched: ["title"],
        sortable: [
            "createdTime": "created_time", "title": "title", "name": "title", "email": "email", "country": "country",
            "city": "city", "state": "state", "address": "address", "address2": "address2", "zip": "zip",
            "phone": "phone", "version": "version",
        ])

    public func page(tenant: TenantID, _ link: PageLink) async throws -> Page<Customer> {
        var statement = ListStatement(Self.shape)
        statement.require("tenant_id = $?", .id(tenant))
        return try await statement.page(link, on: runner, Customer.init)
    }
}
