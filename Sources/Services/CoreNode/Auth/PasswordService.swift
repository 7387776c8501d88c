internal import Crypto
internal import Logging
internal import Model
internal import Storage

/// Hashes, compares and changes passwords (`rest-api.md` 1.6 to 1.8). Hashes are made on threads of their own.
struct PasswordService: Sendable {
    let database: any StatementRunner
    let pool: BlockingPool

    /// The cost of new hashes: what the reference platform uses.
    static let hashCost = 10
    /// Of a random password that was thrown away: verified where there is no user, so that both take the same time.
    static let dummyHash = "$2a$10$.GdWB.LSCxP8CLgZiuQeq..tFrbvc1HjLYkLYfBPyxZng1HrXGGQe"
    /// Former passwords that are remembered, at most.
    private static let rememberedPasswords = 24

    private var users: UserRepository { UserRepository(database) }

    func hash(_ password: String) async throws -> String {
        try await pool.run { BCrypt.hash(password, cost: Self.hashCost) }
    }

    /// Takes as long where there is no password.
    func isPassword(_ password: String, of credentials: UserCredentials?) async throws -> Bool {
        let hash = credentials?.passwordHash ?? Self.dummyHash
        return try await pool.run { BCrypt.verify(password, hash: hash) } && credentials?.passwordHash != nil
    }

    /// Refuses a password that the policy forbids or that was used lately.
    ///
    /// - Returns: What is known of former passwords.
    @discardableResult
    func check(
        _ password: String, of user: UserID, _ policy: PasswordPolicy, now: Int64
    ) async throws -> [(time: Int64, hash: String)] {
        try policy.check(password)
        let history = try await users.passwordRecord(user)?.history ?? []
        if let days = policy.reuseFrequencyDays, days > 0 {
            for former in history where former.time > now - days * 86_400_000 {
                guard try await pool.run({ BCrypt.verify(password, hash: former.hash) }) else { continue }
                throw APIError.invalid("Password was already used for the last \(days) days")
            }
        }
        return history
    }

    /// Sets a password that the policy allows and that was not used lately.
    func change(_ user: UserID, to password: String, _ policy: PasswordPolicy, now: Int64) async throws {
        let history = try await check(password, of: user, policy, now: now)
        let kept = history.sorted { $0.time > $1.time }.prefix(Self.rememberedPasswords - 1)
        try await users.setPassword(user, hash: try await hash(password), kept: Array(kept), now: now)
    }

    /// A token by which a password can be set once.
    func makeResetToken(for user: UserID, _ settings: SecuritySettings, now: Int64) async throws -> String {
        let token = SecureRandom.urlSafeToken(bytes: 30)
        try await users.setResetToken(user, token: token, expiry: now + settings.resetTokenLifetime * 3_600_000)
        return token
    }
}
