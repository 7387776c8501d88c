internal import JSON
internal import Model
internal import Storage

extension StoredRuleChain: JSONRendered {
    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.id("id", id)
            writer.member("createdTime", createdTime)
            writer.id("tenantId", tenantID)
            writer.member("name", name)
            writer.member("type", kind.rawValue)
            writer.id("firstRuleNodeId", .ruleNode, firstRuleNodeID?.uuid)
            writer.member("root", isRoot)
            writer.member("debugMode", debugMode)
            writer.id("externalId", .ruleChain, externalID)
            writer.member("version", version)
            writer.document("configuration", configuration)
            writer.document("additionalInfo", additionalInfo)
        }
    }
}

extension RuleChainCaller: JSONRendered {
    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.id("ruleChainId", chain)
            writer.member("ruleChainName", chainName)
            writer.id("ruleNodeId", node)
            writer.member("ruleNodeName", nodeName)
            writer.key("labels")
            writer.array { writer in for label in labels { writer.value(label) } }
        }
    }
}

extension StoredRuleNode {
    func write(in chain: RuleChainID, to writer: inout JSONWriter) {
        writer.object { writer in
            writer.id("id", id)
            writer.member("createdTime", createdTime)
            writer.id("ruleChainId", chain)
            writer.member("type", type)
            writer.member("name", name.isEmpty ? nil : name)
            writer.document("debugSettings", debugSettings)
            writer.member("singletonMode", isSingleton)
            writer.member("queueName", queueName)
            writer.member("configurationVersion", Int(configurationVersion))
            writer.id("externalId", .ruleNode, externalID)
            writer.document("configuration", configuration)
            writer.document("additionalInfo", additionalInfo)
        }
    }
}

/// A chain's graph under the chain that it belongs to.
struct RuleChainMetadata: JSONRendered {
    let chain: StoredRuleChain
    let graph: RuleChainGraph

    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.id("ruleChainId", chain.id)
            writer.member("version", chain.version)
            writer.member("firstNodeIndex", graph.firstNodeIndex)
            writer.key("nodes")
            writer.array { writer in
                for node in graph.nodes { node.write(in: chain.id, to: &writer) }
            }
            writer.key("connections")
            if graph.connections.isEmpty {
                writer.null()
            } else {
                writer.array { writer in
                    for connection in graph.connections {
                        writer.object { writer in
                            writer.member("fromIndex", connection.from)
                            writer.member("toIndex", connection.to)
                            writer.member("type", connection.label)
                        }
                    }
                }
            }
            writer.key("ruleChainConnections")
            writer.null()
            if let notes = graph.notes { writer.document("notes", notes) }
        }
    }
}

extension ComponentDescriptor: JSONRendered {
    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.key("id")
            writer.object { $0.member("id", id.text) }
            writer.member("createdTime", createdTime)
            writer.member("type", component)
            writer.member("scope", scope)
            writer.member("clusteringMode", clusteringMode)
            writer.member("name", name)
            writer.member("clazz", type)
            writer.member("configurationVersion", configurationVersion)
            writer.member("actions", actions)
            writer.member("hasQueueName", hasQueueName)
            writer.document("configurationDescriptor", configurationDescriptor)
        }
    }
}
