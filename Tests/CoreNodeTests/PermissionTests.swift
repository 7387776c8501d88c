import Model
import Storage
import Testing

@testable import CoreNode

/// The table of `rest-api.md` 1.13.
@Suite struct PermissionTests {
    private static let tenant = TenantID(.random())
    private static let customer = CustomerID(.random())

    private func principal(_ authority: Authority) -> Principal {
        Principal(
            userID: UserID(.random()), subject: "x",
            tenantID: authority == .systemAdministrator ? .system : Self.tenant,
            customerID: authority == .customerUser ? Self.customer : .null, authority: authority, sessionID: .random(),
            isPublic: false)
    }

    private let own = Permissions.Owner(tenant: tenant, customer: customer)
    private let foreign = Permissions.Owner(tenant: TenantID(.random()), customer: customer)
    private let ofNobody = Permissions.Owner(tenant: tenant)

    @Test(arguments: Permissions.Operation.allCases)
    func `nobody but the tenant and its customer touches a device`(_ operation: Permissions.Operation) {
        #expect(!Permissions.allows(principal(.systemAdministrator), operation, .device, of: own))
        #expect(Permissions.allows(principal(.tenantAdministrator), operation, .device, of: own))
        #expect(!Permissions.allows(principal(.tenantAdministrator), operation, .device, of: foreign))
        #expect(!Permissions.allows(principal(.customerUser), operation, .device, of: ofNobody))
        #expect(!Permissions.allows(principal(.customerUser), operation, .device, of: foreign))
    }

    @Test func `a customer uses its devices but neither makes nor deletes them`() {
        let user = principal(.customerUser)
        for operation in [Permissions.Operation.read, .write, .readCredentials, .readTelemetry, .writeAttributes] {
            #expect(Permissions.allows(user, operation, .device, of: own))
        }
        for operation in [Permissions.Operation.create, .delete, .writeCredentials, .assignToCustomer] {
            #expect(!Permissions.allows(user, operation, .device, of: own))
        }
    }

    @Test func `a tenant administrator looks at the own tenant without changing it`() {
        let administrator = principal(.tenantAdministrator)
        for operation in [Permissions.Operation.read, .readAttributes, .readTelemetry, .delete] {
            #expect(Permissions.allows(administrator, operation, .tenant, of: ofNobody))
            #expect(!Permissions.allows(administrator, operation, .tenant, of: foreign))
        }
        for operation in [Permissions.Operation.write, .writeAttributes, .writeTelemetry] {
            #expect(!Permissions.allows(administrator, operation, .tenant, of: ofNobody))
            #expect(Permissions.allows(principal(.systemAdministrator), operation, .tenant, of: ofNobody))
        }
    }

    @Test func `a customer reads the own customer only`() {
        #expect(Permissions.allows(principal(.customerUser), .read, .customer, of: own))
        #expect(!Permissions.allows(principal(.customerUser), .write, .customer, of: own))
        #expect(!Permissions.allows(principal(.customerUser), .read, .customer, of: ofNobody))
        #expect(!Permissions.allows(principal(.systemAdministrator), .read, .customer, of: own))
    }

    @Test func `a customer's user changes itself only`() {
        let user = principal(.customerUser)
        var itself = own
        itself.user = user.userID
        itself.authority = .customerUser
        var colleague = own
        colleague.user = UserID(.random())
        #expect(Permissions.allows(user, .write, .user, of: itself))
        #expect(!Permissions.allows(user, .delete, .user, of: itself))
        #expect(Permissions.allows(user, .read, .user, of: colleague))
        #expect(!Permissions.allows(user, .write, .user, of: colleague))
    }

    @Test func `administrators of system and tenant have their own users`() {
        var system = Permissions.Owner(tenant: Self.tenant)
        system.authority = .systemAdministrator
        #expect(!Permissions.allows(principal(.tenantAdministrator), .write, .user, of: system))
        var customers = own
        customers.authority = .customerUser
        #expect(Permissions.allows(principal(.tenantAdministrator), .delete, .user, of: customers))
        #expect(!Permissions.allows(principal(.systemAdministrator), .read, .user, of: customers))
    }

    @Test func `a dashboard is read by the customers that it is assigned to`() {
        var assigned = ofNobody
        assigned.isAssigned = true
        #expect(Permissions.allows(principal(.customerUser), .read, .dashboard, of: assigned))
        #expect(!Permissions.allows(principal(.customerUser), .write, .dashboard, of: assigned))
        #expect(!Permissions.allows(principal(.customerUser), .read, .dashboard, of: ofNobody))
    }

    @Test func `only telemetry of a usage state is read`() {
        #expect(Permissions.allows(principal(.tenantAdministrator), .readTelemetry, .apiUsageState, of: ofNobody))
        #expect(!Permissions.allows(principal(.tenantAdministrator), .read, .apiUsageState, of: ofNobody))
    }

    @Test func `roles admit those they name`() {
        #expect(Roles.everyone.admits(.systemAdministrator))
        #expect(Roles.tenant.admits(.tenantAdministrator))
        #expect(!Roles.tenant.admits(.customerUser))
        #expect(![Roles.tenant, .customer].reduce(Roles()) { $0.union($1) }.admits(.systemAdministrator))
    }
}
