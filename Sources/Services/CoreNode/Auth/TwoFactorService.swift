internal import Cache
internal import Crypto
internal import JSON
internal import Logging
internal import Model
internal import Storage
internal import Synchronization

/// The second factor: one-time passwords that an app makes from a shared secret (`rest-api.md` 1.9, RFC 6238).
struct TwoFactorService: Sendable {
    /// What a user has to do behind the password. Lifetimes are those of the token for it, in seconds.
    enum Demand: Sendable, Equatable {
        case none
        case verification(lifetime: Int64)
        case configuration(lifetime: Int64)
    }

    let database: any StatementRunner
    let logger: Logger
    private let attempts: RateLimiter
    private let used: UsedCodes

    init(database: any StatementRunner, counts: (any SharedCounts)?, logger: Logger) {
        self.database = database
        self.logger = logger
        attempts = RateLimiter("two-factor", shared: counts)
        used = UsedCodes(shared: counts)
    }

    private var accounts: UserAuthSettingsRepository { UserAuthSettingsRepository(database) }

    func settings() async throws -> TwoFactorSettings? { try await TwoFactorSettings.load(from: database) }

    func demand(on user: User) async throws -> Demand {
        guard let settings = try await settings(), settings.isEnabled else { return .none }
        if try await configuration(of: user.id) != nil { return .verification(lifetime: settings.verificationLifetime) }
        return settings.isEnforced(on: user) ? .configuration(lifetime: settings.verificationLifetime) : .none
    }

    // MARK: - Configuration

    /// `{configs:{TOTP:{...}}}`; `nil` when the user has configured nothing.
    func accountSettings(of user: UserID) async throws -> JSONValue? {
        guard let stored = try await accounts.find(user)?.value, stored["configs"]?.objectValue?.isEmpty == false else {
            return nil
        }
        return stored
    }

    private func configuration(of user: UserID) async throws -> JSONValue? {
        try await accountSettings(of: user)?["configs"]?["TOTP"]
    }

    /// A new secret, to be confirmed by a code.
    func draft(for user: Principal) async throws -> JSONValue {
        let settings = try await requireSettings()
        let secret = Base32.encode(SecureRandom.bytes(20))
        let issuer = Self.escaped(settings.issuer)
        let url = "otpauth://totp/\(issuer):\(Self.escaped(user.subject))?issuer=\(issuer)&secret=\(secret)"
        return ["providerType": "TOTP", "useByDefault": false, "authUrl": .string(url)]
    }

    /// Stores a configuration whose secret made `code`.
    func save(_ configuration: JSONValue, code: String, of user: UserID, now: Int64) async throws -> JSONValue {
        let settings = try await requireSettings()
        guard configuration["providerType"]?.stringValue == "TOTP", let secret = Self.secret(of: configuration) else {
            throw APIError.invalid("Validation error: authUrl is malformed")
        }
        try await count(user, settings, now)
        guard await accept(code, secret, user, now) else { throw APIError.invalid("Verification code is incorrect") }
        var stored: JSONObject = ["providerType": "TOTP"]
        stored["useByDefault"] = true
        stored["authUrl"] = configuration["authUrl"] ?? .null
        let account: JSONValue = ["configs": ["TOTP": .object(stored)]]
        try await accounts.save(user, RawJSON(account), now: now)
        return account
    }

    func delete(of user: UserID) async throws { try await accounts.delete(user) }

    private func requireSettings() async throws -> TwoFactorSettings {
        guard let settings = try await settings(), settings.isEnabled else {
            throw APIError.invalid("2FA provider is not available")
        }
        return settings
    }

    // MARK: - Verification

    /// Checks the code of a login. Too many wrong ones lock the account.
    func verify(_ code: String, of user: UserID, now: Int64) async throws {
        let settings = try await requireSettings()
        guard let configuration = try await configuration(of: user), let secret = Self.secret(of: configuration) else {
            throw APIError.invalid("2FA is not configured for account")
        }
        try await count(user, settings, now)
        if await accept(code, secret, user, now) { return }
        let isLocked = try await UserRepository(database).recordFailedLogin(user, limit: settings.maximumFailures)
        if isLocked {
            logger.warning("an account was locked after wrong codes", ["user": LogValue(describing: user)])
            throw APIError(401, .authentication, "User account is locked due to security policy")
        }
        throw APIError.invalid("Verification code is incorrect")
    }

    private func count(_ user: UserID, _ settings: TwoFactorSettings, _ now: Int64) async throws(APIError) {
        guard await attempts.allows(user.uuid, settings.checkRate, now: now) else {
            throw APIError(429, .tooManyRequests, "Too many verification code check attempts")
        }
    }

    /// Each code counts once.
    private func accept(_ code: String, _ secret: [UInt8], _ user: UserID, _ now: Int64) async -> Bool {
        guard let step = OneTimePassword.step(of: code, secret: secret, now: now / 1000) else { return false }
        return await used.take(step, of: user)
    }

    private static func secret(of configuration: JSONValue) -> [UInt8]? {
        guard let url = configuration["authUrl"]?.stringValue, url.hasPrefix("otpauth://totp/"), url.utf8.count <= 1000,
            let query = url.split(separator: "?").last,
            let parameter = query.split(separator: "&").first(where: { $0.hasPrefix("secret=") }),
            let secret = Base32.decode(String(parameter.dropFirst(7))), secret.count >= 10
        else { return nil }
        return secret
    }

    private static func escaped(_ text: String) -> String {
        text.utf8.map { byte in
            let character = Character(UnicodeScalar(byte))
            let isPlain = byte < 0x7F && (character.isLetter || character.isNumber || "-._~@".contains(character))
            return isPlain ? String(character) : "%" + Hex.encode([byte]).uppercased()
        }.joined()
    }
}

/// The last step whose code each user has used, on any node where they share counts.
private final class UsedCodes: Sendable {
    private let shared: (any SharedCounts)?
    private let steps = Mutex(LRUCache<UserID, Int64>(capacity: 10_000))
    /// Longer than any code is good for.
    private static let memory: Duration = .seconds(600)

    init(shared: (any SharedCounts)?) { self.shared = shared }

    func take(_ step: Int64, of user: UserID) async -> Bool {
        if let shared {
            let isNew = await shared.advance("two-factor-step:\(user)", to: step, lifetime: Self.memory)
            if isNew == false { return false }
        }
        return steps.withLock { steps in
            if let last = steps.value(for: user), last >= step { return false }
            steps.insert(step, for: user)
            return true
        }
    }
}
