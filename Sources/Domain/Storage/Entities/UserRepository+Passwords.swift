public import Model
internal import JSON
internal import Postgres

/// What is known of a user's passwords beside the current one. Never logged.
public struct PasswordRecord: Sendable {
    /// When the current password was set, milliseconds since 1970.
    public var changedTime: Int64
    public var resetToken: String?
    public var resetTokenExpiry: Int64?
    /// Hashes of former passwords, with the times at which they were set.
    public var history: [(time: Int64, hash: String)]
}

extension UserRepository {
    private static let historyKey = "userPasswordHistory"

    public func passwordRecord(_ id: UserID) async throws -> PasswordRecord? {
        try await runner.query(
            """
            SELECT created_time, reset_token, reset_token_exp_time, additional_info FROM user_credentials
            WHERE user_id = $1
            """, [.id(id)]
        ).first.map { row in
            let members = row.document(3)?.value[Self.historyKey]?.objectValue ?? [:]
            let history = members.compactMap { member -> (time: Int64, hash: String)? in
                guard let time = Int64(member.key), let hash = member.value.stringValue else { return nil }
                return (time, hash)
            }
            return PasswordRecord(
                changedTime: row.int8(0) ?? 0, resetToken: row.text(1), resetTokenExpiry: row.int8(2),
                history: history)
        }
    }

    /// Passwords that were used, as they are stored.
    static func history(_ used: [(time: Int64, hash: String)]) -> String {
        var history: JSONObject = [:]
        for (time, hash) in used { history[String(time)] = .string(hash) }
        return JSONValue.object([historyKey: .object(history)]).serializedString
    }

    /// Sets a password and remembers its hash among `kept` former ones.
    public func setPassword(
        _ id: UserID, hash: String, kept: [(time: Int64, hash: String)], now: Int64
    ) async throws {
        let info = Self.history(kept + [(time: now, hash: hash)])
        _ = try await runner.query(
            """
            UPDATE user_credentials SET password = $2, created_time = $3, additional_info = $4, reset_token = NULL,
                reset_token_exp_time = NULL, failed_login_attempts = 0
            WHERE user_id = $1
            """, [.id(id), .text(hash), .int8(now), .text(info)])
    }

    public func setResetToken(_ id: UserID, token: String, expiry: Int64) async throws {
        _ = try await runner.query(
            "UPDATE user_credentials SET reset_token = $2, reset_token_exp_time = $3 WHERE user_id = $1",
            [.id(id), .text(token), .int8(expiry)])
    }

    /// The user that a token to reset a password was given to, and when the token ends.
    public func find(resetToken: String) async throws -> (user: UserID, expiry: Int64)? {
        try await runner.query(
            "SELECT user_id, reset_token_exp_time FROM user_credentials WHERE reset_token = $1", [.text(resetToken)]
        ).first.map { ($0.entity(0), $0.int8(1) ?? 0) }
    }

    /// Takes the token away, so that it works once.
    ///
    /// - Returns: Whether it was still there.
    public func useResetToken(_ token: String) async throws -> Bool {
        try await runner.query(
            "UPDATE user_credentials SET reset_token = NULL, reset_token_exp_time = NULL WHERE reset_token = $1",
            [.text(token)]
        ).affectedRows > 0
    }

    // MARK: - Lists

    public func find(_ ids: [UUID128], tenant: TenantID, customer: CustomerID?) async throws -> [User] {
        try await runner.query(
            """
            SELECT \(User.columns) FROM tb_user
            WHERE id = ANY($1) AND tenant_id = $2 AND ($3::uuid IS NULL OR customer_id = $3) ORDER BY id
            """, [.ids(ids), .id(tenant), customer.map { .id($0) } ?? .null]
        ).map(User.init)
    }

    private static let infoShape = ListStatement.Shape(
        columns: User.columns, source: "tb_user", searched: ["email", "first_name", "last_name"],
        sortable: [
            "createdTime": "created_time", "firstName": "first_name", "lastName": "last_name", "email": "email",
        ])

    /// Users that a search finds by their names too.
    public func infoPage(tenant: TenantID, customer: CustomerID?, _ link: PageLink) async throws -> Page<User> {
        var statement = ListStatement(Self.infoShape)
        statement.require("tenant_id = $?", .id(tenant))
        if let customer { statement.require("customer_id = $?", .id(customer)) }
        return try await statement.page(link, on: runner, User.init)
    }

    /// Users who may see something of a customer's: tenant administrators and the customer's own.
    public func infoPage(tenant: TenantID, seeing customer: CustomerID?, _ link: PageLink) async throws -> Page<User> {
        var statement = ListStatement(Self.infoShape)
        statement.require("tenant_id = $?", .id(tenant))
        statement.require("customer_id = ANY($?)", .ids([CustomerID.null.uuid] + (customer.map { [$0.uuid] } ?? [])))
        return try await statement.page(link, on: runner, User.init)
    }

    /// Administrators of one tenant.
    public func administratorPage(tenant: TenantID, _ link: PageLink) async throws -> Page<User> {
        var statement = ListStatement(Self.infoShape)
        statement.require("tenant_id = $?", .id(tenant))
        statement.require("authority = 'TENANT_ADMIN'")
        return try await statement.page(link, on: runner, User.init)
    }
}
