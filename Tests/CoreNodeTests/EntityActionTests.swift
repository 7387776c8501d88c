import Configuration
import HTTPServer
import JSON
import Logging
import Messages
import Model
import Postgres
import Storage
import Synchronization
import TestSupport
import Testing

@testable import CoreNode

/// What a change of an entity sets in motion (`rule-engine.md` 1.7, 1.8; `rest-api.md` 4.17).
@Suite(.enabled(if: TestDatabase.isAvailable, "PostgreSQL is not installed"), .serialized)
struct EntityActionTests {
    private let api: TestService
    private let salt = String(UInt32.random(in: 0...UInt32.max))

    init() async throws { api = try await TestService() }

    private func messages(of id: String) -> [RuleMessage] {
        api.recorder.messages.withLock { $0.filter { $0.originator.uuid.text == id } }
    }

    /// Waits until as many audit records of the entity are written.
    private func audits(of id: String, count: Int64) async throws -> [String] {
        let uuid = try #require(UUID128(id))
        for _ in 0..<500 {
            let found = try await api.database.query(
                "SELECT action_type FROM audit_log WHERE entity_id = $1 ORDER BY id",
                [.uuid(high: uuid.high, low: uuid.low)])
            if found.count >= count { return found.compactMap { $0.text(0) } }
            try await Task.sleep(for: .milliseconds(10))
        }
        return []
    }

