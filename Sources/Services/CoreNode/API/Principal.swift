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
    /// What the token opens.
    public var scope = Scope.full
    /// Whether it signed in by an API key: there is no session that could end.
    public var hasAPIKey = false

    public enum Scope: String, Sendable {
        case full
        /// The password was right; the second factor is still to come.
        case preVerification = "PRE_VERIFICATION_TOKEN"
        /// A second factor is demanded, and there is none yet.
        case factorConfiguration = "MFA_CONFIGURATION_TOKEN"
    }

    /// Whoever signs in as `user`.
    init(_ user: User, session: UUID128) {
        self.init(
            userID: user.id, subject: user.email, tenantID: user.tenantID, customerID: user.customerID,
            authority: user.authority, sessionID: session, isPublic: false, firstName: user.firstName,
            lastName: user.lastName)
    }

    init(
        userID: UserID, subject: String, tenantID: TenantID, customerID: CustomerID, authority: Authority,
        sessionID: UUID128, isPublic: Bool, firstName: String? = nil, lastName: String? = nil, scope: Scope = .full
    ) {
        self.userID = userID
        self.subject = subject
        self.tenantID = tenantID
        self.customerID = customerID
        self.authority = authority
        self.sessionID = sessionID
        self.isPublic = isPublic
        self.firstName = firstName
        self.lastName = lastName
        self.scope = scope
    }
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
