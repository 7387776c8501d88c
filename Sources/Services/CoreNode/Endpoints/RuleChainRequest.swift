internal import JSON
internal import Model
internal import Storage

/// A rule chain's graph as clients send it (`rule-engine.md` 2.2 to 2.6).
struct RuleChainRequest {
    /// How long `debugSettings.allEnabled` lasts unless the tenant profile says otherwise, in minutes.
    static let debugMinutes: Int64 = 15
    private static let maximumNodes = 10_000
    private static let maximumConnections = 100_000

    let graph: RuleChainGraph
    let version: Int64?

    /// - Parameters:
    ///   - keepsIDs: `false` for an import, whose nodes are all new.
    ///   - debugMinutes: How long everything may be recorded.
    init(
        _ body: RequestObject, keepsIDs: Bool = true, debugMinutes: Int64 = debugMinutes, now: Int64
    ) throws(APIError) {
        let debugEnd = now + debugMinutes * 60_000
        var nodes: [StoredRuleNode] = []
        for element in try Self.elements("nodes", of: body, limit: Self.maximumNodes) {
            nodes.append(try Self.node(element, keepsID: keepsIDs, debugEnd: debugEnd))
        }
        var connections: [RuleChainGraph.Connection] = []
        for element in try Self.elements("connections", of: body, limit: Self.maximumConnections) {
            connections.append(
                .init(
                    from: try Self.index("fromIndex", of: element), to: try Self.index("toIndex", of: element),
                    label: try Self.label(element)))
        }
        for element in try Self.elements("ruleChainConnections", of: body, limit: Self.maximumNodes) {
            connections.append(
                .init(
                    from: try Self.index("fromIndex", of: element), to: nodes.count, label: try Self.label(element)))
            nodes.append(try Self.nestedChain(element))
        }
        let first = try body.integer("firstNodeIndex").map { Int(clamping: $0) }
        let notes = body.value("notes")
        if let notes, notes.arrayValue == nil { throw .malformedBody("an array is expected in 'notes'") }
        // A connection stands once, however often it was sent.
        var seen: Set<RuleChainGraph.Connection> = []
        graph = RuleChainGraph(
            nodes: nodes, connections: connections.filter { seen.insert($0).inserted }, firstNodeIndex: first,
            notes: notes?.arrayValue?.isEmpty == false ? body.storedDocument("notes") : nil)
        version = try body.integer("version")
        do throws(RuleChainGraph.Problem) {
            try graph.check()
        } catch {
            switch error {
            case .indexOutOfRange(let index):
                throw .invalid("Index \(index) out of bounds for length \(nodes.count)")
            case .connectedToItself: throw .invalid("Can't create the relation to yourself.")
            case .circle: throw .invalid("Can't create circling relations in rule chain.")
            }
        }
    }

    private static func elements(
        _ key: String, of body: RequestObject, limit: Int
    ) throws(APIError) -> [RequestObject] {
        guard let value = body.value(key) else { return [] }
        guard let list = value.arrayValue else { throw .malformedBody("an array is expected in '\(key)'") }
        if list.count > limit { throw .invalid("More than \(limit) elements in '\(key)'") }
        var elements: [RequestObject] = []
        for element in list {
            guard case .object(let members) = element else {
                throw .malformedBody("objects are expected in '\(key)'")
            }
            elements.append(RequestObject(members))
        }
        return elements
    }

    private static func index(_ key: String, of connection: RequestObject) throws(APIError) -> Int {
        Int(clamping: try connection.integer(key) ?? 0)
    }

    private static func label(_ connection: RequestObject) throws(APIError) -> String {
        let label = try connection.storedText("type") ?? ""
        if label.isEmpty { throw .invalid("Relation type should be specified!") }
        if label.utf16.count > 255 { throw .invalid("Validation error: type length must be equal or less than 255") }
        return label
    }

    private static func node(
        _ body: RequestObject, keepsID: Bool, debugEnd: Int64
    ) throws(APIError) -> StoredRuleNode {
        let id: RuleNodeID? = keepsID ? try body.id("id") : nil
        let name = try body.storedText("name") ?? ""
        let type = try body.storedText("type") ?? ""
        var validation = Validation()
        validation.text("name", name)
        validation.text("type", type)
        try validation.check("'\(name)' node configuration is invalid: ")
        if type.isEmpty { throw .invalid("Rule node type should be specified!") }
        var node = StoredRuleNode(id: id ?? .null, createdTime: 0, type: type, name: name)
        node.queueName = try body.storedText("queueName")
        node.additionalInfo = body.storedDocument("additionalInfo")
        node.externalID = keepsID ? try body.uuid("externalId", .ruleNode) : nil
        node.debugSettings = try debugSettings(body, until: debugEnd)
        try configure(&node, body)
        return node
    }

    /// The configuration in its current form. Nodes of this build run everywhere, so none is a singleton.
    private static func configure(_ node: inout StoredRuleNode, _ body: RequestObject) throws(APIError) {
        let version = try body.integer("configurationVersion") ?? 0
        guard let given = body.value("configuration")?.objectValue else {
            if let descriptor = RuleNodeDescriptor.of(node.type) {
                node.configuration = RawJSON(wellFormed: descriptor.defaultConfiguration)
                node.configurationVersion = Int32(descriptor.configurationVersion)
            } else {
                node.configuration = body.storedDocument("configuration")
                node.configurationVersion = Int32(clamping: version)
            }
            return
        }
        let upgraded = RuleNodeUpgrade(type: node.type, configuration: given, version: Int(clamping: version))
        node.configuration = RawJSON(JSONValue.object(upgraded.configuration).withoutNullCharacters)
        node.configurationVersion = Int32(clamping: upgraded.version)
        if let queue = upgraded.queueName, node.queueName == nil { node.queueName = queue }
    }

    /// `allEnabled` becomes a time at which it ends (`rule-engine.md` 2.6).
    static func debugSettings(_ body: RequestObject, until end: Int64) throws(APIError) -> RawJSON? {
        let legacy = try body.boolean("debugMode") ?? false
        guard let given = try body.object("debugSettings") else {
            return legacy ? settings(failures: true, until: end) : nil
        }
        let asked = try given.integer("allEnabledUntil") ?? 0
        let all = try given.boolean("allEnabled") ?? false
        return settings(failures: try given.boolean("failuresEnabled") ?? false, until: all ? end : min(asked, end))
    }

    private static func settings(failures: Bool, until end: Int64) -> RawJSON {
        RawJSON(["failuresEnabled": .bool(failures), "allEnabled": false, "allEnabledUntil": .integer(end)])
    }

    /// The node that an old kind of connection to another chain stands for (`rule-engine.md` 2.4).
    private static func nestedChain(_ body: RequestObject) throws(APIError) -> StoredRuleNode {
        guard let target: RuleChainID = try body.id("targetRuleChainId") else {
            throw .invalid("Target rule chain should be specified!")
        }
        let info = body.value("additionalInfo")
        let name = info?["ruleChainNodeName"]?.stringValue ?? info?["name"]?.stringValue
        var node = StoredRuleNode(
            id: .null, createdTime: 0, type: RuleNodeTypeName.chainInput, name: name ?? "Rule Chain Input")
        node.configuration = RawJSON([
            "ruleChainId": .string(target.uuid.text), "forwardMsgToDefaultRuleChain": false,
        ])
        node.configurationVersion = Int32(RuleNodeUpgrade.currentVersion(of: RuleNodeTypeName.chainInput))
        node.additionalInfo = body.storedDocument("additionalInfo")
        return node
    }
}
