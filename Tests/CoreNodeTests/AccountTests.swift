import Crypto
import HTTPServer
import JSON
import Model
import Postgres
import Storage
import Synchronization
import TestSupport
import Testing

@testable import CoreNode

/// How people get in, and how they are kept out (`rest-api.md` 1).
@Suite(.enabled(if: TestDatabase.isAvailable, "PostgreSQL is not installed"), .serialized)
struct AccountTests {
    private let api: TestService
    private let salt = String(UInt32.random(in: 0...UInt32.max))

    init() async throws { api = try await TestService(changesLogins: true) }

    private var email: String { "u\(salt)@x.org" }

    private func id(_ value: JSONValue) throws -> String { try #require(value["id"]?["id"]?.stringValue, "\(value)") }

    /// A tenant administrator with the password `secret1`.
    private func makeUser() async throws -> String {
        let token = try await api.login()
        let user = try await api.send(
            .post, "/api/user?sendActivationMail=false",
            ["email": .string(email), "authority": "TENANT_ADMIN"], token: token)
        let id = try id(user.body)
        let link = try await api.send(.get, "/api/user/\(id)/activationLink", token: token).text
        let activation = try #require(link.split(separator: "=").last.map(String.init))
        let answer = try await api.send(
            .post, "/api/noauth/activate?sendActivationMail=false",
            ["activateToken": .string(activation), "password": "secret1"])
        #expect(answer.status == 200)
        return id
    }

    private func tryLogin(_ password: String) async throws -> TestService.Answer {
        try await api.send(
            .post, "/api/auth/login", ["username": .string(email), "password": .string(password)])
    }

    private func setSecurity(_ members: JSONObject) async throws {
        let system = try await api.login("sysadmin")
        var settings: JSONObject = [
            "passwordPolicy": ["minimumLength": 6, "maximumLength": 72], "userActivationTokenTtl": 24,
            "passwordResetTokenTtl": 24,
        ]
        for (key, value) in members { settings[key] = value }
        let answer = try await api.send(.post, "/api/admin/securitySettings", .object(settings), token: system)
        #expect(answer.status == 200)
    }

    // MARK: - Passwords

    @Test func tooManyFailuresLockTheAccount() async throws {
        _ = try await makeUser()
        try await setSecurity(["maxFailedLoginAttempts": 2])
        #expect(try await tryLogin("no").message == "Invalid username or password")
        #expect(try await tryLogin("no").message == "Invalid username or password")
        #expect(try await tryLogin("no").message == "User account is locked due to security policy")
        #expect(try await tryLogin("secret1").message == "User account is not active")
        try await setSecurity([:])
    }

    @Test func anOldPasswordHasToBeReset() async throws {
        let user = try await makeUser()
        let uuid = try #require(UUID128(user))
        _ = try await api.database.query(
            "UPDATE user_credentials SET created_time = 1 WHERE user_id = $1", [.uuid(high: uuid.high, low: uuid.low)])
        try await setSecurity([
            "passwordPolicy": ["minimumLength": 6, "maximumLength": 72, "passwordExpirationPeriodDays": 1]
        ])
        let refused = try await tryLogin("secret1")
        #expect(refused.status == 401)
        #expect(refused.code == 15)
        let token = try #require(refused.body["resetToken"]?.stringValue)
        let reset: JSONValue = ["resetToken": .string(token), "password": "secret2"]
        #expect(try await api.send(.post, "/api/noauth/resetPassword", reset).status == 200)
        #expect(try await api.send(.post, "/api/noauth/resetPassword", reset).message == "Invalid reset token!")
        #expect(try await tryLogin("secret2").status == 200)
        try await setSecurity([:])
    }

    @Test func aPasswordIsNotUsedAgainTooSoon() async throws {
        _ = try await makeUser()
        try await setSecurity([
            "passwordPolicy": ["minimumLength": 6, "maximumLength": 72, "passwordReuseFrequencyDays": 5]
        ])
        var current = "secret1"
        for next in ["secret2", "secret3"] {
            let token = try #require(try await tryLogin(current).body["token"]?.stringValue)
            let body: JSONValue = ["currentPassword": .string(current), "newPassword": .string(next)]
            #expect(try await api.send(.post, "/api/auth/changePassword", body, token: token).status == 200)
            current = next
        }
        let token = try #require(try await tryLogin("secret3").body["token"]?.stringValue)
        let body: JSONValue = ["currentPassword": "secret3", "newPassword": "secret2"]
        let refused = try await api.send(.post, "/api/auth/changePassword", body, token: token)
        #expect(refused.message == "Password was already used for the last 5 days")
        try await setSecurity([:])
    }

    @Test func resetLinksLeadToThePageAndAreLimited() async throws {
        let user = try await makeUser()
        let uuid = try #require(UUID128(user))
        _ = try await api.database.query(
            "UPDATE user_credentials SET reset_token = $2, reset_token_exp_time = $3 WHERE user_id = $1",
            [.uuid(high: uuid.high, low: uuid.low), .text("t" + salt), .int8(CurrentTime.milliseconds + 100_000)])
        let path = "/api/noauth/resetPassword?resetToken=t\(salt)"
        for _ in 0..<5 {
            let answer = try await api.send(.get, path)
            #expect(answer.status == 303)
            #expect(answer.response.field("Location") == "/login/resetPassword?resetToken=t\(salt)")
        }
        #expect(try await api.send(.get, path).status == 429)
        #expect(try await api.send(.get, "/api/noauth/resetPassword?resetToken=x").status == 409)
    }

    @Test func unknownAddressesAreNotTold() async throws {
        let answer = try await api.send(
            .post, "/api/noauth/resetPasswordByEmail", ["email": .string("nobody\(salt)@x.org")])
        #expect(answer.status == 200)
        #expect(answer.text.isEmpty)
    }

    // MARK: - Second factors

    @Test func aSecondFactorIsAskedForAndEachCodeCountsOnce() async throws {
        let user = try await makeUser()
        let system = try await api.login("sysadmin")
        let settings: JSONValue = ["providers": [["providerType": "TOTP", "issuerName": "Needletail"]]]
        #expect(try await api.send(.post, "/api/2fa/settings", settings, token: system).status == 200)
        let full = try #require(try await tryLogin("secret1").body["token"]?.stringValue)
        let path = "/api/2fa/account/config"
        let draft = try await api.send(.post, path + "/generate?providerType=TOTP", token: full).body
        let url = try #require(draft["authUrl"]?.stringValue)
        let text = try #require(url.split(separator: "=").last)
        let secret = try #require(Base32.decode(String(text)))
        let step = CurrentTime.milliseconds / 1000 / OneTimePassword.period
        let first = OneTimePassword.code(secret: secret, step: step - 1)
        #expect(
            try await api.send(.post, path + "?verificationCode=000", draft, token: full).message
                == "Verification code is incorrect")
        #expect(try await api.send(.post, path + "?verificationCode=" + first, draft, token: full).status == 200)

        let limited = try await tryLogin("secret1").body
        #expect(limited["scope"] == "PRE_VERIFICATION_TOKEN")
        #expect(limited["refreshToken"] == nil)
        let token = try #require(limited["token"]?.stringValue)
        #expect(try await api.send(.get, "/api/auth/user", token: token).status == 403)
        let check = "/api/auth/2fa/verification/check?providerType=TOTP&verificationCode="
        #expect(try await api.send(.post, check + first, token: token).message == "Verification code is incorrect")
        let failed = try await audited("/api/audit/logs/user/\(user)", full) { $0["actionStatus"] == "FAILURE" }
        #expect(failed["actionType"] == "LOGIN")
        #expect(failed["actionFailureDetails"] == "Verification code is incorrect")
        let second = OneTimePassword.code(secret: secret, step: step + 1)
        let complete = try await api.send(.post, check + second, token: token)
        #expect(complete.status == 200)
        let access = try #require(complete.body["token"]?.stringValue)
        #expect(try await api.send(.get, "/api/auth/user", token: access).status == 200)
        // The limited token has done its work.
        #expect(try await api.send(.post, check + second, token: token).status == 401)

        let enforced: JSONValue = [
            "providers": [["providerType": "TOTP", "issuerName": "Needletail"]], "enforceTwoFa": true,
            "enforcedUsersFilter": ["type": "TENANT_ADMINISTRATORS"],
        ]
        #expect(try await api.send(.post, "/api/2fa/settings", enforced, token: system).status == 200)
        let demanded = try await api.send(
            .post, "/api/auth/login", ["username": "tenant@thingsboard.org", "password": "tenant"])
        #expect(demanded.body["scope"] == "MFA_CONFIGURATION_TOKEN")
        let configuring = try #require(demanded.body["token"]?.stringValue)
        #expect(try await api.send(.post, "/api/auth/2fa/login", token: configuring).status == 403)
        #expect(try await api.send(.get, "/api/2fa/account/settings", token: configuring).status == 200)
        #expect(try await api.send(.post, "/api/2fa/settings", ["providers": []], token: system).status == 200)
        #expect(try await tryLogin("secret1").body["refreshToken"] != nil)
    }

