import HTTPServer
import JSON
import Model
import Storage
import Synchronization
import TestSupport
import Testing

@testable import CoreNode

/// The cases of `rest-api.md` 7 that need no socket.
@Suite(.enabled(if: TestDatabase.isAvailable, "PostgreSQL is not installed"), .serialized)
struct ServiceTests {
    private let api: TestService
    private let salt = String(UInt32.random(in: 0...UInt32.max))

    init() async throws { api = try await TestService() }

    private func id(_ value: JSONValue) throws -> String { try #require(value["id"]?["id"]?.stringValue, "\(value)") }

    private func makeDevice(_ token: String, _ name: String, query: String = "") async throws -> String {
        try id(try await api.send(.post, "/api/device" + query, ["name": .string(name)], token: token).body)
    }

    // MARK: - Signing in

    @Test(arguments: [
        (#"{"username":"tenant@thingsboard.org","password":"x"}"#, "Invalid username or password"),
        (#"{"username":"nobody@x.org","password":"x"}"#, "Invalid username or password"),
        ("{}", "Authentication failed"), (#"{"username":" ","password":"x"}"#, "Authentication failed"),
        (#"{"username":"tenant@thingsboard.org","password":""}"#, "Authentication failed"),
    ])
    func `wrong logins are refused`(_ body: String, _ message: String) async throws {
        let answer = try await api.send(.post, "/api/auth/login", try JSONValue.parse(body))
        #expect(answer.status == 401)
        #expect(answer.code == 10)
        #expect(answer.message == message)
    }

    @Test func `a login is a post`() async throws {
        let answer = try await api.send(.get, "/api/auth/login")
        #expect(answer.status == 401)
        #expect(answer.message == "Authentication method not supported")
    }

    @Test func `the field of the platform's own name counts first`() async throws {
        let token = try await api.login()
        let own = ("X-Authorization", "Bearer garbage")
        let usual = ("Authorization", "Bearer " + token)
        #expect(try await api.send(.get, "/api/auth/user", fields: [usual]).status == 200)
        #expect(try await api.send(.get, "/api/auth/user", fields: [own, usual]).status == 401)
        #expect(try await api.send(.get, "/api/auth/user", fields: [("X-Authorization", " "), usual]).status == 200)
        #expect(try await api.send(.get, "/api/auth/user", fields: [("Authorization", "bearer " + token)]).code == 10)
        #expect(try await api.send(.get, "/api/auth/user?token=" + token).code == 10)
    }

    @Test func `a logout ends both tokens of the session`() async throws {
        let pair = try await api.send(
            .post, "/api/auth/login", ["username": "tenant@thingsboard.org", "password": "tenant"]
        ).body
        let token = try #require(pair["token"]?.stringValue)
        #expect(try await api.send(.post, "/api/auth/logout", [:], token: token).status == 200)
        let after = try await api.send(.get, "/api/auth/user", token: token)
        #expect(after.status == 401)
        #expect(after.code == 11)
        let refreshed = try await api.send(.post, "/api/auth/token", ["refreshToken": pair["refreshToken"] ?? .null])
        #expect(refreshed.status == 401)
        #expect(refreshed.code == 10)
    }

    @Test func `a refresh gives a pair that works`() async throws {
        let pair = try await api.send(
            .post, "/api/auth/login", ["username": "tenant@thingsboard.org", "password": "tenant"]
        ).body
        let fresh = try await api.send(.post, "/api/auth/token", ["refreshToken": pair["refreshToken"] ?? .null])
        let token = try #require(fresh.body["token"]?.stringValue)
        #expect(try await api.send(.get, "/api/auth/user", token: token).status == 200)
        #expect(try await api.send(.post, "/api/auth/token", ["refreshToken": pair["token"] ?? .null]).status == 401)
    }

    @Test func `a user is made, activated once, signs in, and changes the password`() async throws {
        let administrator = try await api.login()
        let mail = "u\(salt)@x.org"
        let user = try id(
            try await api.send(
                .post, "/api/user?sendActivationMail=false",
                ["email": .string(mail), "authority": "TENANT_ADMIN"], token: administrator
            ).body)
        let link = try await api.send(
            .get, "/api/user/\(user)/activationLink", token: administrator, fields: [("Host", "h:1")])
        #expect(link.text.hasPrefix("http://h:1/api/noauth/activate?activateToken="))
        let activation: JSONValue = [
            "activateToken": .string(String(link.text.split(separator: "=")[1])), "password": "secret1",
        ]
        #expect(try await api.send(.post, "/api/noauth/activate", activation).body["token"] != nil)
        #expect(try await api.send(.post, "/api/noauth/activate", activation).status == 400)
        let token = try await api.login(mail, "secret1")
        let change: JSONValue = ["currentPassword": "secret1", "newPassword": "secret1"]
        #expect(
            try await api.send(.post, "/api/auth/changePassword", change, token: token).message
                == "New password should be different from existing!")
        let short: JSONValue = ["currentPassword": "secret1", "newPassword": "abc"]
        #expect(
            try await api.send(.post, "/api/auth/changePassword", short, token: token).message
                == "Password must be 6 or more characters in length.")
        let good: JSONValue = ["currentPassword": "secret1", "newPassword": "secret2"]
        #expect(try await api.send(.post, "/api/auth/changePassword", good, token: token).status == 200)
        _ = try await api.login(mail, "secret2")
        #expect(
            try await api.send(
                .post, "/api/user?sendActivationMail=false", ["email": .string(mail), "authority": "TENANT_ADMIN"],
                token: administrator
            ).message == "User with email '\(mail)' already present in database!")
    }

    // MARK: - Paths and roles

    @Test func `unknown paths need a token to be unknown`() async throws {
        let token = try await api.login()
        #expect(try await api.send(.get, "/api/nope").status == 401)
        let unknown = try await api.send(.get, "/api/nope", token: token)
        #expect(unknown.status == 404)
        #expect(unknown.code == 32)
        let wrong = try await api.send(.put, "/api/device", token: token)
        #expect(wrong.status == 405)
        #expect(wrong.code == 31)
        #expect(wrong.response.field("Allow") == "POST")
    }

    @Test func `roles decide at the door`() async throws {
        let system = try await api.login("sysadmin")
        let customer = try await api.login("customer")
        for token in [system, customer] {
            let answer = try await api.send(.get, "/api/tenant/devices?pageSize=1&page=0", token: token)
            #expect(answer.status == 403)
            #expect(answer.code == 20)
        }
    }

    @Test func `a preflight needs no token`() async throws {
        let answer = try await api.send(
            .options, "/api/device", fields: [("Origin", "http://o"), ("Access-Control-Request-Method", "POST")])
        #expect(answer.status == 200)
        #expect(answer.response.field("Access-Control-Allow-Origin") == "http://o")
        #expect(answer.response.field("Access-Control-Allow-Methods") == "POST")
        #expect(answer.response.field("Access-Control-Max-Age") == "1800")
    }

    @Test func `answers are not to be cached`() async throws {
        let answer = try await api.send(.get, "/api/auth/user")
        #expect(answer.response.field("Cache-Control") == "no-cache, no-store, max-age=0, must-revalidate")
        #expect(answer.response.field("X-Content-Type-Options") == "nosniff")
    }

    @Test func `every endpoint that is open is meant to be`() {
        let open = api.service.endpoints.filter { if case .open = $0.access { true } else { false } }.map(\.pattern)
        let allowed = [
            "/api/noauth/", "/api/auth/login", "/api/auth/token", "/health", "/metrics", "/actuator/", "/login",
            "/v3/api-docs", "/swagger-ui", "/api/images/public/",
        ]
        for pattern in open { #expect(allowed.contains { pattern.hasPrefix($0) }, "\(pattern)") }
    }

    // MARK: - Devices

    @Test func `a device gets a profile, a token and its state`() async throws {
        let token = try await api.login()
        let device = try await api.send(.post, "/api/device", ["name": .string("d" + salt)], token: token).body
        #expect(device["type"] == "default")
        #expect(device["version"] == 1)
        #expect(device["customerId"]?["id"] == "13814000-1dd2-11b2-8080-808080808080")
        #expect(device["deviceData"]?["transportConfiguration"]?["type"] == "DEFAULT")
        let id = try id(device)
        let credentials = try await api.send(.get, "/api/device/\(id)/credentials", token: token).body
        #expect(credentials["credentialsId"]?.stringValue?.utf8.count == 20)
        let attributes = try await api.send(
            .get, "/api/plugins/telemetry/DEVICE/\(id)/values/attributes/SERVER_SCOPE", token: token
        ).body
        #expect(attributes[0]?["key"] == "active")
        #expect(attributes[0]?["value"] == false)
    }

    @Test func `a name may be made unique`() async throws {
        let token = try await api.login()
        _ = try await makeDevice(token, "d" + salt)
        let taken = try await api.send(.post, "/api/device", ["name": .string("d" + salt)], token: token)
        #expect(taken.status == 400)
        #expect(taken.message == "Device with such name already exists!")
        let unique = try await api.send(
            .post, "/api/device?nameConflictPolicy=UNIQUIFY", ["name": .string("d" + salt)], token: token)
        #expect(unique.body["name"]?.stringValue?.hasPrefix("d\(salt)_") == true)
        let counted = try await api.send(
            .post, "/api/device?nameConflictPolicy=UNIQUIFY&uniquifySeparator=-&uniquifyStrategy=INCREMENTAL",
            ["name": .string("d" + salt)], token: token)
        #expect(counted.body["name"] == .string("d\(salt)-1"))
    }

    @Test func `a token in use leaves no device behind`() async throws {
        let token = try await api.login()
        _ = try await makeDevice(token, "a" + salt, query: "?accessToken=tok" + salt)
        let answer = try await api.send(
            .post, "/api/device?accessToken=tok" + salt, ["name": .string("b" + salt)], token: token)
        #expect(answer.message == "Device credentials are already assigned to another device!")
        #expect(try await api.send(.get, "/api/tenant/device?deviceName=b" + salt, token: token).status == 404)
    }

    @Test func `the profile decides about the type`() async throws {
        let token = try await api.login()
        let made = try await api.send(
            .post, "/api/device", ["name": .string("d" + salt), "type": .string("T" + salt)], token: token
        ).body
        #expect(made["type"] == .string("T" + salt))
        let second = try await api.send(
            .post, "/api/device",
            ["name": .string("e" + salt), "type": "zzz", "deviceProfileId": made["deviceProfileId"] ?? .null],
            token: token
        ).body
        #expect(second["type"] == .string("T" + salt))
        let profile = try #require(made["deviceProfileId"]?["id"]?.stringValue)
        #expect(
            try await api.send(.delete, "/api/deviceProfile/\(profile)", token: token).message
                == "The device profile referenced by the devices cannot be deleted!")
    }

    @Test func `a stale version is refused`() async throws {
        let token = try await api.login()
        var device = try await api.send(.post, "/api/device", ["name": .string("d" + salt)], token: token).body
        device["label"] = "x"
        #expect(try await api.send(.post, "/api/device", device, token: token).body["version"] == 2)
        let stale = try await api.send(.post, "/api/device", device, token: token)
        #expect(stale.status == 409)
        #expect(stale.code == 35)
        #expect(stale.message == "Device was already changed by someone else")
        device["version"] = nil
        #expect(try await api.send(.post, "/api/device", device, token: token).body["version"] == 3)
    }

    @Test func `a customer sees and keeps its own devices only`() async throws {
        let customer = try await api.login("customer")
        let tenant = try await api.login()
        func find(_ name: String) async throws -> String {
            try id(try await api.send(.get, "/api/tenant/device?deviceName=" + name, token: tenant).body)
        }
        let own = try await find("Test%20Device%20A1")
        let foreign = try await find("Test%20Device%20B1")
        #expect(try await api.send(.get, "/api/device/" + own, token: customer).status == 200)
        #expect(try await api.send(.get, "/api/device/" + foreign, token: customer).status == 403)
        #expect(try await api.send(.post, "/api/device", ["name": .string("d" + salt)], token: customer).status == 403)
        #expect(try await api.send(.delete, "/api/device/" + own, token: customer).status == 403)
        let telemetry = try await api.send(
            .get, "/api/plugins/telemetry/DEVICE/\(foreign)/keys/timeseries", token: customer)
        #expect(telemetry.status == 403)
        #expect(telemetry.text == "You don't have permission to perform this operation!")
    }

    @Test func `whoever is concerned hears of every change of a device`() async throws {
        let token = try await api.login()
        let id = try await makeDevice(token, "d" + salt)
        var credentials = try await api.send(.get, "/api/device/\(id)/credentials", token: token).body
        credentials["credentialsId"] = .string("new" + salt)
        #expect(try await api.send(.post, "/api/device/credentials", credentials, token: token).status == 200)
        #expect(try await api.send(.delete, "/api/device/" + id, token: token).status == 200)
        let events = api.recorder.events.withLock { $0 }
        guard events.count == 3, case .deviceCreated(let created, _) = events[0],
            case .credentialsChanged(_, let changed) = events[1], case .deviceDeleted(let deleted) = events[2]
        else {
            Issue.record("\(events)")
            return
        }
        #expect(created.id == changed && changed == deleted.id)
        #expect(try await api.send(.delete, "/api/device/" + id, token: token).status == 404)
    }

    // MARK: - Telemetry

    @Test func `telemetry is saved whatever its content type, and announced`() async throws {
        let token = try await api.login()
        let id = try await makeDevice(token, "d" + salt)
        for type in ["application/json", "text/plain", ""] {
            let answer = try await api.send(
                .post, "/api/plugins/telemetry/DEVICE/\(id)/timeseries/ANY", ["t": 1], token: token,
                fields: type.isEmpty ? [] : [("Content-Type", type)])
            #expect(answer.status == 200)
            #expect(answer.text.isEmpty)
        }
        #expect(api.recorder.saves.withLock { $0.map(\.entity.text) } == [id, id, id])
    }

    @Test func `errors of telemetry are plain text, those of its parameters objects`() async throws {
        let token = try await api.login()
        let absent = UUID128.random()
        let missing = try await api.send(
            .get, "/api/plugins/telemetry/DEVICE/\(absent)/values/timeseries", token: token)
        #expect(missing.status == 404)
        #expect(missing.text == "Device with requested id wasn't found!")
        #expect(missing.response.field("Content-Type") == "text/plain;charset=UTF-8")
        let id = try await makeDevice(token, "d" + salt)
        let scope = try await api.send(
            .post, "/api/plugins/telemetry/DEVICE/\(id)/attributes/FOO", ["a": 1], token: token)
        #expect(scope.status == 400)
        #expect(scope.code == 31)
        let uuid = try await api.send(.get, "/api/plugins/telemetry/DEVICE/nonsense/keys/timeseries", token: token)
        #expect(uuid.message == "Invalid UUID string: nonsense")
        #expect(try await api.send(.get, "/api/plugins/telemetry/DEVICE/\(id)/keys/timeseries").code == 10)
    }

    @Test func `the system administrator has no device`() async throws {
        let id = try await makeDevice(try await api.login(), "d" + salt)
        let answer = try await api.send(
            .get, "/api/plugins/telemetry/DEVICE/\(id)/keys/timeseries", token: try await api.login("sysadmin"))
        #expect(answer.status == 403)
        #expect(answer.text == "System administrator is not allowed to perform this operation!")
    }

    @Test func `attributes of a device are saved by the short path too`() async throws {
        let token = try await api.login()
        let id = try await makeDevice(token, "d" + salt)
        let base = "/api/plugins/telemetry/"
        #expect(try await api.send(.post, base + "\(id)/SHARED_SCOPE", ["a": 1], token: token).status == 200)
        #expect(
            try await api.send(.get, base + "DEVICE/\(id)/keys/attributes/SHARED_SCOPE", token: token).body == ["a"])
        #expect(try await api.send(.delete, base + "\(id)/SHARED_SCOPE?keys=a", token: token).status == 200)
        #expect(
            try await api.send(.delete, base + "\(id)/SHARED_SCOPE", token: token).text == "Empty keys: []")
    }

