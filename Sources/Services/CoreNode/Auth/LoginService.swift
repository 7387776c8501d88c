internal import Crypto
internal import JSON
internal import Logging
internal import Model
internal import Storage

/// Where a login comes from, for the audit log.
struct LoginClient: Sendable {
    /// Address of the client, or what a proxy says it is.
    var address: String
    var userAgent: String

    /// The program, as `name version` where the client says nothing else of itself.
    var product: String {
        if userAgent.isEmpty { return "Unknown" }
        let parts = userAgent.split(separator: "/", omittingEmptySubsequences: false)
        let isPlain = parts.count == 2 && !userAgent.contains { $0.isWhitespace || $0 == "(" }
        return String((isPlain ? "\(parts[0]) \(parts[1])" : userAgent).unicodeScalars.prefix(255))
    }
}

/// What a right password gets.
enum LoginResult: Sendable {
    case complete(TokenPair)
    /// A token for the next step of two-factor authentication.
    case limited(String, Principal.Scope)
}

/// Checks passwords and hands out tokens (`rest-api.md` 1.2 to 1.4).
struct LoginService: Sendable {
    let database: any TransactionRunner
    let codec: TokenCodec
    let revocations: TokenRevocations
    let passwords: PasswordService
    let actions: EntityActions
    let twoFactor: TwoFactorService
    let mail: MailService
    let logger: Logger
    /// Whether e-mail addresses are compared as they are.
    let isCaseSensitive: Bool

    private var users: UserRepository { UserRepository(database) }

    func normalized(email: String) -> String { isCaseSensitive ? email : email.lowercased() }

    // MARK: - By password

    func login(email: String, password: String, from client: LoginClient, now: Int64) async throws -> LoginResult {
        // No column holds it.
        if email.utf8.contains(0) { throw APIError.invalidCredentials }
        let user = try await users.find(email: normalized(email: email))
        let credentials = try await users.credentials(user?.id ?? .null)
        let isRight = try await passwords.isPassword(password, of: credentials)
        let settings = try await SecuritySettings.load(from: database)
        guard let user, let credentials, isRight else {
            // An unknown user costs the same statements, so that the time of the answer tells nothing.
            try await countFailure(of: user, credentials, settings, client, now)
            throw APIError.invalidCredentials
        }
        guard credentials.isEnabled else { throw APIError.accountNotActive }
        try await checkAge(of: user, password, settings, now)
        switch try await twoFactor.demand(on: user) {
        case .none: break
        case .verification(let lifetime):
            return .limited(
                codec.issueLimited(.preVerification, for: user, session: .random(), lifetime: lifetime, now: now),
                .preVerification)
        case .configuration(let lifetime):
            return .limited(
                codec.issueLimited(.factorConfiguration, for: user, session: .random(), lifetime: lifetime, now: now),
                .factorConfiguration)
        }
        return .complete(try await complete(user, from: client, now: now))
    }

    /// Signs a user in who has proved everything.
    func complete(_ user: User, from client: LoginClient, now: Int64) async throws -> TokenPair {
        try await users.recordLogin(user.id, at: now)
        let session = UUID128.random()
        await actions.record(.signing(.login, user, client), by: Principal(user, session: session), now: now)
        return issue(for: user, session: session, now: now)
    }

    /// A pair for `user` that outlives whatever was revoked until now.
    func issue(for user: User, session: UUID128, now: Int64) -> TokenPair {
        codec.issue(for: user, session: session, now: revocations.firstIssue(for: user.id, now: now))
    }

    private func countFailure(
        of user: User?, _ credentials: UserCredentials?, _ settings: SecuritySettings, _ client: LoginClient,
        _ now: Int64
    ) async throws {
        let isLocked = try await users.recordFailedLogin(user?.id ?? .null, limit: settings.maximumFailedLogins)
        guard let user else { return }
        logger.limited(.warning, "a login failed", ["user": LogValue(describing: user.id)])
        let principal = Principal(user, session: .null)
        await actions.recordFailure(
            .signing(.login, user, client), by: principal, APIError.invalidCredentials, now: now)
        guard isLocked, credentials?.isEnabled == true else { return }
        logger.warning("an account was locked after too many failed logins", ["user": LogValue(describing: user.id)])
        let error = APIError(401, .authentication, "User account is locked due to security policy")
        await actions.recordFailure(.signing(.lockout, user, client), by: principal, error, now: now)
        if let recipient = settings.lockoutEmail, let limit = settings.maximumFailedLogins {
            mail.sendLater(.accountLocked(user.email, attempts: limit), to: recipient)
        }
        throw error
    }

    /// Refuses passwords that are too old or that a newer policy forbids.
    private func checkAge(
        of user: User, _ password: String, _ settings: SecuritySettings, _ now: Int64
    ) async throws {
        if let days = settings.policy.expirationPeriodDays, days > 0,
            let record = try await users.passwordRecord(user.id), record.changedTime + days * 86_400_000 < now
        {
            let token = try await passwords.makeResetToken(for: user.id, settings, now: now)
            throw APIError(
                401, .credentialsExpired, "User password expired!", details: ["resetToken": .string(token)])
        }
        if settings.policy.forcesReset, !settings.policy.violations(of: password).isEmpty {
            throw APIError(
                401, .passwordViolation,
                "The entered password violates our policies. If this is your real password, please reset it.")
        }
    }

    // MARK: - Otherwise

    /// Whoever has the id of a tenant's public customer (`rest-api.md` 1.4).
    func loginPublic(_ id: String, now: Int64) async throws -> TokenPair {
        guard let uuid = UUID128(id), let customer = try await CustomerRepository(database).find(CustomerID(uuid)),
            customer.isPublic
        else { throw APIError.invalidCredentials }
        return codec.issuePublic(for: customer, session: .random(), now: now)
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
        if let id = claims.publicCustomer {
            guard let customer = try await CustomerRepository(database).find(id), customer.isPublic else {
                throw APIError.invalidCredentials
            }
            return codec.issuePublic(for: customer, session: claims.sessionID, now: now)
        }
        guard let user = try await users.find(claims.userID),
            let credentials = try await users.credentials(user.id)
        else { throw APIError.invalidCredentials }
        guard credentials.isEnabled else { throw APIError.accountNotActive }
        return issue(for: user, session: claims.sessionID, now: now)
    }

    func logout(_ principal: Principal, from client: LoginClient, now: Int64) async throws {
        if principal.hasAPIKey { return }
        try await revocations.revoke(session: principal.sessionID, now: now)
        guard let user = try await users.find(principal.userID) else { return }
        await actions.record(.signing(.logout, user, client), by: principal, now: now)
    }

    /// Signs an administrator in as somebody else, and says so in the audit log.
    func impersonate(_ user: User, from client: LoginClient, now: Int64) async throws -> TokenPair {
        let credentials = try await users.credentials(user.id)
        guard credentials?.isEnabled == true else { throw APIError.accountNotActive }
        let session = UUID128.random()
        await actions.record(.signing(.login, user, client), by: Principal(user, session: session), now: now)
        return issue(for: user, session: session, now: now)
    }
}

extension EntityAction {
    /// A login, a logout, or the end of logins.
    static func signing(_ type: ActionType, _ user: User, _ client: LoginClient) -> EntityAction {
        EntityAction(
            type: type, subject: ActionSubject(user),
            audited: [
                "clientAddress": .string(client.address),
                "browser": .string(client.product),
                // Not guessed from what the client says of itself.
                "os": "Other", "device": "Other",
            ])
    }
}