    @Test func everyChangeOfADeviceIsAMessageAndAnAuditRecord() async throws {
        let token = try await api.login()
        var device = try await api.send(.post, "/api/device", ["name": .string("D" + salt)], token: token).body
        let id = try #require(device["id"]?["id"]?.stringValue)
        device = .object((device.objectValue ?? [:]).setting("label", .string("new")))
        #expect(try await api.send(.post, "/api/device", device, token: token).status == 200)
        let attributes: JSONValue = ["a": 1, "b": "x"]
        let path = "/api/plugins/telemetry/DEVICE/\(id)/"
        #expect(try await api.send(.post, path + "SHARED_SCOPE", attributes, token: token).status == 200)
        #expect(try await api.send(.delete, path + "SHARED_SCOPE?keys=a", token: token).status == 200)
        #expect(try await api.send(.delete, "/api/device/\(id)", token: token).status == 200)

        let sent = messages(of: id)
        #expect(
            sent.map(\.type.name)
                == ["ENTITY_CREATED", "ENTITY_UPDATED", "ATTRIBUTES_UPDATED", "ATTRIBUTES_DELETED", "ENTITY_DELETED"])
        let created = try #require(sent.first)
        #expect(created.metadata["userEmail"] == "tenant@thingsboard.org")
        #expect(created.metadata["userName"] == "tenant@thingsboard.org")
        #expect(created.metadata["userId"]?.count == 36)
        #expect(created.metadata["entityName"] == "D" + salt)
        #expect(created.metadata["entityType"] == "DEVICE")
        #expect(try JSONValue.parse(created.payload.text)["name"] == .string("D" + salt))
        #expect(sent[2].metadata["scope"] == "SHARED_SCOPE")
        #expect(try JSONValue.parse(sent[2].payload.text) == attributes)
        #expect(sent[3].payload.text == #"{"attributes":["a"]}"#)
        #expect(
            try await audits(of: id, count: 5)
                == ["ADDED", "UPDATED", "ATTRIBUTES_UPDATED", "ATTRIBUTES_DELETED", "DELETED"])
    }

    @Test func assignmentNamesTheCustomer() async throws {
        let token = try await api.login()
        let customer = try await api.send(.post, "/api/customer", ["title": .string("C" + salt)], token: token).body
        let customerID = try #require(customer["id"]?["id"]?.stringValue)
        let device = try await api.send(.post, "/api/device", ["name": .string("A" + salt)], token: token).body
        let id = try #require(device["id"]?["id"]?.stringValue)
        let path = "/api/customer/\(customerID)/device/\(id)"
        #expect(try await api.send(.post, path, token: token).status == 200)
        #expect(try await api.send(.delete, "/api/customer/device/\(id)", token: token).status == 200)
        let sent = messages(of: id)
        #expect(sent.map(\.type.name) == ["ENTITY_CREATED", "ENTITY_ASSIGNED", "ENTITY_UNASSIGNED"])
        #expect(sent[1].metadata["assignedCustomerId"] == customerID)
        #expect(sent[1].metadata["assignedCustomerName"] == "C" + salt)
        #expect(sent[1].metadata["customerId"] == customerID)
        #expect(sent[1].customerID?.description == customerID)
        #expect(sent[2].metadata["unassignedCustomerName"] == "C" + salt)
        #expect(sent[2].metadata["customerId"] == nil)
    }

    @Test func messagesOfADeviceBeginInTheChainOfItsProfile() async throws {
        let token = try await api.login()
        let row = try #require(
            try await api.database.query(
                "SELECT id::text FROM rule_chain WHERE tenant_id = (SELECT tenant_id FROM tb_user WHERE email = $1)",
                [.text("tenant@thingsboard.org")]
            ).first)
        let chain = try #require(row.text(0))
        let profile: JSONValue = [
            "name": .string("P" + salt), "type": "DEFAULT", "transportType": "DEFAULT",
            "defaultRuleChainId": ["entityType": "RULE_CHAIN", "id": .string(chain)],
        ]
        #expect(try await api.send(.post, "/api/deviceProfile", profile, token: token).status == 200)
        let body: JSONValue = ["name": .string("R" + salt), "type": .string("P" + salt)]
        let device = try await api.send(.post, "/api/device", body, token: token).body
        let id = try #require(device["id"]?["id"]?.stringValue)
        #expect(try await api.send(.delete, "/api/device/\(id)", token: token).status == 200)
        #expect(messages(of: id).map { $0.ruleChainID?.description } == [chain, chain])
    }

    @Test func credentialsStayOutOfTheAuditLog() async throws {
        let token = try await api.login()
        let device = try await api.send(.post, "/api/device", ["name": .string("S" + salt)], token: token).body
        let id = try #require(device["id"]?["id"]?.stringValue)
        var credentials = try await api.send(.get, "/api/device/\(id)/credentials", token: token).body
        let secret = "secret" + salt
        credentials = .object((credentials.objectValue ?? [:]).setting("credentialsId", .string(secret)))
        #expect(try await api.send(.post, "/api/device/credentials", credentials, token: token).status == 200)
        #expect(try await audits(of: id, count: 2) == ["ADDED", "CREDENTIALS_UPDATED"])
        let leaks = try await api.database.query(
            "SELECT 1 FROM audit_log WHERE action_data LIKE $1", [.text("%" + secret + "%")])
        #expect(leaks.isEmpty)
        #expect(messages(of: id).map(\.type.name) == ["ENTITY_CREATED"])
    }

    /// Waits until a record of an entity of that name is written.
    private func audit(named name: String) async throws -> String? {
        for _ in 0..<500 {
            let found = try await api.database.query(
                "SELECT action_status FROM audit_log WHERE entity_name = $1", [.text(name)])
            if let status = found.first?.text(0) { return status }
            try await Task.sleep(for: .milliseconds(10))
        }
        return nil
    }

    @Test func whatIsRefusedIsAuditedWhateverItsNameHolds() async throws {
        let token = try await api.login()
        let name = "refused" + salt
        let refused = try await api.send(
            .post, "/api/device", ["name": .string(name + "\0"), "type": "x\0"], token: token)
        #expect(refused.status == 400)
        #expect(try await audit(named: name) == "FAILURE")
    }

    @Test func aRecordThatCannotBeWrittenTakesNoOtherWithIt() async throws {
        let trail = AuditTrail(database: api.database, partitionHours: 168, logger: .disabled)
        func record(_ name: String, type: String) -> AuditLog {
            AuditLog(
                id: .ordered(), createdTime: 1_700_000_000_000, tenantID: .system, entity: nil, entityName: name,
                userID: .null, userName: nil, actionType: type, actionData: nil)
        }
        await trail.add(record("before" + salt, type: "ADDED"))
        await trail.add(record("between" + salt, type: String(repeating: "x", count: 300)))
        await trail.add(record("behind" + salt, type: "ADDED"))
        #expect(try await audit(named: "behind" + salt) == "SUCCESS")
        #expect(try await audit(named: "before" + salt) == "SUCCESS")
    }

    @Test func theMaskDecidesWhatIsAudited() {
        var settings = SettingsReader(environment: [
            "AUDIT_LOG_MASK_DEVICE": "RW", "AUDIT_LOG_MASK_ASSET": "OFF",
        ])
        let mask = AuditMask(from: &settings)
        #expect(mask.includes(.credentialsRead, of: .device))
        #expect(!mask.includes(.added, of: .asset))
        #expect(mask.includes(.added, of: .user))
        #expect(!mask.includes(.attributesRead, of: .user))
        var off = SettingsReader(environment: ["AUDIT_LOG_ENABLED": "false"])
        #expect(!AuditMask(from: &off).includes(.added, of: .device))
    }
}

extension JSONObject {
    fileprivate func setting(_ key: String, _ value: JSONValue) -> JSONObject {
        var object = self
        object[key] = value
        return object
    }
}
