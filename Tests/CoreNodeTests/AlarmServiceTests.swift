import HTTPServer
import JSON
import Model
import Postgres
import Storage
import TestSupport
import Testing

@testable import CoreNode

@Suite(.enabled(if: TestDatabase.isAvailable, "PostgreSQL is not installed"), .serialized)
struct AlarmServiceTests {
    private let api: TestService
    private let token: String
    private let device: JSONValue
    private let deviceText: String
    private let type = JSONValue.string("Type \(UInt32.random(in: 0...UInt32.max))")

    init() async throws {
        api = try await TestService()
        token = try await api.login()
        let found = try await api.send(.get, "/api/tenant/devices?deviceName=Test%20Device%20A1", token: token)
        device = try #require(found.body["id"])
        deviceText = device["id"]?.stringValue ?? ""
    }

    private func raise(_ more: JSONObject = [:], token: String? = nil) async throws -> TestService.Answer {
        var alarm: JSONObject = ["type": type, "severity": "MAJOR", "originator": device]
        alarm.merge(more)
        return try await api.send(.post, "/api/alarm", .object(alarm), token: token ?? self.token)
    }

    private func path(_ answer: TestService.Answer) throws -> String {
        "/api/alarm/" + (try #require(answer.body["id"]?["id"]?.stringValue, "\(answer.text)"))
    }

    /// `persistence.md` 16, 28; `rest-api.md` 7, 67 and 68.
    @Test func anAlarmLivesUntilItIsCleared() async throws {
        let first = try await raise()
        #expect(first.body["status"] == "ACTIVE_UNACK")
        let second = try await raise(["severity": "CRITICAL"])
        #expect(second.body["id"] == first.body["id"])
        #expect(second.body["severity"] == "CRITICAL")
        #expect(second.body["startTs"] == first.body["startTs"])
        let path = try path(first)
        let acknowledged = try await api.send(.post, path + "/ack", token: token)
        #expect(acknowledged.body["status"] == "ACTIVE_ACK")
        #expect(acknowledged.body["originatorName"] == "Test Device A1")
        let again = try await api.send(.post, path + "/ack", token: token)
        #expect(again.status == 400)
        #expect(again.message == "Alarm was already acknowledged!")
        let cleared = try await api.send(.post, path + "/clear", token: token)
        #expect(cleared.body["status"] == "CLEARED_ACK")
        let twice = try await api.send(.post, path + "/clear", token: token)
        #expect(twice.message == "Alarm was already cleared!")
        let third = try await raise()
        #expect(third.body["id"] != first.body["id"])
        #expect(third.body["status"] == "ACTIVE_UNACK")
    }

    @Test func everyChangeHasItsComment() async throws {
        let path = try path(try await raise())
        _ = try await raise(["severity": "MINOR"])
        _ = try await api.send(.post, path + "/ack", token: token)
        let me = try await api.send(.get, "/api/auth/user", token: token)
        let user = me.body["id"]?["id"]?.stringValue ?? ""
        let assigned = try await api.send(.post, "\(path)/assign/\(user)", token: token)
        #expect(assigned.body["assigneeId"] == me.body["id"])
        let twice = try await api.send(.post, "\(path)/assign/\(user)", token: token)
        #expect(twice.message == "Alarm was already assigned to this user!")
        _ = try await api.send(.delete, path + "/assign", token: token)
        let none = try await api.send(.delete, path + "/assign", token: token)
        #expect(none.message == "Alarm was already unassigned!")
        let list = try await api.send(.get, path + "/comment?pageSize=20&page=0", token: token)
        let texts = list.body["data"]?.arrayValue?.compactMap { $0["comment"]?["text"]?.stringValue }
        let name = "tenant@thingsboard.org"
        #expect(
            texts == [
                "Alarm severity was updated from MAJOR to MINOR", "Alarm was acknowledged by user \(name)",
                "Alarm was assigned by user \(name) to user \(name)", "Alarm was unassigned by user \(name)",
            ])
    }

