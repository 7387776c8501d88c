import JSON
import Model
import Postgres
import TestSupport
import Testing

@testable import Storage

@Suite(.enabled(if: TestDatabase.isAvailable, "PostgreSQL is not installed"), .serialized)
struct RuleChainStoreTests {
    private let database: OneConnection
    private let tenant: TenantID
    private let store: RuleChainStore

    init() throws {
        database = try OneConnection()
        tenant = try database.tenant()
        store = RuleChainStore(database)
    }

    private func chain(_ name: String = "c\(UInt32.random(in: 0...UInt32.max))") async throws -> StoredRuleChain {
        let chain = StoredRuleChain(id: RuleChainID(.ordered()), createdTime: 1, tenantID: tenant, name: name)
        try await store.insert(chain)
        return chain
    }

    private func node(_ name: String, _ type: String = "t") -> StoredRuleNode {
        StoredRuleNode(id: .null, createdTime: 0, type: type, name: name)
    }

    private func twoNodes() -> RuleChainGraph {
        RuleChainGraph(
            nodes: [node("a"), node("b")], connections: [.init(from: 0, to: 1, label: "Success")], firstNodeIndex: 0)
    }

    @Test func aGraphComesBackInItsOrder() async throws {
        let saved = try await store.replaceGraph(of: try await chain(), with: twoNodes(), replacing: nil, now: 5)
        #expect(saved.version == 2)
        let graph = try await store.graph(of: saved)
        #expect(graph.nodes.map(\.name) == ["a", "b"])
        #expect(graph.nodes.map(\.createdTime) == [5, 6])
        #expect(graph.connections == [.init(from: 0, to: 1, label: "Success")])
        #expect(graph.firstNodeIndex == 0)
    }

    @Test func nodesThatAreMissingAreDeletedAndKnownOnesKept() async throws {
        var chain = try await store.replaceGraph(of: try await chain(), with: twoNodes(), replacing: nil, now: 5)
        var graph = try await store.graph(of: chain)
        let kept = graph.nodes[1].id
        graph.nodes = [graph.nodes[1], node("new")]
        graph.nodes[0].name = "renamed"
        graph.connections = [.init(from: 1, to: 0, label: "Failure")]
        graph.firstNodeIndex = 1
        chain = try await store.replaceGraph(of: chain, with: graph, replacing: 2, now: 9)
        let found = try await store.graph(of: chain)
        #expect(found.nodes.map(\.name) == ["renamed", "new"])
        #expect(found.nodes[0].id == kept)
        #expect(found.connections == [.init(from: 1, to: 0, label: "Failure")])
    }

    @Test func anOutdatedVersionChangesNothing() async throws {
        let chain = try await store.replaceGraph(of: try await chain(), with: twoNodes(), replacing: 1, now: 5)
        let store = store
        await #expect(throws: EntityError.versionConflict(.ruleChain)) {
            try await store.replaceGraph(
                of: chain, with: RuleChainGraph(nodes: [], connections: [], firstNodeIndex: nil), replacing: 1, now: 6)
        }
        let graph = try await store.graph(of: chain)
        #expect(graph.nodes.count == 2)
    }

    @Test func nodesOfAnotherChainCannotBeTakenOver() async throws {
        let first = try await store.replaceGraph(of: try await chain(), with: twoNodes(), replacing: nil, now: 5)
        let foreign = try await store.graph(of: first).nodes[0]
        let second = try await chain()
        let store = store
        await #expect(throws: EntityError.notFound(.ruleNode, foreign.id.uuid)) {
            try await store.replaceGraph(
                of: second, with: RuleChainGraph(nodes: [foreign], connections: [], firstNodeIndex: 0), replacing: nil,
                now: 6)
        }
    }

    @Test func oneChainIsTheRoot() async throws {
        let page = try await store.page(tenant: tenant, kind: .core, PageLink(pageSize: 100, page: 0))
        let former = try #require(page.elements.first { $0.isRoot })
        let made = try await store.makeRoot(try await chain())
        #expect(made.isRoot)
        let found = try await store.find(former.id)
        #expect(found?.isRoot == false)
        _ = try await store.makeRoot(try #require(found))
        let store = store
        await #expect(throws: EntityError.invalid("Deletion of Root Tenant Rule Chain is prohibited!")) {
            try await store.delete(former.id, tenant: made.tenantID)
        }
    }

    @Test func aChainOfAProfileStays() async throws {
        let store = store
        let tenant = tenant
        let thermostat = try #require(try await store.find(name: "Thermostat", kind: .core, tenant: tenant))
        await #expect(
            throws: EntityError.invalid("The rule chain referenced by the device profiles cannot be deleted!")
        ) {
            try await store.delete(thermostat.id, tenant: tenant)
        }
    }

    @Test func aDeletedChainLeavesNothing() async throws {
        let chain = try await store.replaceGraph(of: try await chain(), with: twoNodes(), replacing: nil, now: 5)
        let ids = try await store.nodeIDs(of: chain.id) + [chain.id.uuid]
        #expect(try await store.delete(chain.id, tenant: TenantID(.ordered())) == false)
        #expect(try await store.delete(chain.id, tenant: tenant))
        let left = try await database.query(
            "SELECT 1 FROM relation WHERE from_id = ANY($1) OR to_id = ANY($1)", [.ids(ids)])
        #expect(left.isEmpty)
        #expect(try await store.find(chain.id) == nil)
    }

    @Test func aRenamedOutputRenamesTheLabelsOfItsCallers() async throws {
        let called = try await chain()
        var input = node("into", RuleNodeTypeName.chainInput)
        input.configuration = RawJSON(["ruleChainId": .string(called.id.uuid.text)])
        let caller = try await store.replaceGraph(
            of: try await chain(),
            with: RuleChainGraph(
                nodes: [input, node("end")], connections: [.init(from: 0, to: 1, label: "ok")], firstNodeIndex: 0),
            replacing: nil, now: 5)
        let changed = try await store.renameOutputs(of: called, [("ok", "fine")])
        #expect(changed == [caller.id])
        let graph = try await store.graph(of: caller)
        #expect(graph.connections.map(\.label) == ["fine"])
    }

    @Test func theComponentsAreThoseThatRun() async throws {
        let components = ComponentDescriptorRepository(database)
        let all = try await components.find(components: RuleNodeDescriptor.Component.allCases.map(\.rawValue))
        #expect(Set(all.map(\.type)) == Set(RuleNodeDescriptor.all.map(\.type)))
        let labels = all.map { $0.configurationDescriptor?.value["nodeDefinition"]?["relationTypes"]?.arrayValue }
        #expect(labels.allSatisfy { $0?.contains("Failure") ?? false })
    }
}