    @Test func oneTimePasswordsAreThoseOfTheStandard() throws {
        // RFC 6238, appendix B.
        let secret = Array("12345678901234567890".utf8)
        #expect(OneTimePassword.code(secret: secret, step: 59 / 30) == "287082")
        #expect(OneTimePassword.code(secret: secret, step: 1_111_111_109 / 30) == "081804")
        #expect(OneTimePassword.step(of: "081804", secret: secret, now: 1_111_111_109 + 30) != nil)
        #expect(OneTimePassword.step(of: "081804", secret: secret, now: 1_111_111_109 + 90) == nil)
        #expect(Base32.encode(Array("foobar".utf8)) == "MZXW6YTBOI")
        #expect(Base32.decode("MZXW6YTBOI======") == Array("foobar".utf8))
    }

    // MARK: - Keys

    @Test func anAPIKeyStandsForItsUser() async throws {
        let token = try await api.login()
        let me = try await api.send(.get, "/api/auth/user", token: token).body
        let request: JSONValue = ["userId": me["id"] ?? .null, "description": "d", "enabled": true]
        let key = try await api.send(.post, "/api/apiKey", request, token: token).body
        let value = try #require(key["value"]?.stringValue)
        #expect(value.hasPrefix("tb_"))
        let fields = [("X-Authorization", "ApiKey " + value)]
        #expect(try await api.send(.get, "/api/auth/user", fields: fields).body["id"] == me["id"])
        #expect(try await api.send(.post, "/api/auth/logout", fields: fields).status == 200)
        #expect(try await api.send(.get, "/api/auth/user", fields: fields).status == 200)
        let path = "/api/apiKey/\(try id(key))"
        #expect(try await api.send(.put, path + "/enabled/false", token: token).body["enabled"] == false)
        #expect(try await api.send(.get, "/api/auth/user", fields: fields).message == "User account is not active")
        let owner = try id(me)
        let listed = try await api.send(.get, "/api/apiKeys/\(owner)?pageSize=100&page=0", token: token)
        let keyID = try id(key)
        #expect(listed.text.contains(keyID))
        #expect(!listed.text.contains(value))
        let customer = try await api.login("customer")
        #expect(try await api.send(.get, "/api/apiKeys/\(owner)?pageSize=1&page=0", token: customer).status == 403)
        #expect(try await api.send(.post, "/api/apiKey", request, token: customer).status == 403)
        #expect(try await api.send(.delete, path, token: token).status == 200)
        #expect(try await api.send(.get, "/api/auth/user", fields: fields).message == "Invalid username or password")
    }

