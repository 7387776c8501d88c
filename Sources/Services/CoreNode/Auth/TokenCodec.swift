internal import Cache
internal import Crypto
internal import JSON
internal import Model
internal import Storage
internal import Synchronization

/// Why a token does not let its bearer in.
enum TokenError: Error, Equatable {
    /// No token at all, or of a kind that this server does not issue.
    case malformed
    /// Signed by somebody else.
    case badSignature
    case expired
    /// A refresh token where an access token belongs, or the other way round.
    case wrongKind
}

/// The two tokens of a login.
struct TokenPair: Sendable {
    var access: String
    var refresh: String
}

/// Makes and reads the tokens of `rest-api.md` 1.5, with settings that may change while it is used. Tokens are never
/// logged.
final class TokenCodec: Sendable {
    private let current: Mutex<TokenSettings>
    private static let refreshScope = "REFRESH_TOKEN"

    /// What access tokens said that were found right under the present settings: a client sends the same one with every
    /// request.
    private let known = Mutex(LRUCache<String, KnownClaims>(capacity: 1000))

    private struct KnownClaims {
        var claims: AccessClaims
        /// Seconds since 1970.
        var expiry: Int64
    }

    init(_ settings: TokenSettings) { current = Mutex(settings) }

    /// A new key makes every token issued before invalid.
    var settings: TokenSettings {
        get { current.withLock { $0 } }
        set {
            current.withLock { current in
                current = newValue
                known.withLock { $0 = LRUCache(capacity: 1000) }
            }
        }
    }

    // MARK: - Issuing

    /// A pair for `user`. Both carry `session`, which a logout ends.
    func issue(for user: User, session: UUID128, now: Int64) -> TokenPair {
        pair(user, subject: user.email, isPublic: false, session, now / 1000)
    }

    /// A pair for whoever looks at what is assigned to the tenant's public customer (`rest-api.md` 1.4).
    func issuePublic(for customer: Customer, session: UUID128, now: Int64) -> TokenPair {
        let user = User(
            id: .null, createdTime: 0, tenantID: customer.tenantID, customerID: customer.id, email: "",
            authority: .customerUser, firstName: Customer.publicTitle, lastName: Customer.publicTitle)
        return pair(user, subject: customer.id.description, isPublic: true, session, now / 1000)
    }

    /// A token that opens only the endpoints of two-factor authentication.
    ///
    /// - Parameter lifetime: Seconds.
    func issueLimited(
        _ scope: Principal.Scope, for user: User, session: UUID128, lifetime: Int64, now: Int64
    ) -> String {
        let settings = settings
        var token = JSONWriter()
        token.object { writer in
            common(
                user, subject: user.email, scope: scope.rawValue, session, now / 1000, lifetime, settings, &writer)
            writer.member("enabled", true)
            writer.member("isPublic", false)
            writer.member("authority", user.authority.rawValue)
            writer.member("tenantId", user.tenantID.description)
            writer.member("customerId", user.customerID.description)
        }
        return SignedToken.sign(payload: token.bytes, key: settings.signingKey)
    }

    private func pair(
        _ user: User, subject: String, isPublic: Bool, _ session: UUID128, _ seconds: Int64
    ) -> TokenPair {
        let settings = settings
        var access = JSONWriter()
        access.object { writer in
            common(
                user, subject: subject, scope: user.authority.rawValue, session, seconds, settings.accessLifetime,
                settings, &writer)
            if let firstName = user.firstName { writer.member("firstName", firstName) }
            if let lastName = user.lastName { writer.member("lastName", lastName) }
            writer.member("enabled", true)
            writer.member("isPublic", isPublic)
            writer.member("tenantId", user.tenantID.description)
            writer.member("customerId", user.customerID.description)
        }
        var refresh = JSONWriter()
        refresh.object { writer in
            common(
                user, subject: subject, scope: Self.refreshScope, session, seconds, settings.refreshLifetime, settings,
                &writer)
            writer.member("isPublic", isPublic)
            writer.member("jti", UUID128.random().text)
        }
        return TokenPair(
            access: SignedToken.sign(payload: access.bytes, key: settings.signingKey),
            refresh: SignedToken.sign(payload: refresh.bytes, key: settings.signingKey))
    }

