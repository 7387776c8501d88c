internal import HTTPServer
internal import JSON
internal import Messages
internal import Model
internal import Storage

/// All rule chains of a tenant at once, out and in (`rule-engine.md` 2.4).
struct RuleChainTransferEndpoints: EndpointGroup {
    let services: Services

    private static let maximumChains = 1000

    var endpoints: [Endpoint] {
        [
            Endpoint(.get, "/api/ruleChains/export", roles: .tenant, exportChains)
                .docs("All rule chains with their nodes", query: [.integer("limit").required], answer: "RuleChainData"),
            Endpoint(.post, "/api/ruleChains/import", roles: .tenant, importChains)
                .docs(
                    "Adds rule chains, or replaces those of the same name", query: [.boolean("overwrite")],
                    body: "RuleChainData"),
        ]
    }

    @Sendable private func exportChains(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let limit = try call.requiredInteger("limit")
        if limit < 1 { throw APIError.invalid("Parameter 'limit' must be greater than zero!") }
        let store = RuleChainStore(services.database)
        let chains = try await store.page(
            tenant: principal.tenantID, kind: .core, PageLink(pageSize: min(limit, Self.maximumChains), page: 0)
        ).elements
        var metadata: [RuleChainMetadata] = []
        for chain in chains {
            metadata.append(RuleChainMetadata(chain: chain, graph: try await store.graph(of: chain)))
        }
        return .json { writer in
            writer.object { writer in
                writer.key("ruleChains")
                writer.array { writer in for chain in chains { chain.write(to: &writer) } }
                writer.key("metadata")
                writer.array { writer in for graph in metadata { graph.write(to: &writer) } }
            }
        }
    }

    // MARK: - Import

    /// A chain of the request with its graph; ids are still those of the sender.
    private struct Arrival {
        var sentID: UUID128?
        var chain: StoredRuleChain
        var graph: RuleChainGraph
        var isUpdate = false
    }

    @Sendable private func importChains(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let overwrites = try call.boolean("overwrite") ?? false
        var arrivals = try parse(try call.object(), call, principal)
        var ids: [UUID128: UUID128] = [:]
        let store = RuleChainStore(services.database)
        for index in arrivals.indices {
            var chain = arrivals[index].chain
            if overwrites,
                let stored = try await store.find(name: chain.name, kind: chain.kind, tenant: principal.tenantID)
            {
                chain.id = stored.id
                arrivals[index].isUpdate = true
            } else {
                chain.id = RuleChainID(.ordered())
            }
            arrivals[index].chain = chain
            if let sent = arrivals[index].sentID { ids[sent] = chain.id.uuid }
        }
        for index in arrivals.indices { remap(&arrivals[index].graph, ids) }
        let ready = arrivals
        let saved = try await services.database.inTransaction { transaction in
            let store = RuleChainStore(transaction)
            var saved: [StoredRuleChain] = []
            for arrival in ready {
                let chain: StoredRuleChain
                if arrival.isUpdate {
                    chain = try await store.update(arrival.chain, replacing: nil)
                } else {
                    try await store.insert(arrival.chain)
                    chain = arrival.chain
                }
                saved.append(
                    try await store.replaceGraph(of: chain, with: arrival.graph, replacing: nil, now: call.now))
            }
            return saved
        }
        for (arrival, chain) in zip(ready, saved) {
            await services.ruleChainChanged(chain, arrival.isUpdate ? .updated : .created, by: principal)
        }
        return .json { writer in
            writer.array { writer in
                for arrival in ready {
                    writer.object { writer in
                        writer.id("tenantId", principal.tenantID)
                        writer.id("ruleChainId", arrival.chain.id)
                        writer.member("ruleChainName", arrival.chain.name)
                        writer.member("updated", arrival.isUpdate)
                        writer.member("error", nil as String?)
                    }
                }
            }
        }
    }

    private func parse(
        _ body: RequestObject, _ call: Call, _ principal: Principal
    ) throws(APIError) -> [Arrival] {
        guard let chains = body.value("ruleChains")?.arrayValue, let graphs = body.value("metadata")?.arrayValue else {
            throw .invalid("Rule chains and their metadata should be specified!")
        }
        guard chains.count == graphs.count, chains.count <= Self.maximumChains else {
            throw .invalid("Every rule chain needs its metadata, and no more than \(Self.maximumChains) are taken")
        }
        var arrivals: [Arrival] = []
        for (position, value) in chains.enumerated() {
            guard let members = value.objectValue, let graph = Self.graph(of: value, at: position, in: graphs) else {
                throw .malformedBody("objects are expected in 'ruleChains' and 'metadata'")
            }
            arrivals.append(try parse(RequestObject(members), RequestObject(graph), call, principal))
        }
        return arrivals
    }

    /// The metadata that names the chain, else that of the same position.
    private static func graph(of chain: JSONValue, at position: Int, in graphs: [JSONValue]) -> JSONObject? {
        if let id = chain["id"]?["id"]?.stringValue,
            let named = graphs.first(where: { $0["ruleChainId"]?["id"]?.stringValue == id })
        {
            return named.objectValue
        }
        return graphs[position].objectValue
    }

    private func parse(
        _ body: RequestObject, _ metadata: RequestObject, _ call: Call, _ principal: Principal
    ) throws(APIError) -> Arrival {
        let name = try body.text("name")
        var validation = Validation()
        validation.text("name", name)
        try validation.check()
        var chain = StoredRuleChain(
            id: .null, createdTime: call.now, tenantID: principal.tenantID,
            name: try Validation.name("Rule chain name", name))
        if try body.text("type") == StoredRuleChain.Kind.edge.rawValue { chain.kind = .edge }
        chain.debugMode = try body.boolean("debugMode") ?? false
        chain.configuration = body.storedDocument("configuration")
        chain.additionalInfo = body.storedDocument("additionalInfo")
        let request = try RuleChainRequest(metadata, keepsIDs: false, now: call.now)
        return Arrival(sentID: try body.uuid("id", .ruleChain), chain: chain, graph: request.graph)
    }

    /// Nested chains are those of this import where it has them.
    private func remap(_ graph: inout RuleChainGraph, _ ids: [UUID128: UUID128]) {
        for index in graph.nodes.indices where graph.nodes[index].type == RuleNodeTypeName.chainInput {
            guard var configuration = graph.nodes[index].configuration?.value.objectValue,
                let sent = configuration["ruleChainId"]?.stringValue.flatMap({ UUID128($0) }), let id = ids[sent]
            else { continue }
            configuration["ruleChainId"] = .string(id.text)
            graph.nodes[index].configuration = RawJSON(.object(configuration))
        }
    }
}