    // MARK: - The service itself

    @Test func `readiness follows its checks, liveness does not`() async throws {
        let broken = try await TestService(isReady: false)
        #expect(try await broken.send(.get, "/health/live").status == 200)
        let ready = try await broken.send(.get, "/health/ready")
        #expect(ready.status == 503)
        #expect(ready.body["checks"]?["database"] == "DOWN")
        #expect(try await api.send(.get, "/health/ready").status == 200)
        #expect(try await api.send(.get, "/login").status == 200)
        #expect(try await api.send(.get, "/actuator/prometheus").text.contains("# HELP"))
    }

    /// The rule engine is to hear of every change: one that it could not be told of is not made.
    @Test func nothingIsChangedWhileTheRuleEngineTakesNoMessages() async throws {
        let api = try await TestService()
        let token = try await api.login()
        api.recorder.isFull.withLock { $0 = true }
        let name = "Busy\(UInt32.random(in: 0...UInt32.max))"
        let refused = try await api.send(.post, "/api/device", ["name": .string(name)], token: token)
        #expect(refused.status == 503)
        let found = try await api.send(.get, "/api/tenant/devices?deviceName=" + name, token: token)
        #expect(found.status == 404)
        api.recorder.isFull.withLock { $0 = false }
        #expect(try await api.send(.post, "/api/device", ["name": .string(name)], token: token).status == 200)
    }
}
