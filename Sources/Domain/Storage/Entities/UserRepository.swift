public import Model
internal import Postgres

/// Users and their credentials in the database. E-mail addresses are unique over all tenants, so users are found
/// without a tenant; callers check ownership (`rest-api.md` 1.13).
public struct UserRepository: Sendable {
    let runner: any StatementRunner

    public init(_ runner: any StatementRunner) { self.runner = runner }

    public func find(_ id: UserID) async throws -> User? {
        try await runner.query("SELECT \(User.columns) FROM tb_user WHERE id = $1", [.id(id)]).first.map(User.init)
    }

    public func find(email: String) async throws -> User? {
        try await runner.query("SELECT \(User.columns) FROM tb_user WHERE email = $1", [.text(email)])
            .first.map(User.init)
    }

    public func insert(_ user: User) async throws {
        _ = try await runner.query(
            "INSERT INTO tb_user (\(User.columns)) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1)",
            parameters(user))
    }

    /// - Parameter version: The version that it replaces; any when `nil`.
    public func update(_ user: User, replacing version: Int64?) async throws -> User {
        let row = try await runner.updateVersioned(
            .user, user.id.uuid, tenant: user.tenantID, table: "tb_user",
            """
            UPDATE tb_user SET customer_id = $4, email = $5, authority = $6, first_name = $7, last_name = $8, phone = $9,
                additional_info = $10, version = coalesce(version, 0) + 1
            WHERE id = $1 AND tenant_id = $3 AND ($11::bigint IS NULL OR version = $11) AND $2::bigint IS NOT NULL
            RETURNING \(User.columns)
            """, parameters(user) + [.int8(version)])
        return User(row)
    }

    private func parameters(_ user: User) -> [PostgresParameter] {
        [
            .id(user.id), .int8(user.createdTime), .id(user.tenantID), .id(user.customerID), .text(user.email),
            .text(user.authority.rawValue), .text(user.firstName), .text(user.lastName), .text(user.phone),
            .json(text: user.additionalInfo),
        ]
    }

    /// Deletes a user with credentials and settings.
    ///
    /// - Returns: Whether there was one.
    public func delete(_ id: UserID, tenant: TenantID) async throws -> Bool {
        _ = try await runner.query("DELETE FROM user_credentials WHERE user_id = $1", [.id(id)])
        _ = try await runner.query("DELETE FROM user_auth_settings WHERE user_id = $1", [.id(id)])
        _ = try await runner.query(
            "UPDATE alarm SET assignee_id = NULL, assign_ts = 0 WHERE tenant_id = $2 AND assignee_id = $1",
            [.id(id), .id(tenant)])
        let deleted = try await runner.query(
            "DELETE FROM tb_user WHERE id = $1 AND tenant_id = $2", [.id(id), .id(tenant)])
        guard deleted.affectedRows > 0 else { return false }
        try await EntityTraces.delete(id.entityID, on: runner)
        return true
    }

    /// Tenant administrators of a tenant.
    public func countAdministrators(tenant: TenantID) async throws -> Int64 {
        try await runner.query(
            "SELECT count(*) FROM tb_user WHERE tenant_id = $1 AND authority = 'TENANT_ADMIN'", [.id(tenant)]
        )[0].int8(0) ?? 0
    }

    private static let shape = ListStatement.Shape(
        columns: User.columns, source: "tb_user", searched: ["email"],
        sortable: [
            "createdTime": "created_time", "firstName": "first_name", "lastName": "last_name", "email": "email",
            "phone": "phone", "authority": "authority", "customerId": "customer_id", "version": "version",
        ])

    /// The users of a tenant, or of one of its customers.
    public func page(tenant: TenantID, customer: CustomerID?, _ link: PageLink) async throws -> Page<User> {
        var statement = ListStatement(Self.shape)
        statement.require("tenant_id = $?", .id(tenant))
        if let customer { statement.require("customer_id = $?", .id(customer)) }
        return try await statement.page(link, on: runner, User.init)
    }

    // MARK: - Credentials

    public func credentials(_ id: UserID) async throws -> UserCredentials? {
        try await runner.query(
            "SELECT \(UserCredentials.columns) FROM user_credentials WHERE user_id = $1", [.id(id)]
        ).first.map(UserCredentials.init)
    }

    public func credentials(activateToken: String) async throws -> UserCredentials? {
        try await runner.query(
            "SELECT \(UserCredentials.columns) FROM user_credentials WHERE activate_token = $1", [.text(activateToken)]
        ).first.map(UserCredentials.init)
    }

    /// Credentials of a new user, who has to activate the account.
    public func insertCredentials(_ id: UserID, activateToken: String, expiry: Int64, now: Int64) async throws {
        _ = try await runner.query(
            """
            INSERT INTO user_credentials (id, created_time, user_id, enabled, activate_token, activate_token_exp_time)
            VALUES ($1, $2, $3, false, $4, $5)
            """, [.id(UUID128.ordered()), .int8(now), .id(id), .text(activateToken), .int8(expiry)])
    }

    public func renewActivateToken(_ id: UserID, token: String, expiry: Int64) async throws {
        _ = try await runner.query(
            "UPDATE user_credentials SET activate_token = $2, activate_token_exp_time = $3 WHERE user_id = $1",
            [.id(id), .text(token), .int8(expiry)])
    }

    /// Sets the first password, if `token` is still the one to be used, and remembers its hash as one that was used.
    ///
    /// - Returns: Whether it was.
    public func activate(_ id: UserID, token: String, passwordHash: String, now: Int64) async throws -> Bool {
        try await runner.query(
            """
            UPDATE user_credentials SET enabled = true, password = $3, activate_token = NULL,
                activate_token_exp_time = NULL, failed_login_attempts = 0, additional_info = $4
            WHERE user_id = $1 AND activate_token = $2
            """,
            [.id(id), .text(token), .text(passwordHash), .text(Self.history([(time: now, hash: passwordHash)]))]
        ).affectedRows > 0
    }

    public func setEnabled(_ id: UserID, _ isEnabled: Bool) async throws {
        _ = try await runner.query(
            "UPDATE user_credentials SET enabled = $2, failed_login_attempts = 0 WHERE user_id = $1",
            [.id(id), .boolean(isEnabled)])
    }

    public func recordLogin(_ id: UserID, at time: Int64) async throws {
        _ = try await runner.query(
            "UPDATE user_credentials SET last_login_ts = $2, failed_login_attempts = 0 WHERE user_id = $1",
            [.id(id), .int8(time)])
    }

    /// Counts a failed attempt and disables the credentials when there were more than `limit`. For a user that does not
    /// exist it writes something of no meaning, so that it takes as long.
    ///
    /// - Returns: Whether they have been disabled by it.
    public func recordFailedLogin(_ id: UserID, limit: Int64?) async throws -> Bool {
        let result = try await runner.query(
            """
            UPDATE user_credentials SET failed_login_attempts = coalesce(failed_login_attempts, 0) + 1,
                enabled = enabled AND ($2::bigint IS NULL OR coalesce(failed_login_attempts, 0) + 1 <= $2)
            WHERE user_id = $1 RETURNING enabled
            """, [.id(id), .int8(limit)])
        if result.isEmpty { _ = try await runner.query("SELECT pg_logical_emit_message(true, 'login', '')", []) }
        return result.first?.bool(0) == false
    }
}
