public import Model
public import Storage

/// Who sends a request, as the token says.
public struct Principal: Sendable {
    public var userID: UserID
    /// The e-mail address; of public users the id of the public customer.
    public var subject: String
    public var tenantID: TenantID
    public var customerID: CustomerID
    public var authority: Authority
    /// Shared by the tokens of one login.
    public var sessionID: UUID128
    public var isPublic: Bool
    public var firstName: String?
    public var lastName: String?
}

/// The roles that an endpoint is open to.
public struct Roles: OptionSet, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    public static let system = Roles(rawValue: 1)
    public static let tenant = Roles(rawValue: 2)
    public static let customer = Roles(rawValue: 4)
    public static let everyone: Roles = [.system, .tenant, .customer]

    func admits(_ authority: Authority) -> Bool {
        switch authority {
        case .systemAdministrator: contains(.system)
        case .tenantAdministrator: contains(.tenant)
        case .customerUser: contains(.customer)
        }
    }
}