@Suite struct RuleChainGraphTests {
    private func graph(_ count: Int, first: Int? = 0, _ connections: [(Int, Int)]) -> RuleChainGraph {
        RuleChainGraph(
            nodes: (0..<count).map { StoredRuleNode(id: .null, createdTime: 0, type: "t", name: "\($0)") },
            connections: connections.map { .init(from: $0.0, to: $0.1, label: "Success") }, firstNodeIndex: first)
    }

    @Test func aDiamondIsNoCircle() throws {
        try graph(4, [(0, 1), (0, 2), (1, 3), (2, 3)]).check()
    }

    @Test func circlesAreRefused() {
        #expect(throws: RuleChainGraph.Problem.circle) { try graph(3, [(0, 1), (1, 2), (2, 1)]).check() }
        #expect(throws: RuleChainGraph.Problem.connectedToItself) { try graph(1, [(0, 0)]).check() }
    }

    @Test func indicesMustExist() {
        #expect(throws: RuleChainGraph.Problem.indexOutOfRange(3)) { try graph(3, [(0, 3)]).check() }
        #expect(throws: RuleChainGraph.Problem.indexOutOfRange(-1)) { try graph(3, [(-1, 2)]).check() }
        #expect(throws: RuleChainGraph.Problem.indexOutOfRange(9)) { try graph(3, first: 9, []).check() }
    }
}

@Suite struct RuleNodeUpgradeTests {
    private func upgrade(_ type: String, _ version: Int, _ configuration: JSONObject) -> RuleNodeUpgrade {
        RuleNodeUpgrade(type: RuleNodeTypeName.package + type, configuration: configuration, version: version)
    }

    @Test func aRelationCheckTurnsRound() {
        let upgraded = upgrade("filter.TbCheckRelationNode", 0, ["direction": "FROM"])
        #expect(upgraded.configuration == ["direction": "TO"])
        #expect(upgraded.version == 1)
    }

    @Test func savedAttributesGetTheirSettings() {
        let upgraded = upgrade("telemetry.TbMsgAttributesNode", 0, ["scope": "SERVER_SCOPE"])
        #expect(
            upgraded.configuration == [
                "scope": "SERVER_SCOPE", "updateAttributesOnlyOnValueChange": false, "notifyDevice": true,
                "sendAttributesUpdatedNotification": false, "processingSettings": ["type": "ON_EVERY_MESSAGE"],
            ])
        #expect(upgraded.version == 3)
    }

    @Test func skippedLatestValuesStaySkipped() {
        let upgraded = upgrade("telemetry.TbMsgTimeseriesNode", 0, ["skipLatestPersistence": true])
        #expect(upgraded.configuration["processingSettings"]?["type"] == "ADVANCED")
        #expect(upgraded.configuration["processingSettings"]?["latest"] == ["type": "SKIP"])
        #expect(!upgraded.configuration.contains(key: "skipLatestPersistence"))
    }

    @Test func anOldMQTTNodeSpeaksTheOldProtocol() {
        let upgraded = upgrade("mqtt.TbMqttNode", 1, ["host": "h"])
        #expect(upgraded.configuration == ["host": "h", "protocolVersion": "MQTT_3_1"])
    }

    @Test func aRESTCallLosesUnknownKeys() {
        let upgraded = upgrade("rest.TbRestApiCallNode", 3, ["queryParams": [], "requestMethod": "POST"])
        #expect(upgraded.configuration == ["requestMethod": "POST", "requestBodyTemplate": .null])
        #expect(upgraded.version == 4)
    }

    @Test func aQueueNameMovesToTheNode() {
        let upgraded = upgrade("flow.TbCheckpointNode", 0, ["queueName": "HighPriority"])
        #expect(upgraded.queueName == "HighPriority")
        #expect(upgraded.configuration == [:])
    }

    @Test func currentAndUnknownFormsStay() {
        #expect(upgrade("telemetry.TbMsgTimeseriesNode", 1, ["defaultTTL": 0]).configuration == ["defaultTTL": 0])
        #expect(upgrade("no.such.Node", 0, ["a": 1]).configuration == ["a": 1])
        #expect(upgrade("telemetry.TbMsgTimeseriesNode", 7, [:]).version == 7)
    }
}
