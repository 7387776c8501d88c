internal import HTTPServer
internal import JSON
internal import Messages
internal import Model
internal import Storage

/// Rule chains and their nodes (`rest-api.md` 4.13, `rule-engine.md` 2.5, 2.6).
struct RuleChainEndpoints: EndpointGroup {
    let services: Services

    static let schemas = [
        "RuleChain": "id:id(RULE_CHAIN) name:string! type:string root:boolean debugMode:boolean version:integer",
        "DefaultRuleChainCreateRequest": "name:string!",
        "RuleChainMetaData": "ruleChainId:id(RULE_CHAIN)! firstNodeIndex:integer version:integer",
    ]

    var endpoints: [Endpoint] {
        [
            Endpoint(.get, "/api/ruleChains", roles: .tenant, list)
                .docs(
                    "Rule chains of the tenant",
                    query: .page + [.choice("type", ["CORE", "EDGE"]), .uuids("ruleChainIds")],
                    answer: .page("RuleChain")),
            Endpoint(.get, "/api/ruleChains/list", roles: .tenant, byIDs)
                .docs("Rule chains by ids", query: [.uuids("ruleChainIds").required], answer: .list("RuleChain")),
            Endpoint(.get, "/api/ruleChain/{ruleChainId}", roles: .tenant, read)
                .docs("A rule chain", answer: "RuleChain"),
            Endpoint(.post, "/api/ruleChain", roles: .tenant, save)
                .docs("Creates or changes a rule chain", body: "RuleChain", answer: "RuleChain"),
            Endpoint(.post, "/api/ruleChain/device/default", roles: .tenant, createDefault)
                .docs(
                    "Creates a rule chain that does what the root chain of a new tenant does",
                    body: "DefaultRuleChainCreateRequest", answer: "RuleChain"),
            Endpoint(.post, "/api/ruleChain/{ruleChainId}/root", roles: .tenant, makeRoot)
                .docs("Makes a chain the one that messages enter", answer: "RuleChain"),
            Endpoint(.delete, "/api/ruleChain/{ruleChainId}", roles: .tenant, delete)
                .docs("Deletes a rule chain", answer: .nothing),
            Endpoint(.get, "/api/ruleChain/{ruleChainId}/metadata", roles: .tenant, readMetadata)
                .docs("The nodes of a rule chain and their connections", answer: "RuleChainMetaData"),
            Endpoint(.post, "/api/ruleChain/metadata", roles: .tenant, saveMetadata)
                .docs(
                    "Replaces the nodes of a rule chain", query: [.boolean("updateRelated")],
                    body: "RuleChainMetaData", answer: "RuleChainMetaData"),
            Endpoint(.get, "/api/ruleChain/{ruleChainId}/output/labels", roles: .tenant, outputLabels)
                .docs("The labels that a rule chain offers to those that call it"),
            Endpoint(.get, "/api/ruleChain/{ruleChainId}/output/labels/usage", roles: .tenant, outputLabelUsage)
                .docs("The nodes that call a rule chain, and what leads away from them"),
            Endpoint(.get, "/api/ruleNode/{ruleNodeId}/debugIn", roles: .tenant, latestDebugInput)
                .docs("The newest recorded message on its way into a node"),
        ]
    }

    private var chains: RuleChainStore { RuleChainStore(services.database) }

    private func check(
        _ chain: StoredRuleChain?, _ id: RuleChainID, _ principal: Principal, _ operation: Permissions.Operation
    ) throws(APIError) -> StoredRuleChain {
        guard let chain else { throw .notFound(.ruleChain, id.uuid) }
        try Permissions.require(principal, operation, .ruleChain, of: Permissions.Owner(tenant: chain.tenantID))
        return chain
    }

    private func find(
        _ call: Call, _ principal: Principal, _ operation: Permissions.Operation
    ) async throws -> StoredRuleChain {
        let id: RuleChainID = try call.id("ruleChainId")
        return try check(try await chains.find(id), id, principal, operation)
    }

    // MARK: - Reading

    @Sendable private func read(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json(try await find(call, principal, .read))
    }

    @Sendable private func list(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        if call.query.first("ruleChainIds") != nil { return try await byIDs(call, principal) }
        return .json(
            try await chains.page(tenant: principal.tenantID, kind: try call.ruleChainKind("type"), try call.pageLink())
        )
    }

    @Sendable private func byIDs(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json(try await chains.find(try call.requiredIDs("ruleChainIds"), tenant: principal.tenantID))
    }

    @Sendable private func readMetadata(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let chain = try await find(call, principal, .read)
        return .json(RuleChainMetadata(chain: chain, graph: try await chains.graph(of: chain)))
    }

    @Sendable private func outputLabels(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let labels = try await chains.outputLabels(of: try await find(call, principal, .read).id)
        return .json { writer in writer.array { writer in for label in labels { writer.value(label) } } }
    }

    @Sendable private func outputLabelUsage(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json(try await chains.callers(of: try await find(call, principal, .read)))
    }

    @Sendable private func latestDebugInput(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let node: RuleNodeID = try call.id("ruleNodeId")
        guard let chain = try await chains.chain(of: node) else { throw APIError.notFound(.ruleNode, node.uuid) }
        _ = try check(chain, chain.id, principal, .read)
        let event = try await EventRepository(services.database).latestDebugInput(
            of: node, tenant: principal.tenantID)
        guard let event else { return .empty(200) }
        return .json { event.writeBody(to: &$0) }
    }

    // MARK: - Writing

