internal import HTTPServer
internal import Storage

/// Finds out who sends a request, from its fields alone (`rest-api.md` 1.1).
struct Authenticator: Sendable {
    let codec: TokenCodec
    let revocations: TokenRevocations

    func principal(of request: HTTPRequest, now: Int64) throws(APIError) -> Principal {
        guard let value = Self.credentials(request.fields), value.hasPrefix("Bearer ") else {
            throw .authenticationFailed
        }
        let claims: TokenCodec.AccessClaims
        do throws(TokenError) {
            claims = try codec.readAccess(String(value.dropFirst(7)), now: now)
        } catch {
            throw APIError(error)
        }
        let principal = claims.principal
        let isRevoked = revocations.isRevoked(
            user: principal.userID, session: principal.sessionID, issuedAt: claims.issuedAt)
        if isRevoked { throw .tokenExpired }
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
