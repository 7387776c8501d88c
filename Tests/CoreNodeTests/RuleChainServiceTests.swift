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

    /// The chain of the tenant that is the root, with its graph.
    private func root() async throws -> (chain: JSONValue, graph: JSONValue) {
        let chains = try await api.send(.get, "/api/ruleChains?pageSize=1000&page=0", token: token)
        let roots = chains.body["data"]?.arrayValue?.filter { $0["root"] == true } ?? []
        let root = try #require(roots.first)
        let id = try #require(root["id"]?["id"]?.stringValue)
        return (root, try await api.send(.get, "/api/ruleChain/\(id)/metadata", token: token).body)
    }

    /// What an export of the user interface leaves of a graph.
    private func exported(_ graph: JSONValue) -> JSONObject {
        let nodes = (graph["nodes"]?.arrayValue ?? []).map { node in
            var node = node.objectValue ?? [:]
            for key in ["id", "createdTime", "ruleChainId", "externalId"] { node.removeValue(forKey: key) }
            return JSONValue.object(node)
        }
        var exported: JSONObject = ["nodes": .array(nodes)]
        exported["firstNodeIndex"] = graph["firstNodeIndex"] ?? .null
        exported["connections"] = graph["connections"] ?? .null
        return exported
    }

    private func save(_ graph: JSONObject, in chain: JSONValue) async throws -> TestService.Answer {
        var body = graph
        body["ruleChainId"] = chain
        return try await api.send(.post, "/api/ruleChain/metadata", .object(body), token: token)
    }

    @Test func theRootChainComesBackFromItsExport() async throws {
        let (_, graph) = try await root()
        let file = exported(graph)
        let id = try await chain()
        let saved = try await save(file, in: id)
        #expect(saved.status == 200, "\(saved.text)")
        #expect(saved.body["nodes"]?.arrayValue?.count == 6)
        #expect(saved.body["connections"]?.arrayValue?.count == 5)
        let first = Int(try #require(saved.body["firstNodeIndex"]?.integerValue))
        #expect(saved.body["nodes"]?[first]?["name"] == "Message Type Switch")
        #expect(exported(saved.body) == file)
        let chain = try await api.send(.get, "/api/ruleChain/" + (id["id"]?.stringValue ?? ""), token: token)
        #expect(chain.body["root"] == false)
    }

    @Test func unknownMembersOfANodeAreDropped() async throws {
        let saved = try await save(
            ["nodes": [node("filter.TbMsgTypeSwitchNode", ["surprise": 1, "configuration": ["version": 0]])]],
            in: try await chain())
        #expect(saved.status == 200)
        #expect(saved.body["nodes"]?[0]?["surprise"] == nil)
    }

    @Test func unknownMembersOfAConfigurationAreKept() async throws {
        let saved = try await save(
            ["nodes": [node("filter.TbMsgTypeSwitchNode", ["configuration": ["surprise": 1]])]], in: try await chain())
        #expect(saved.body["nodes"]?[0]?["configuration"]?["surprise"] == 1)
    }

    @Test func circlesAreRefusedWithTheirReason() async throws {
        let nodes: JSONValue = [node("action.TbLogNode"), node("action.TbLogNode")]
        func message(_ connections: [(Int64, Int64)]) async throws -> String? {
            let saved = try await save(
                [
                    "nodes": nodes,
                    "connections": .array(
                        connections.map {
                            ["fromIndex": .integer($0), "toIndex": .integer($1), "type": "Success"]
                        }),
                ], in: try await chain())
            #expect(saved.status == 400)
            return saved.message
        }
        #expect(try await message([(0, 1), (1, 0)]) == "Can't create circling relations in rule chain.")
        #expect(try await message([(0, 0)]) == "Can't create the relation to yourself.")
    }

    @Test func anOutdatedGraphIsAConflict() async throws {
        let id = try await chain()
        let first = try await save(["nodes": [node("action.TbLogNode")]], in: id)
        let version = try #require(first.body["version"]?.integerValue)
        let stale = try await save(["nodes": [], "version": .integer(version - 1)], in: id)
        #expect(stale.status == 409 && stale.code == 35)
        let path = "/api/ruleChain/\(id["id"]?.stringValue ?? "")/metadata"
        #expect(try await api.send(.get, path, token: token).body["nodes"]?.arrayValue?.count == 1)
    }

    @Test func theRootChainIsNotDeleted() async throws {
        let id = try await root().chain["id"]?["id"]?.stringValue ?? ""
        #expect(try await api.send(.delete, "/api/ruleChain/" + id, token: token).status == 400)
    }

    @Test func aRenamedOutputRenamesConnectionsOfItsCallers() async throws {
        let inner = try await chain()
        let saved = try await save(["nodes": [node("flow.TbRuleChainOutputNode", ["name": "ok"])]], in: inner)
        let outer = try await chain()
        _ = try await save(
            [
                "nodes": [
                    node("flow.TbRuleChainInputNode", ["configuration": ["ruleChainId": inner["id"] ?? .null]]),
                    node("action.TbLogNode"),
                ], "connections": [["fromIndex": 0, "toIndex": 1, "type": "ok"]],
            ], in: outer)
        var output = try #require(saved.body["nodes"]?[0]?.objectValue)
        output["name"] = "fine"
        let renamed = try await api.send(
            .post, "/api/ruleChain/metadata?updateRelated=true",
            ["ruleChainId": inner, "nodes": [.object(output)]], token: token)
        #expect(renamed.status == 200)
        let path = "/api/ruleChain/\(outer["id"]?.stringValue ?? "")/metadata"
        #expect(try await api.send(.get, path, token: token).body["connections"]?[0]?["type"] == "fine")
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