    @Test func aCommentBelongsToItsUser() async throws {
        let path = try path(try await raise()) + "/comment"
        let made = try await api.send(.post, path, ["comment": ["text": "look"]], token: token)
        #expect(made.body["type"] == "OTHER")
        let edited = try await api.send(
            .post, path, ["id": made.body["id"] ?? .null, "comment": ["text": "looked"]], token: token)
        #expect(edited.body["comment"]?["edited"] == "true")
        let customer = try await api.login("customer")
        let foreign = try await api.send(
            .post, path, ["id": made.body["id"] ?? .null, "comment": ["text": "mine"]], token: customer)
        #expect(foreign.status == 403)
        #expect(foreign.message == "User is not allowed to edit other user's comment")
        let id = made.body["id"]?["id"]?.stringValue ?? ""
        let deleted = try await api.send(.delete, "\(path)/\(id)", token: token)
        #expect(deleted.status == 200)
        let list = try await api.send(.get, path + "?pageSize=20&page=0", token: token)
        #expect(list.body["data"]?[0]?["type"] == "SYSTEM")
        #expect(list.body["data"]?[0]?["comment"]?["subtype"] == "COMMENT_DELETED")
        let again = try await api.send(.delete, "\(path)/\(id)", token: token)
        #expect(again.message == "System comment could not be deleted")
        let script = try await api.send(.post, path, ["comment": ["text": "<script>x</script>"]], token: token)
        #expect(script.status == 400)
    }

    @Test func customersSeeTheAlarmsOfTheirDevicesOnly() async throws {
        let mine = try await raise()
        let other = try await api.send(.get, "/api/tenant/devices?deviceName=Test%20Device%20B1", token: token)
        let foreign = try await raise(["originator": other.body["id"] ?? .null])
        let customer = try await api.login("customer")
        let (own, others) = (try path(mine), try path(foreign))
        let seen = try await api.send(.get, own, token: customer)
        #expect(seen.status == 200)
        let hidden = try await api.send(.get, others, token: customer)
        #expect(hidden.status == 403)
        let list = try await api.send(.get, "/api/v2/alarms?pageSize=100&page=0", token: customer)
        let ids = list.body["data"]?.arrayValue?.map { $0["id"] } ?? []
        #expect(ids.contains(mine.body["id"]))
        #expect(!ids.contains(foreign.body["id"]))
        let refused = try await raise(["originator": other.body["id"] ?? .null], token: customer)
        #expect(refused.status == 403)
    }

    @Test func anAlarmOfAnotherTenantIsForbidden() async throws {
        let foreign = AlarmRepository.Draft(
            tenantID: TenantID(.ordered()), customerID: nil, originator: EntityID(type: .device, uuid: .random()),
            type: "x", severity: .minor)
        _ = try await api.database.query(
            """
            INSERT INTO tenant (id, created_time, title, tenant_profile_id)
            SELECT $1, 0, 'x', id FROM tenant_profile LIMIT 1
            """, [.uuid(foreign.tenantID)])
        let alarm = try await AlarmRepository(api.database).createOrUpdateActive(foreign, now: 1).alarm
        for suffix in ["", "/ack", "/clear", "/comment"] {
            let answer = try await api.send(
                suffix == "" ? .get : .post, "/api/alarm/\(alarm.alarm.id)\(suffix)",
                suffix == "/comment" ? ["comment": ["text": "x"]] : nil, token: token)
            #expect(answer.status == 403, "\(suffix)")
        }
        let absent = try await api.send(.get, "/api/alarm/\(UUID128.random())", token: token)
        #expect(absent.status == 404)
    }