    private func common(
        _ user: User, subject: String, scope: String, _ session: UUID128, _ seconds: Int64, _ lifetime: Int64,
        _ settings: TokenSettings, _ writer: inout JSONWriter
    ) {
        writer.member("sub", subject)
        writer.member("userId", user.id.description)
        writer.key("scopes")
        writer.array { $0.value(scope) }
        writer.member("sessionId", session.text)
        writer.member("exp", seconds + lifetime)
        writer.member("iss", settings.issuer)
        writer.member("iat", seconds)
    }

    // MARK: - Reading

    /// What an access token says.
    struct AccessClaims: Sendable {
        var principal: Principal
        /// Seconds since 1970.
        var issuedAt: Int64
    }

    /// What a refresh token says.
    struct RefreshClaims: Sendable {
        var userID: UserID
        var sessionID: UUID128
        var issuedAt: Int64
        /// Of a public user: the customer.
        var publicCustomer: CustomerID?
    }

    func readAccess(_ token: String, now: Int64) throws(TokenError) -> AccessClaims {
        if let known = known.withLock({ $0.value(for: token) }) {
            guard now / 1000 < known.expiry else { throw .expired }
            return known.claims
        }
        let settings = settings
        let claims = try verified(token, settings, now: now)
        guard claims.scope != Self.refreshScope else { throw .wrongKind }
        let limited = Principal.Scope(rawValue: claims.scope)
        let role = limited == nil ? claims.scope : claims.object["authority"]?.stringValue
        guard let authority = role.flatMap(Authority.init),
            let tenant = claims.object["tenantId"]?.stringValue.flatMap({ UUID128($0) }),
            let customer = claims.object["customerId"]?.stringValue.flatMap({ UUID128($0) })
        else { throw .malformed }
        let principal = Principal(
            userID: claims.userID, subject: claims.object["sub"]?.stringValue ?? "", tenantID: TenantID(tenant),
            customerID: CustomerID(customer), authority: authority, sessionID: claims.sessionID,
            isPublic: claims.object["isPublic"]?.boolValue ?? false,
            firstName: claims.object["firstName"]?.stringValue, lastName: claims.object["lastName"]?.stringValue,
            scope: limited ?? .full)
        let access = AccessClaims(principal: principal, issuedAt: claims.issuedAt)
        current.withLock { current in
            // Not what was found right under a key that is no more.
            guard current == settings else { return }
            known.withLock { $0.insert(KnownClaims(claims: access, expiry: claims.expiry), for: token) }
        }
        return access
    }

    func readRefresh(_ token: String, now: Int64) throws(TokenError) -> RefreshClaims {
        let claims = try verified(token, settings, now: now)
        guard claims.scope == Self.refreshScope else { throw .wrongKind }
        let subject = claims.object["sub"]?.stringValue.flatMap { UUID128($0) }
        return RefreshClaims(
            userID: claims.userID, sessionID: claims.sessionID, issuedAt: claims.issuedAt,
            publicCustomer: claims.object["isPublic"]?.boolValue == true ? subject.map(CustomerID.init) : nil)
    }

    private struct Claims {
        var object: JSONObject
        var scope: String
        var userID: UserID
        var sessionID: UUID128
        var issuedAt: Int64
        var expiry: Int64
    }

    /// The claims of a token that this installation signed and that has not expired.
    private func verified(
        _ text: String, _ settings: TokenSettings, now: Int64
    ) throws(TokenError) -> Claims {
        guard let token = SignedToken(text),
            let header = (try? JSONValue.parse(token.header))?.objectValue,
            header["alg"]?.stringValue == "HS512"
        else { throw .malformed }
        guard token.isSigned(with: settings.signingKey) else { throw .badSignature }
        guard let object = (try? JSONValue.parse(token.payload))?.objectValue,
            let scope = object["scopes"]?[0]?.stringValue,
            let user = object["userId"]?.stringValue.flatMap({ UUID128($0) }),
            let session = object["sessionId"]?.stringValue.flatMap({ UUID128($0) }),
            let expiry = object["exp"]?.integerValue, let issuedAt = object["iat"]?.integerValue
        else { throw .malformed }
        guard now / 1000 < expiry else { throw .expired }
        return Claims(
            object: object, scope: scope, userID: UserID(user), sessionID: session, issuedAt: issuedAt, expiry: expiry)
    }
}