    // MARK: - Others

    @Test func thePublicCustomerSignsInByItsID() async throws {
        let token = try await api.login()
        let device = try await api.send(.post, "/api/device", ["name": .string("P" + salt)], token: token).body
        let path = "/api/customer/public/device/\(try id(device))"
        let shared = try await api.send(.post, path, token: token).body
        let customer = try #require(shared["customerId"]?["id"]?.stringValue)
        let pair = try await api.send(.post, "/api/auth/login/public", ["publicId": .string(customer)]).body
        let access = try #require(pair["token"]?.stringValue)
        #expect(try await api.send(.get, "/api/device/\(try id(device))", token: access).status == 200)
        #expect(try await api.send(.get, "/api/tenant/devices?pageSize=1&page=0", token: access).status == 403)
        let refresh: JSONValue = ["refreshToken": pair["refreshToken"] ?? .null]
        #expect(try await api.send(.post, "/api/auth/token", refresh).status == 200)
        let unknown: JSONValue = ["publicId": .string(UUID128.random().text)]
        #expect(try await api.send(.post, "/api/auth/login/public", unknown).status == 401)
        #expect(try await api.send(.post, "/api/auth/login/public", ["publicId": "x"]).status == 401)
    }

    @Test func administratorsSignInAsThoseBelowThem() async throws {
        let (system, tenant) = (try await api.login("sysadmin"), try await api.login())
        let administrator = try id(try await api.send(.get, "/api/auth/user", token: tenant).body)
        let pair = try await api.send(.get, "/api/user/\(administrator)/token", token: system).body
        let access = try #require(pair["token"]?.stringValue)
        #expect(try await api.send(.get, "/api/auth/user", token: access).body["email"] == "tenant@thingsboard.org")
        #expect(try await api.send(.get, "/api/user/\(administrator)/token", token: tenant).status == 403)
    }

