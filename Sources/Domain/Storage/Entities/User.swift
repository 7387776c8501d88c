public import Model
internal import Postgres

/// What a user may be (`rest-api.md` 1.13).
public enum Authority: String, Sendable, CaseIterable {
    case systemAdministrator = "SYS_ADMIN"
    case tenantAdministrator = "TENANT_ADMIN"
    case customerUser = "CUSTOMER_USER"
}

/// Somebody who can sign in (`rest-api.md` 3.1).
public struct User: Sendable {
    public var id: UserID
    public var createdTime: Int64
    public var tenantID: TenantID
    public var customerID: CustomerID
    public var email: String
    public var authority: Authority
    public var firstName: String?
    public var lastName: String?
    public var phone: String?
    public var additionalInfo: RawJSON?
    public var version: Int64

    public init(
        id: UserID, createdTime: Int64, tenantID: TenantID, customerID: CustomerID = .null, email: String,
        authority: Authority, firstName: String? = nil, lastName: String? = nil, phone: String? = nil,
        additionalInfo: RawJSON? = nil, version: Int64 = 1
    ) {
        self.id = id
        self.createdTime = createdTime
        self.tenantID = tenantID
        self.customerID = customerID
        self.email = email
        self.authority = authority
        self.firstName = firstName
        self.lastName = lastName
        self.phone = phone
        self.additionalInfo = additionalInfo
        self.version = version
    }

    static let columns = """
        id, created_time, tenant_id, customer_id, email, authority, first_name, last_name, phone, additional_info, version
        """

    init(_ row: PostgresRow) { self.init(row, at: 0) }

    /// Reads ``columns`` from `column` on.
    init(_ row: PostgresRow, at column: Int) {
        id = row.entity(column)
        createdTime = row.int8(column + 1) ?? 0
        tenantID = row.id(column + 2).map(TenantID.init) ?? .system
        customerID = row.id(column + 3).map(CustomerID.init) ?? .null
        email = row.text(column + 4) ?? ""
        authority = row.text(column + 5).flatMap(Authority.init) ?? .customerUser
        firstName = row.text(column + 6)
        lastName = row.text(column + 7)
        phone = row.text(column + 8)
        additionalInfo = row.document(column + 9)
        version = row.int8(column + 10) ?? 1
    }
}

/// How a user signs in. Never logged.
public struct UserCredentials: Sendable {
    public var userID: UserID
    public var isEnabled: Bool
    /// A bcrypt hash; `nil` until the account is activated.
    public var passwordHash: String?
    public var activateToken: String?
    /// Milliseconds since 1970.
    public var activateTokenExpiry: Int64?
    public var lastLogin: Int64?
    public var failedLogins: Int32

    static let columns = """
        user_id, enabled, password, activate_token, activate_token_exp_time, last_login_ts, failed_login_attempts
        """

    init(_ row: PostgresRow) {
        userID = row.entity(0)
        isEnabled = row.bool(1) ?? false
        passwordHash = row.text(2)
        activateToken = row.text(3)
        activateTokenExpiry = row.int8(4)
        lastLogin = row.int8(5)
        failedLogins = row.int4(6) ?? 0
    }
}
