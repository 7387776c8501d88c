import Crypto
import JSON
import Model
import Storage
import Testing

@testable import CoreNode

@Suite struct TokenTests {
    private let settings = TokenSettings(signingKey: [UInt8](repeating: 7, count: 64))
    private let now: Int64 = 1_700_000_000_500
    private let session = UUID128.random()
    private let user = User(
        id: UserID(.random()), createdTime: 0, tenantID: TenantID(.random()), customerID: .null, email: "a@x.org",
        authority: .tenantAdministrator, firstName: "A")

    private var codec: TokenCodec { TokenCodec(settings) }
    private var pair: TokenPair { codec.issue(for: user, session: session, now: now) }

    private func claims(_ token: String) throws -> JSONObject {
        let signed = try #require(SignedToken(token))
        return try #require(try JSONValue.parse(signed.payload).objectValue)
    }

    @Test func `an access token has the documented claims`() throws {
        let claims = try claims(pair.access)
        #expect(claims["sub"] == "a@x.org")
        #expect(claims["userId"] == .string(user.id.description))
        #expect(claims["scopes"] == ["TENANT_ADMIN"])
        #expect(claims["sessionId"] == .string(session.text))
        #expect(claims["exp"] == .integer(1_700_009_000))
        #expect(claims["iat"] == .integer(1_700_000_000))
        #expect(claims["iss"] == "thingsboard.io")
        #expect(claims["enabled"] == true)
        #expect(claims["isPublic"] == false)
        #expect(claims["tenantId"] == .string(user.tenantID.description))
        #expect(claims["customerId"] == "13814000-1dd2-11b2-8080-808080808080")
        #expect(claims["firstName"] == "A")
        #expect(claims["lastName"] == nil)
    }

    @Test func `a refresh token has its scope and an id, and lives for a week`() throws {
        let claims = try claims(pair.refresh)
        #expect(claims["scopes"] == ["REFRESH_TOKEN"])
        #expect(claims["exp"] == .integer(1_700_604_800))
        #expect(claims["jti"] != nil)
        #expect(claims["tenantId"] == nil)
    }

    @Test func `what was issued is read back`() throws {
        let claims = try codec.readAccess(pair.access, now: now)
        #expect(claims.principal.userID == user.id)
        #expect(claims.principal.tenantID == user.tenantID)
        #expect(claims.principal.authority == .tenantAdministrator)
        #expect(claims.principal.sessionID == session)
        #expect(claims.issuedAt == 1_700_000_000)
        #expect(try codec.readRefresh(pair.refresh, now: now).userID == user.id)
    }

    private func token(header: String, payload: String? = nil, key: [UInt8]? = nil) -> String {
        let payload = payload ?? "{}"
        let input = Base64.encode(Array(header.utf8), .urlSafe) + "." + Base64.encode(Array(payload.utf8), .urlSafe)
        let signature = Digest.hmacSHA512(Array(input.utf8), key: key ?? settings.signingKey)
        return input + "." + Base64.encode(signature, .urlSafe)
    }

    @Test func `the reasons to refuse a token are told apart`() {
        let other = TokenCodec(TokenSettings(signingKey: [UInt8](repeating: 8, count: 64)))
        let foreign = other.issue(for: user, session: session, now: now).access
        #expect(throws: TokenError.badSignature) { try codec.readAccess(foreign, now: now) }
        #expect(throws: TokenError.expired) { try codec.readAccess(pair.access, now: now + 9_000_000) }
        #expect(throws: TokenError.wrongKind) { try codec.readAccess(pair.refresh, now: now) }
        #expect(throws: TokenError.wrongKind) { try codec.readRefresh(pair.access, now: now) }
        #expect(throws: TokenError.malformed) { try codec.readAccess("garbage", now: now) }
        #expect(throws: TokenError.malformed) { try codec.readAccess("a.b.c", now: now) }
    }

    @Test func `a token that was read before ends with its key and with its time`() throws {
        let codec = codec
        let pair = pair
        #expect(try codec.readAccess(pair.access, now: now).principal.authority == .tenantAdministrator)
        #expect(try codec.readAccess(pair.access, now: now).principal.authority == .tenantAdministrator)
        #expect(throws: TokenError.expired) { try codec.readAccess(pair.access, now: now + 9_000_000) }
        let settings = codec.settings
        codec.settings.signingKey = Array(repeating: 9, count: 64)
        #expect(throws: TokenError.badSignature) { try codec.readAccess(pair.access, now: now) }
        codec.settings = settings
        #expect(try codec.readAccess(pair.access, now: now).principal.authority == .tenantAdministrator)
    }

    @Test(arguments: [#"{"alg":"none"}"#, #"{"alg":"HS256"}"#, #"{"alg":"hs512"}"#, "{}", "[]", "nonsense"])
    func `no algorithm but the own is accepted, whatever the signature`(_ header: String) throws {
        let payload = String(decoding: try #require(SignedToken(pair.access)).payload, as: UTF8.self)
        let forged = token(header: header, payload: payload)
        #expect(throws: TokenError.malformed) { try codec.readAccess(forged, now: now) }
        let unsigned = forged.split(separator: ".").prefix(2).joined(separator: ".") + "."
        #expect(throws: TokenError.malformed) { try codec.readAccess(unsigned, now: now) }
    }

    @Test(arguments: ["{}", "[]", #"{"scopes":["TENANT_ADMIN"]}"#, #"{"scopes":"TENANT_ADMIN","userId":1}"#])
    func `signed claims that lack what is needed are refused`(_ payload: String) {
        let signed = token(header: #"{"alg":"HS512"}"#, payload: payload)
        #expect(throws: TokenError.malformed) { try codec.readAccess(signed, now: now) }
    }

    // MARK: - Settings

    @Test func `settings survive being stored`() throws {
        var changed = settings
        changed.accessLifetime = 60
        changed.issuer = "me"
        let read = try #require(TokenSettings(changed.document))
        #expect(read.accessLifetime == 60)
        #expect(read.issuer == "me")
        #expect(read.signingKey == settings.signingKey)
    }

    @Test(arguments: ["", "short", "thingsboardDefaultSigningKey", "not base64 !!"])
    func `settings without a usable key are no settings`(_ key: String) {
        #expect(TokenSettings(RawJSON(["tokenSigningKey": .string(key)])) == nil)
    }
}