    @Sendable private func save(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let body = try call.object()
        let name = try body.text("name")
        var validation = Validation()
        validation.text("name", name)
        try validation.check()
        var chain = StoredRuleChain(
            id: .null, createdTime: call.now, tenantID: principal.tenantID,
            name: try Validation.name("Rule chain name", name))
        if let kind = try body.text("type") {
            guard let kind = StoredRuleChain.Kind(rawValue: kind) else {
                throw APIError.malformedBody("CORE or EDGE is expected in 'type'")
            }
            chain.kind = kind
        }
        chain.debugMode = try body.boolean("debugMode") ?? false
        chain.configuration = body.storedDocument("configuration")
        chain.additionalInfo = body.storedDocument("additionalInfo")
        chain.externalID = try body.uuid("externalId", .ruleChain)
        let isRoot = try body.boolean("root") ?? false
        guard let id: RuleChainID = try body.id("id") else {
            if isRoot { throw Self.anotherRoot(chain.kind) }
            return .json(try await create(chain, principal))
        }
        let stored = try check(try await chains.find(id), id, principal, .write)
        if isRoot, !stored.isRoot { throw Self.anotherRoot(chain.kind) }
        chain.id = id
        let saved = try await chains.update(chain, replacing: try body.integer("version"))
        await services.ruleChainChanged(saved, .updated, by: principal)
        return .json(saved)
    }

    /// Every tenant has a root chain from its first day, which only another call changes.
    private static func anotherRoot(_ kind: StoredRuleChain.Kind) -> APIError {
        let name = kind == .edge ? "edge template root" : "root"
        return .invalid("Another \(name) rule chain is present in scope of current tenant!")
    }

    private func create(_ chain: StoredRuleChain, _ principal: Principal) async throws -> StoredRuleChain {
        var created = chain
        created.id = RuleChainID(.ordered())
        let inserted = created
        try await services.database.inTransaction { transaction in
            try await EntityLimits(transaction).check(.ruleChain, tenant: inserted.tenantID)
            try await RuleChainStore(transaction).insert(inserted)
        }
        await services.ruleChainChanged(created, .created, by: principal)
        return created
    }

    @Sendable private func createDefault(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let body = try call.object()
        let name = try body.text("name")
        var validation = Validation()
        validation.text("name", name)
        try validation.check()
        let title = try Validation.name("Rule chain name", name)
        let saved = try await services.database.inTransaction { transaction in
            var clock = EntityClock(milliseconds: call.now)
            let creation = RuleChainCreation(
                .root, tenantID: principal.tenantID, name: title, isRoot: false, additionalInfo: nil, clock: &clock)
            for statement in creation.statements {
                _ = try await transaction.query(statement.text, statement.parameters)
            }
            return try await RuleChainStore(transaction).find(creation.ruleChainID)
        }
        guard let saved else { throw APIError(500, .general, "Rule chain vanished") }
        await services.ruleChainChanged(saved, .created, by: principal)
        return .json(saved)
    }

    @Sendable private func makeRoot(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let chain = try await find(call, principal, .write)
        let saved = try await services.database.inTransaction { transaction in
            try await RuleChainStore(transaction).makeRoot(chain)
        }
        await services.ruleChainChanged(saved, .updated, by: principal)
        return .json(saved)
    }

    @Sendable private func delete(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let chain = try await find(call, principal, .delete)
        let nodes = try await services.database.inTransaction { transaction in
            let store = RuleChainStore(transaction)
            let nodes = try await store.nodeIDs(of: chain.id)
            _ = try await store.delete(chain.id, tenant: principal.tenantID)
            return nodes
        }
        await services.ruleChainChanged(chain, .deleted, by: principal)
        for entity in [chain.id.uuid] + nodes { services.housekeeper.entityDeleted(entity, of: chain.tenantID) }
        return .empty(200)
    }

    @Sendable private func saveMetadata(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let body = try call.object()
        let renamesCallers = try call.boolean("updateRelated") ?? true
        guard let id: RuleChainID = try body.id("ruleChainId") else {
            throw APIError.invalid("Invalid entity id")
        }
        let chain = try check(try await chains.find(id), id, principal, .write)
        let minutes = try await services.debugMinutes(of: principal.tenantID)
        let request = try RuleChainRequest(body, debugMinutes: minutes, now: call.now)
        let saved = try await services.database.inTransaction { transaction in
            let store = RuleChainStore(transaction)
            let before = renamesCallers ? try await store.graph(of: chain).nodes : []
            let saved = try await store.replaceGraph(
                of: chain, with: request.graph, replacing: request.version, now: call.now)
            _ = try await store.renameOutputs(
                of: chain, Self.renamedOutputs(from: before, to: request.graph.nodes))
            return RuleChainMetadata(chain: saved, graph: try await store.graph(of: saved))
        }
        await services.ruleChainChanged(saved.chain, .updated, by: principal)
        return .json(saved)
    }

    /// Output nodes that have another name now: the name is the label that callers see.
    static func renamedOutputs(
        from before: [StoredRuleNode], to after: [StoredRuleNode]
    ) -> [(old: String, new: String)] {
        let names = Dictionary(
            uniqueKeysWithValues: before.filter { $0.type == RuleNodeTypeName.chainOutput }.map { ($0.id, $0.name) })
        return after.compactMap { node in
            guard let old = names[node.id], old != node.name, !node.name.isEmpty else { return nil }
            return (old, node.name)
        }
    }
}

extension Call {
    /// `CORE` unless the parameter says `EDGE`.
    func ruleChainKind(_ name: String) throws(APIError) -> StoredRuleChain.Kind {
        guard let text = text(name) else { return .core }
        guard let kind = StoredRuleChain.Kind(rawValue: text) else {
            throw .conversion(name, text, to: "RuleChainType")
        }
        return kind
    }
}
