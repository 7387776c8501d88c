internal import HTTPServer
internal import Model
internal import Storage

/// Finds out who sends a request (`rest-api.md` 1.1, 1.11): from its fields alone for tokens, with one statement for API
/// keys.
struct Authenticator: Sendable {
    let codec: TokenCodec
    let revocations: TokenRevocations
    let database: any StatementRunner

    private static let tokenPrefix = "Bearer "
    private static let keyPrefix = "ApiKey "

    func principal(of request: HTTPRequest, now: Int64) async throws -> Principal {
        guard let value = Self.credentials(request.fields) else { throw APIError.authenticationFailed }
        if value.hasPrefix(Self.keyPrefix) {
            return try await principal(key: String(value.dropFirst(Self.keyPrefix.utf8.count)), now: now)
        }
        guard value.hasPrefix(Self.tokenPrefix) else { throw APIError.authenticationFailed }
        return try principal(token: String(value.dropFirst(Self.tokenPrefix.utf8.count)), now: now)
    }

    func principal(token: String, now: Int64) throws(APIError) -> Principal {
        let claims: TokenCodec.AccessClaims
        do throws(TokenError) {
            claims = try codec.readAccess(token, now: now)
        } catch {
            throw APIError(error)
        }
        let principal = claims.principal
        let isRevoked = revocations.isRevoked(
            user: principal.userID, session: principal.sessionID, issuedAt: claims.issuedAt)
        if isRevoked { throw .tokenExpired }
        return principal
    }

    func principal(key value: String, now: Int64) async throws -> Principal {
        guard value.utf8.count <= 512, !value.utf8.contains(0),
            let found = try await APIKeyRepository(database).holder(of: value)
        else { throw APIError.invalidCredentials }
        guard found.key.isEnabled, found.isUserEnabled else { throw APIError.accountNotActive }
        if found.key.isExpired(now: now) { throw APIError(401, .authentication, "API key is expired") }
        var principal = Principal(found.user, session: .null)
        principal.hasAPIKey = true
        return principal
    }

    /// The field of the platform's own name counts if it is there and not blank.
    private static func credentials(_ fields: HTTPFields) -> String? {
        if let value = fields["X-Authorization"], value.contains(where: { !$0.isWhitespace }) { return value }
        return fields["Authorization"]
    }
}

extension APIError {
    init(_ error: TokenError) {
        switch error {
        case .malformed: self = .invalidCredentials
        case .badSignature, .expired: self = .tokenExpired
        case .wrongKind: self = .authenticationFailed
        }
    }
}
