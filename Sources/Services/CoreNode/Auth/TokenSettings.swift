public import Configuration
internal import Crypto
internal import JSON
internal import Storage

/// How tokens are signed and how long they live (`rest-api.md` 1.5). Kept in the platform's settings under `jwt`.
public struct TokenSettings: Sendable, Equatable {
    /// Seconds.
    public var accessLifetime: Int64 = 9000
    /// Seconds.
    public var refreshLifetime: Int64 = 604_800
    public var issuer = "thingsboard.io"
    var signingKey: [UInt8]

    static let key = "jwt"
    /// The value that stands for "make a key".
    private static let defaultSigningKey = "thingsboardDefaultSigningKey"

    /// The first settings of an installation; a random key unless the operator gives one.
    public init(from settings: inout SettingsReader) {
        accessLifetime = Int64(settings.integer("JWT_TOKEN_EXPIRATION_TIME", default: 9000, in: 60...315_360_000))
        refreshLifetime = Int64(
            settings.integer("JWT_REFRESH_TOKEN_EXPIRATION_TIME", default: 604_800, in: 900...315_360_000))
        issuer = settings.string("JWT_TOKEN_ISSUER", default: "thingsboard.io")
        let given = settings.secret("JWT_TOKEN_SIGNING_KEY")?.revealed
        signingKey = given.flatMap(Self.usable) ?? SecureRandom.bytes(64)
    }

    init(signingKey: [UInt8]) { self.signingKey = signingKey }

    /// A key is base64 of at least 64 bytes.
    private static func usable(_ text: String) -> [UInt8]? {
        guard text != defaultSigningKey, let key = Base64.decode(text), key.count >= 64 else { return nil }
        return key
    }

    /// Reads the stored form; `nil` when it lacks a usable key.
    init?(_ document: RawJSON) {
        let value = document.value
        guard let key = value["tokenSigningKey"]?.stringValue.flatMap(Self.usable) else { return nil }
        signingKey = key
        accessLifetime = value["tokenExpirationTime"]?.integerValue ?? accessLifetime
        refreshLifetime = value["refreshTokenExpTime"]?.integerValue ?? refreshLifetime
        issuer = value["tokenIssuer"]?.stringValue ?? issuer
    }

    var document: RawJSON {
        RawJSON([
            "tokenExpirationTime": .integer(accessLifetime), "refreshTokenExpTime": .integer(refreshLifetime),
            "tokenIssuer": .string(issuer), "tokenSigningKey": .string(Base64.encode(signingKey)),
        ])
    }

    /// The settings of this installation: those stored, or these, which are stored then.
    func installed(in database: any StatementRunner, now: Int64) async throws -> TokenSettings {
        let stored = try await AdminSettingsRepository(database).findOrInsert(Self.key, document, now: now)
        return TokenSettings(stored) ?? self
    }
}
