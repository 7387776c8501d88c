internal import JSON
public import Model
internal import Postgres

/// A customer as dashboards show it: `{"customerId":{...},"title":...,"public":...}`.
public struct ShortCustomer: Sendable, Equatable {
    public var id: CustomerID
    public var title: String
    public var isPublic: Bool

    public init(id: CustomerID, title: String, isPublic: Bool) {
        self.id = id
        self.title = title
        self.isPublic = isPublic
    }

    public init(_ customer: Customer) {
        self.init(id: customer.id, title: customer.title, isPublic: customer.isPublic)
    }
}

/// The customers that a dashboard is assigned to, in the form of `dashboard.assigned_customers`.
public struct DashboardAssignments: Sendable, Equatable {
    public private(set) var customers: [ShortCustomer]

    public init(_ document: RawJSON?) {
        customers = (document?.value.arrayValue ?? []).compactMap { element in
            guard let id = element["customerId"]?["id"]?.stringValue.flatMap({ UUID128($0) }) else { return nil }
            return ShortCustomer(
                id: CustomerID(id), title: element["title"]?.stringValue ?? "",
                isPublic: element["public"]?.boolValue ?? false)
        }
    }

    public func contains(_ customer: CustomerID) -> Bool { customers.contains { $0.id == customer } }

    /// - Returns: Whether anything changed.
    @discardableResult
    public mutating func add(_ customer: ShortCustomer) -> Bool {
        guard let index = customers.firstIndex(where: { $0.id == customer.id }) else {
            customers.append(customer)
            return true
        }
        defer { customers[index] = customer }
        return customers[index] != customer
    }

    /// - Returns: Whether it was there.
    @discardableResult
    public mutating func remove(_ customer: CustomerID) -> Bool {
        let count = customers.count
        customers.removeAll { $0.id == customer }
        return customers.count < count
    }

    public var document: RawJSON {
        RawJSON(
            .array(
                customers.map { customer in
                    [
                        "customerId": [
                            "entityType": .string(EntityType.customer.name), "id": .string(customer.id.description),
                        ],
                        "title": .string(customer.title), "public": .bool(customer.isPublic),
                    ]
                }))
    }
}

extension DashboardRepository {
    /// Changes whom a dashboard is assigned to. To be run in a transaction, in which nobody else changes it.
    ///
    /// - Parameter change: Returns whether it changed anything; if not, the dashboard keeps its version.
    /// - Returns: The dashboard; `nil` when there is none.
    public func changeAssignments(
        _ id: DashboardID, tenant: TenantID, _ change: (inout DashboardAssignments) -> Bool
    ) async throws -> Dashboard? {
        let found = try await runner.query(
            "SELECT \(Dashboard.columns) FROM dashboard WHERE id = $1 AND tenant_id = $2 FOR UPDATE",
            [.id(id), .id(tenant)]
        ).first.map(Dashboard.init)
        guard let found else { return nil }
        var assignments = DashboardAssignments(found.assignedCustomers)
        guard change(&assignments) else { return found }
        return try await runner.query(
            """
            UPDATE dashboard SET assigned_customers = $3, version = coalesce(version, 0) + 1
            WHERE id = $1 AND tenant_id = $2 RETURNING \(Dashboard.columns)
            """, [.id(id), .id(tenant), .text(assignments.document.text)]
        ).first.map(Dashboard.init)
    }

    /// Tells the dashboards of a customer its new title.
    public func renameCustomer(_ customer: ShortCustomer, tenant: TenantID) async throws {
        for id in try await ids(assignedTo: customer.id, tenant: tenant) {
            _ = try await changeAssignments(id, tenant: tenant) { $0.add(customer) }
        }
    }

    /// Takes all dashboards back from a customer.
    public func removeCustomer(_ customer: CustomerID, tenant: TenantID) async throws {
        for id in try await ids(assignedTo: customer, tenant: tenant) {
            _ = try await changeAssignments(id, tenant: tenant) { $0.remove(customer) }
        }
    }

    private func ids(assignedTo customer: CustomerID, tenant: TenantID) async throws -> [DashboardID] {
        try await runner.query(
            """
            SELECT id FROM dashboard WHERE tenant_id = $1 AND strpos(coalesce(assigned_customers, ''), $2) > 0 ORDER BY id
            """, [.id(tenant), .text(customer.description)]
        ).map { $0.entity(0) }
    }

    /// Those of `ids` that belong to the tenant, without their configuration.
    public func infos(_ ids: [UUID128], tenant: TenantID) async throws -> [Dashboard] {
        try await runner.query(
            "SELECT \(Dashboard.infoColumns) FROM dashboard WHERE tenant_id = $1 AND id = ANY($2) ORDER BY id",
            [.id(tenant), .ids(ids)]
        ).map(Dashboard.init)
    }
}
