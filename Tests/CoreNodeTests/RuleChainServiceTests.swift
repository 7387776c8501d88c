import HTTPServer
import JSON
import Messages
import Model
import Storage
import Synchronization
import TestSupport
import Testing

@testable import CoreNode

@Suite(.enabled(if: TestDatabase.isAvailable, "PostgreSQL is not installed"), .serialized)
struct RuleChainServiceTests {
    private let api: TestService
    private let token: String

    init() async throws {
        api = try await TestService()
        token = try await api.login()
    }

    private func chain(_ name: String = "Chain \(UInt32.random(in: 0...UInt32.max))") async throws -> JSONValue {
        let answer = try await api.send(.post, "/api/ruleChain", ["name": .string(name)], token: token)
        return try #require(answer.body["id"], "\(answer.text)")
    }

    private func node(_ type: String, _ more: JSONObject = [:]) -> JSONValue {
        var node: JSONObject = ["name": "n", "type": .string("org.thingsboard.rule.engine." + type)]
        node.merge(more)
        return .object(node)
    }

    @Test func aRunningEngineIsToldOfEveryChange() async throws {
        let id = try await chain()
        let path = "/api/ruleChain/" + (id["id"]?.stringValue ?? "")
        _ = try await api.send(.post, "/api/ruleChain/metadata", ["ruleChainId": id, "nodes": []], token: token)
        _ = try await api.send(.delete, path, token: token)
        let changes = api.recorder.events.withLock { events in
            events.compactMap { event in
                if case .ruleChainChanged(_, let chain, let change) = event, chain.uuid.text == id["id"]?.stringValue {
                    return change.rawValue
                }
                return nil as UInt8?
            }
        }
        #expect(changes == [0, 4, 6])
    }

    @Test func debuggingEverythingEndsByItself() async throws {
        let id = try await chain()
        let answer = try await api.send(
            .post, "/api/ruleChain/metadata",
            [
                "ruleChainId": id,
                "nodes": [node("action.TbLogNode", ["debugSettings": ["allEnabled": true, "failuresEnabled": true]])],
            ], token: token)
        let settings = answer.body["nodes"]?[0]?["debugSettings"]
        #expect(settings?["allEnabled"] == false)
        let left = try #require(settings?["allEnabledUntil"]?.integerValue) - CurrentTime.milliseconds
        #expect(left > 14 * 60_000 && left <= 15 * 60_000)
    }

    @Test func oldConnectionsToChainsBecomeNodes() async throws {
        let target = try await chain("Target")
        let id = try await chain()
        let answer = try await api.send(
            .post, "/api/ruleChain/metadata",
            [
                "ruleChainId": id, "firstNodeIndex": 0, "nodes": [node("filter.TbMsgTypeSwitchNode")],
                "ruleChainConnections": [["fromIndex": 0, "targetRuleChainId": target, "type": "Other"]],
            ], token: token)
        #expect(answer.body["nodes"]?[1]?["type"]?.stringValue == RuleNodeTypeName.chainInput)
        #expect(answer.body["nodes"]?[1]?["configuration"]?["ruleChainId"] == target["id"])
        #expect(answer.body["connections"] == [["fromIndex": 0, "toIndex": 1, "type": "Other"]])
    }

    @Test func aChainOfAnotherTenantIsForbidden() async throws {
        let sysadmin = try await api.login("sysadmin")
        let foreign = try await api.send(.get, "/api/ruleChains?pageSize=1&page=0", token: sysadmin)
        #expect(foreign.status == 403)
        let other = StoredRuleChain(
            id: RuleChainID(.ordered()), createdTime: 1, tenantID: TenantID(.ordered()), name: "other")
        try await RuleChainStore(api.database).insert(other)
        for (method, path) in [("GET", ""), ("GET", "/metadata"), ("POST", "/root"), ("DELETE", "")] {
            let answer = try await api.send(
                method == "GET" ? .get : method == "POST" ? .post : .delete, "/api/ruleChain/\(other.id)\(path)",
                token: token)
            #expect(answer.status == 403, "\(method) \(path)")
        }
        let saved = try await api.send(
            .post, "/api/ruleChain/metadata",
            ["ruleChainId": ["entityType": "RULE_CHAIN", "id": .string(other.id.description)], "nodes": []],
            token: token)
        #expect(saved.status == 403)
    }

    @Test func anImportIsWhatWasExportedUnderNewIDs() async throws {
        let exported = try await api.send(.get, "/api/ruleChains/export?limit=100", token: token)
        let roots = exported.body["ruleChains"]?.arrayValue?.filter { $0["root"] == true } ?? []
        let root = try #require(roots.first)
        let graphs = exported.body["metadata"]?.arrayValue?.filter { $0["ruleChainId"] == root["id"] } ?? []
        let answer = try await api.send(
            .post, "/api/ruleChains/import", ["ruleChains": [root], "metadata": .array(graphs)], token: token)
        let id = try #require(answer.body[0]?["ruleChainId"]?["id"]?.stringValue, "\(answer.text)")
        #expect(answer.body[0]?["updated"] == false)
        let chain = try await api.send(.get, "/api/ruleChain/" + id, token: token)
        #expect(chain.body["root"] == false)
        #expect(chain.body["name"] == root["name"])
        let metadata = try await api.send(.get, "/api/ruleChain/\(id)/metadata", token: token)
        #expect(metadata.body["nodes"]?.arrayValue?.count == 6)
        #expect(metadata.body["connections"] == graphs[0]["connections"])
        #expect(metadata.body["nodes"]?[0]?["id"] != graphs[0]["nodes"]?[0]?["id"])
        let again = try await api.send(
            .post, "/api/ruleChains/import?overwrite=true", ["ruleChains": [root], "metadata": .array(graphs)],
            token: token)
        #expect(again.body[0]?["updated"] == true)
        _ = try await api.send(.delete, "/api/ruleChain/" + id, token: token)
    }

    @Test func unknownKindsOfEventsAreNamed() async throws {
        let me = try await api.send(.get, "/api/auth/user", token: token)
        let tenant = try #require(me.body["tenantId"]?["id"]?.stringValue)
        let answer = try await api.send(
            .get, "/api/events/TENANT/\(tenant)/FOO?tenantId=\(tenant)&pageSize=1&page=0", token: token)
        #expect(answer.status == 400)
        #expect(answer.message == "Event type: 'FOO' is not supported!")
    }
}
