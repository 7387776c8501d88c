public import Model
internal import Postgres

/// A new, enabled user with a password, as statements.
public struct UserCreation: Sendable {
    public let userID: UserID
    public let statements: [SQLStatement]

    /// - Parameter passwordHash: bcrypt; `nil` makes a user who has to be activated before signing in.
    public init(
        tenantID: TenantID, customerID: CustomerID, authority: String, email: String, firstName: String?,
        passwordHash: String?, clock: inout EntityClock
    ) {
        let (id, time) = clock.tick()
        let credentials = clock.tick()
        userID = UserID(id)
        statements = [
            SQLStatement(
                """
                INSERT INTO tb_user (id, created_time, tenant_id, customer_id, authority, email, first_name)
                VALUES ($1, $2, $3, $4, $5, $6, $7)
                """,
                [
                    .uuid(id), .int8(time), .uuid(tenantID), .uuid(customerID), .text(authority), .text(email),
                    .optionalText(firstName),
                ]),
            SQLStatement(
                """
                INSERT INTO user_credentials (id, created_time, user_id, enabled, password)
                VALUES ($1, $2, $3, $4, $5)
                """,
                [
                    .uuid(credentials.id), .int8(credentials.createdTime), .uuid(id), .boolean(passwordHash != nil),
                    .optionalText(passwordHash),
                ]),
        ]
    }
}