    @Test func aNewSigningKeyEndsAllTokens() async throws {
        let system = try await api.login("sysadmin")
        let tenant = try await api.login()
        let path = "/api/admin/jwtSettings"
        let settings = try await api.send(.get, path, token: system).body
        var changed = settings.objectValue ?? [:]
        changed["tokenSigningKey"] = .string(Base64.encode(SecureRandom.bytes(64)))
        let pair = try await api.send(.post, path, .object(changed), token: system).body
        #expect(try await api.send(.get, "/api/auth/user", token: tenant).code == 11)
        let access = try #require(pair["token"]?.stringValue)
        #expect(try await api.send(.get, "/api/auth/user", token: access).status == 200)
        changed["tokenSigningKey"] = "c2hvcnQ="
        #expect(try await api.send(.post, path, .object(changed), token: access).status == 400)
        #expect(try await api.send(.post, path, settings, token: access).status == 200)
    }

    // MARK: - Tenants

    @Test func aTenantBeginsWithItsChainsAndGoesWithEverything() async throws {
        let system = try await api.login("sysadmin")
        let tenant = try await api.send(.post, "/api/tenant", ["title": .string("T" + salt)], token: system).body
        let tenantID = try id(tenant)
        let admin: JSONValue = [
            "email": .string(email), "authority": "TENANT_ADMIN",
            "tenantId": ["entityType": "TENANT", "id": .string(tenantID)],
        ]
        let user = try await api.send(.post, "/api/user?sendActivationMail=false", admin, token: system).body
        let link = try await api.send(.get, "/api/user/\(try id(user))/activationLink", token: system).text
        let activation: JSONValue = [
            "activateToken": .string(try #require(link.split(separator: "=").last.map(String.init))),
            "password": "secret1",
        ]
        let pair = try await api.send(.post, "/api/noauth/activate?sendActivationMail=false", activation).body
        let token = try #require(pair["token"]?.stringValue)
        #expect(try await api.send(.get, "/api/deviceProfileInfo/default", token: token).body["name"] == "default")
        #expect(try await api.send(.post, "/api/device", ["name": "d"], token: token).status == 200)
        #expect(try await api.send(.post, "/api/customer", ["title": "c"], token: token).status == 200)
        #expect(try await api.send(.post, "/api/tenant", ["title": "x"], token: token).status == 403)
        #expect(try await api.send(.delete, "/api/tenant/\(tenantID)", token: system).status == 200)
        #expect(try await api.send(.get, "/api/tenant/\(tenantID)", token: system).status == 404)
        #expect(try await api.send(.get, "/api/auth/user", token: token).status == 401)
        let uuid = try #require(UUID128(tenantID))
        for table in [
            "device", "customer", "tb_user", "rule_chain", "device_profile", "asset_profile", "api_usage_state",
        ] {
            let left = try await api.database.query(
                "SELECT 1 FROM \(table) WHERE tenant_id = $1", [.uuid(high: uuid.high, low: uuid.low)])
            #expect(left.isEmpty, "\(table)")
        }
    }

    @Test func aTenantsRateLimitHoldsForItAlone() async throws {
        let system = try await api.login("sysadmin")
        let profile: JSONValue = [
            "name": .string("P" + salt),
            "profileData": [
                "configuration": ["type": "DEFAULT", "tenantServerRestLimitsConfiguration": "3:3600"]
            ],
        ]
        let saved = try await api.send(.post, "/api/tenantProfile", profile, token: system).body
        let tenant = try await api.send(
            .post, "/api/tenant", ["title": .string("R" + salt), "tenantProfileId": saved["id"] ?? .null], token: system
        ).body
        let admin: JSONValue = [
            "email": .string(email), "authority": "TENANT_ADMIN", "tenantId": tenant["id"] ?? .null,
        ]
        let user = try await api.send(.post, "/api/user?sendActivationMail=false", admin, token: system).body
        let link = try await api.send(.get, "/api/user/\(try id(user))/activationLink", token: system).text
        let activation: JSONValue = [
            "activateToken": .string(try #require(link.split(separator: "=").last.map(String.init))),
            "password": "secret1",
        ]
        let pair = try await api.send(.post, "/api/noauth/activate?sendActivationMail=false", activation).body
        let token = try #require(pair["token"]?.stringValue)
        for _ in 0..<3 { #expect(try await api.send(.get, "/api/auth/user", token: token).status == 200) }
        let refused = try await api.send(.get, "/api/auth/user", token: token)
        #expect(refused.status == 429)
        #expect(refused.code == 33)
        #expect(refused.message == "Too many requests for current tenant!")
        let other = try await api.login()
        #expect(try await api.send(.get, "/api/auth/user", token: other).status == 200)
        let bad: JSONValue = [
            "name": .string("B" + salt),
            "profileData": ["configuration": ["tenantServerRestLimitsConfiguration": "3:x"]],
        ]
        #expect(try await api.send(.post, "/api/tenantProfile", bad, token: system).status == 400)
    }

    @Test func theUsersOfADeletedCustomerAreOut() async throws {
        let token = try await api.login()
        let customer = try await api.send(.post, "/api/customer", ["title": .string("C" + salt)], token: token).body
        let customerID = try id(customer)
        let user: JSONValue = [
            "email": .string(email), "authority": "CUSTOMER_USER", "customerId": customer["id"] ?? .null,
        ]
        let made = try await api.send(.post, "/api/user?sendActivationMail=false", user, token: token).body
        let link = try await api.send(.get, "/api/user/\(try id(made))/activationLink", token: token).text
        let activation: JSONValue = [
            "activateToken": .string(try #require(link.split(separator: "=").last.map(String.init))),
            "password": "secret1",
        ]
        let pair = try await api.send(.post, "/api/noauth/activate?sendActivationMail=false", activation).body
        let access = try #require(pair["token"]?.stringValue)
        let body: JSONValue = ["name": .string("D" + salt), "customerId": customer["id"] ?? .null]
        let device = try id(try await api.send(.post, "/api/device", body, token: token).body)
        #expect(try await api.send(.get, "/api/device/\(device)", token: access).status == 200)
        #expect(try await api.send(.delete, "/api/customer/\(customerID)", token: token).status == 200)
        #expect(try await api.send(.get, "/api/device/\(device)", token: access).code == 11)
        let refresh: JSONValue = ["refreshToken": pair["refreshToken"] ?? .null]
        #expect(try await api.send(.post, "/api/auth/token", refresh).status == 401)
        let free = try await api.send(.get, "/api/device/\(device)", token: token).body
        #expect(free["customerId"]?["id"]?.stringValue == CustomerID.null.description)
    }

    /// Time is what the password costs and what is written; both are the same whether the user exists or not.
    @Test func anUnknownUserCostsTheSameStatementsAndTheSameHash() async throws {
        _ = try await makeUser()
        func statements(of name: String) async throws -> [String] {
            api.database.heard.withLock { $0 = [] }
            let answer = try await api.send(
                .post, "/api/auth/login", ["username": .string(name), "password": "wrong"])
            #expect(answer.message == "Invalid username or password")
            return api.database.heard.withLock { heard in
                defer { heard = nil }
                // What runs behind the back of requests: the audit log, and the task that keeps tokens fresh.
                let others = ["audit_log", "token_revocation", "admin_settings"]
                return (heard ?? []).filter { statement in !others.contains { statement.contains($0) } }
            }
        }
        let known = try await statements(of: email)
        let unknown = try await statements(of: "nobody\(salt)@x.org")
        #expect(known.count >= 3)
        #expect(unknown.filter { !$0.contains("pg_logical_emit_message") } == known)
        #expect(unknown.count == known.count + 1)
        // Verified where there is no user: of the cost that new hashes have.
        #expect(PasswordService.dummyHash.hasPrefix("$2a$\(PasswordService.hashCost)$"))
        #expect(PasswordService.dummyHash.utf8.count == 60)
        #expect(BCrypt.verify("wrong", hash: PasswordService.dummyHash) == false)
    }

    // MARK: - Audit log

    private func audited(
        _ path: String, _ token: String, where condition: (JSONValue) -> Bool
    ) async throws -> JSONValue {
        try await eventually("an audit record") {
            let page = try await api.send(
                .get, path + "?pageSize=100&page=0&sortProperty=createdTime&sortOrder=DESC", token: token)
            return page.body["data"]?.arrayValue?.first(where: condition)
        }
    }

    @Test func whatWasRefusedIsAuditedWithItsReason() async throws {
        let token = try await api.login()
        let name = "R" + salt
        let device = try id(try await api.send(.post, "/api/device", ["name": .string(name)], token: token).body)
        #expect(try await api.send(.post, "/api/device", ["name": .string(name)], token: token).status == 400)
        let refused = try await audited("/api/audit/logs", token) {
            $0["entityName"] == .string(name) && $0["actionStatus"] == "FAILURE"
        }
        #expect(refused["actionType"] == "ADDED")
        #expect(refused["actionFailureDetails"] == "Device with such name already exists!")
        #expect(refused["entityId"]?["id"] == .string(UUID128.null.text))
        #expect(refused["actionData"]?["entity"]?["name"] == .string(name))
        let stale: JSONValue = [
            "id": ["entityType": "DEVICE", "id": .string(device)], "name": .string(name), "version": 99,
        ]
        #expect(try await api.send(.post, "/api/device", stale, token: token).status == 409)
        let path = "/api/audit/logs/entity/DEVICE/\(device)"
        let conflict = try await audited(path, token) { $0["actionStatus"] == "FAILURE" }
        #expect(conflict["actionType"] == "UPDATED")
        let view: JSONValue = [
            "name": .string(name), "type": "v", "entityId": ["entityType": "DEVICE", "id": .string(device)],
            "keys": ["timeseries": [], "attributes": ["cs": [], "ss": [], "sh": []]],
        ]
        #expect(try await api.send(.post, "/api/entityView", view, token: token).status == 200)
        #expect(try await api.send(.delete, "/api/device/\(device)", token: token).status == 400)
        let kept = try await audited(path, token) { $0["actionType"] == "DELETED" }
        #expect(kept["actionStatus"] == "FAILURE")
        #expect(kept["entityName"] == .string(name))
    }

    @Test func everyAuditedRefusalIsThatOfAnEndpoint() {
        let endpoints = Set(api.service.endpoints.map { "\($0.method.name) \($0.pattern)" })
        for pattern in RefusedChanges.saved.keys { #expect(endpoints.contains("POST " + pattern)) }
        for pattern in RefusedChanges.deleted.keys { #expect(endpoints.contains("DELETE " + pattern)) }
    }

    @Test func recordsOfAttributesAndTelemetryNameTheirEntity() async throws {
        let token = try await api.login()
        let name = "N" + salt
        let device = try id(try await api.send(.post, "/api/device", ["name": .string(name)], token: token).body)
        let base = "/api/plugins/telemetry/DEVICE/\(device)"
        #expect(try await api.send(.post, base + "/SERVER_SCOPE", ["a": 1], token: token).status == 200)
        #expect(try await api.send(.post, base + "/timeseries/ANY", ["t": 1], token: token).status == 200)
        for type in ["ATTRIBUTES_UPDATED", "TIMESERIES_UPDATED"] {
            let record = try await audited("/api/audit/logs/entity/DEVICE/\(device)", token) {
                $0["actionType"] == .string(type)
            }
            #expect(record["entityName"] == .string(name))
        }
    }

    @Test func theAuditLogIsFoundByEntityUserAndType() async throws {
        let token = try await api.login()
        let user = try id(try await api.send(.get, "/api/auth/user", token: token).body)
        let device = try id(try await api.send(.post, "/api/device", ["name": .string("L" + salt)], token: token).body)
        #expect(try await api.send(.delete, "/api/device/\(device)", token: token).status == 200)
        let path = "/api/audit/logs/entity/DEVICE/\(device)?pageSize=10&page=0&sortProperty=createdTime"
        var types: [String?] = []
        for _ in 0..<300 where types.count < 2 {
            let page = try await api.send(.get, path, token: token).body["data"]?.arrayValue ?? []
            types = page.map { $0["actionType"]?.stringValue }
            if types.count < 2 { try await Task.sleep(for: .milliseconds(10)) }
        }
        #expect(types == ["ADDED", "DELETED"])
        let filtered = try await api.send(.get, path + "&actionTypes=DELETED", token: token).body["data"]?.arrayValue
        #expect(filtered?.map { $0["actionType"] } == ["DELETED"])
        #expect(filtered?.first?["actionStatus"] == "SUCCESS")
        #expect(filtered?.first?["userName"] == "tenant@thingsboard.org")
        #expect(try await api.send(.get, path + "&actionTypes=FOO", token: token).status == 400)
        #expect(try await api.send(.get, path + "&endTime=1", token: token).body["totalElements"] == 0)
        let own = try await api.send(.get, "/api/audit/logs/user/\(user)?pageSize=1&page=0", token: token)
        #expect(own.body["data"]?.arrayValue?.count == 1)
        let customer = try await api.login("customer")
        #expect(try await api.send(.get, "/api/audit/logs?pageSize=1&page=0", token: customer).status == 403)
    }

    // MARK: - Settings of users

    @Test func settingsOfUsersAreMerged() async throws {
        _ = try await makeUser()
        let token = try #require(try await tryLogin("secret1").body["token"]?.stringValue)
        let path = "/api/user/settings"
        #expect(try await api.send(.get, path, token: token).text == "{}")
        #expect(try await api.send(.post, path, ["a": ["b": 1]], token: token).body == ["a": ["b": 1]])
        #expect(try await api.send(.put, path, ["c": 2], token: token).text.isEmpty)
        #expect(try await api.send(.get, path + "/general", token: token).body == ["a": ["b": 1], "c": 2])
        #expect(try await api.send(.delete, path + "/a.b,c", token: token).status == 200)
        #expect(try await api.send(.get, path, token: token).body == ["a": [:]])
        #expect(try await api.send(.get, path + "/quick_links", token: token).text == "{}")
        #expect(try await api.send(.get, path + "/mobile", token: token).status == 400)
        #expect(try await api.send(.get, path + "/nonsense", token: token).status == 400)
    }
}
