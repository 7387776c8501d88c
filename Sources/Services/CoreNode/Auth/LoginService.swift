internal import Crypto
internal import Logging
internal import Model
internal import Storage

/// Checks passwords and hands out tokens (`rest-api.md` 1.2 and 1.3).
struct LoginService: Sendable {
    let database: any TransactionRunner
    let codec: TokenCodec
    let revocations: TokenRevocations
    let pool: BlockingPool
    let logger: Logger
    /// Whether e-mail addresses are compared as they are.
    let isCaseSensitive: Bool

    /// The cost of new hashes: what the reference platform uses.
    static let hashCost = 10
    /// Of a random password that was thrown away: verified where there is no user, so that both take the same time.
    private static let dummyHash = "$2a$10$.GdWB.LSCxP8CLgZiuQeq..tFrbvc1HjLYkLYfBPyxZng1HrXGGQe"

    private var users: UserRepository { UserRepository(database) }

    func normalized(email: String) -> String { isCaseSensitive ? email : email.lowercased() }

    func login(email: String, password: String, now: Int64) async throws -> TokenPair {
        let user = try await users.find(email: normalized(email: email))
        let credentials = try await users.credentials(user?.id ?? .null)
        let hash = credentials?.passwordHash ?? Self.dummyHash
        let isRight = try await pool.run { BCrypt.verify(password, hash: hash) }
        guard let user, let credentials, isRight, credentials.passwordHash != nil else {
            // An unknown user costs the same statements, so that the time of the answer tells nothing.
            try await countFailure(of: user?.id ?? .null, wasEnabled: credentials?.isEnabled ?? false)
            throw APIError.invalidCredentials
        }
        guard credentials.isEnabled else { throw APIError.accountNotActive }
        try await users.recordLogin(user.id, at: now)
        return codec.issue(for: user, session: .random(), now: now)
    }

    private func countFailure(of user: UserID, wasEnabled: Bool) async throws {
        let policy = try await PasswordPolicy.load(from: database)
        let isLocked = try await users.recordFailedLogin(user, limit: policy.maximumFailedLogins)
        logger.limited(.warning, "a login failed", ["user": LogValue(describing: user)])
        if isLocked, wasEnabled {
            logger.warning("an account was locked after too many failed logins", ["user": LogValue(describing: user)])
            throw APIError(401, .authentication, "User account is locked due to security policy")
        }
    }

    /// A new pair of the same session.
    func refresh(_ token: String, now: Int64) async throws -> TokenPair {
        let claims: TokenCodec.RefreshClaims
        do throws(TokenError) {
            claims = try codec.readRefresh(token, now: now)
        } catch {
            throw APIError(error)
        }
        let isRevoked = revocations.isRevoked(
            user: claims.userID, session: claims.sessionID, issuedAt: claims.issuedAt)
        if isRevoked { throw APIError.authenticationFailed }
        guard let user = try await users.find(claims.userID),
            let credentials = try await users.credentials(user.id)
        else { throw APIError.invalidCredentials }
        guard credentials.isEnabled else { throw APIError.accountNotActive }
        return codec.issue(for: user, session: claims.sessionID, now: now)
    }

    func hash(_ password: String) async throws -> String {
        try await pool.run { BCrypt.hash(password, cost: Self.hashCost) }
    }

    func isPassword(_ password: String, of credentials: UserCredentials) async throws -> Bool {
        let hash = credentials.passwordHash ?? Self.dummyHash
        return try await pool.run { BCrypt.verify(password, hash: hash) } && credentials.passwordHash != nil
    }
}