    @Test func listsAreFilteredByStates() async throws {
        let alarm = try await raise()
        let name = (type.stringValue ?? "").split(separator: " ").joined(separator: "%20")
        func count(_ query: String) async throws -> Int64? {
            let answer = try await api.send(
                .get, "/api/v2/alarm/DEVICE/\(deviceText)?pageSize=10&page=0&typeList=\(name)&\(query)", token: token)
            return answer.body["totalElements"]?.integerValue
        }
        let active = try await count("statusList=ACTIVE&severityList=MAJOR,MINOR")
        #expect(active == 1)
        let cleared = try await count("statusList=CLEARED")
        #expect(cleared == 0)
        let both = try await count("statusList=CLEARED,ACTIVE,UNACK")
        #expect(both == 1)
        let future = try await count("startTime=\(Int64.max / 2)")
        #expect(future == 0)
        let conflict = try await api.send(
            .get, "/api/alarms?pageSize=1&page=0&searchStatus=ANY&status=ACTIVE_ACK", token: token)
        #expect(conflict.status == 400)
        let severity = try await api.send(.get, "/api/alarm/highestSeverity/DEVICE/\(deviceText)", token: token)
        #expect(severity.text.hasPrefix("\""))
        let types = try await api.send(.get, "/api/alarm/types?pageSize=100&page=0", token: token)
        let found = types.body["data"]?.arrayValue?.contains { $0["type"] == type }
        #expect(found == true)
        let path = try path(alarm)
        let deleted = try await api.send(.delete, path, token: token)
        #expect(deleted.text == "true")
        let after = try await api.send(.get, "/api/alarm/types?pageSize=100&page=0", token: token)
        let left = after.body["data"]?.arrayValue?.contains { $0["type"] == type }
        #expect(left == false)
    }

    @Test func propagatedAlarmsShowAboveTheirOriginator() async throws {
        let above = DeviceID(.ordered())
        let me = try await api.send(.get, "/api/auth/user", token: token)
        let tenant = me.body["tenantId"]?["id"]?.stringValue ?? ""
        _ = try await api.database.query(
            """
            INSERT INTO relation (from_id, from_type, to_id, to_type, relation_type_group, relation_type)
            VALUES ($1, 'ASSET', $2::text::uuid, 'DEVICE', 'COMMON', 'Contains')
            """, [.uuid(above), .text(deviceText)])
        let alarm = try await raise([
            "propagate": true, "propagateToTenant": true, "propagateRelationTypes": ["Contains"],
        ])
        #expect(alarm.body["propagateRelationTypes"] == ["Contains"])
        let shown = try await api.database.query(
            "SELECT entity_type FROM entity_alarm WHERE alarm_id = $1::text::uuid ORDER BY entity_type",
            [.text(alarm.body["id"]?["id"]?.stringValue ?? "")]
        ).compactMap { $0.text(0) }
        #expect(shown == ["ASSET", "DEVICE", "TENANT"])
        for search in ["", "&textSearch=type"] {
            let list = try await api.send(
                .get, "/api/v2/alarm/TENANT/\(tenant)?pageSize=10&page=0\(search)", token: token)
            let ids = list.body["data"]?.arrayValue?.map { $0["id"] } ?? []
            #expect(ids.count { $0 == alarm.body["id"] } == 1)
        }
    }

    private static let incomplete: [(JSONObject, String)] = [
        ([:], "Validation error: severity must not be null, type must not be null"),
        (["type": "t"], "Validation error: severity must not be null"),
        (["type": "<script>a</script>", "severity": "MAJOR"], "Validation error: type is malformed"),
        (["type": "", "severity": "MAJOR"], "Alarm type should be specified!"),
    ]

    @Test(arguments: incomplete)
    func incompleteAlarmsAreRefused(_ body: JSONObject, _ message: String) async throws {
        var alarm = body
        alarm["originator"] = device
        let answer = try await api.send(.post, "/api/alarm", .object(alarm), token: token)
        #expect(answer.status == 400)
        #expect(answer.message == message)
    }

    @Test func anAlarmOfNobodyIsNotFound() async throws {
        let answer = try await api.send(.post, "/api/alarm", ["type": "t", "severity": "MAJOR"], token: token)
        #expect(answer.status == 404)
        #expect(answer.message == "Requested item wasn't found!")
    }
}
