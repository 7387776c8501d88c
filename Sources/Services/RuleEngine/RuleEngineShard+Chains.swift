import Logging
import Messages
import Model
import Queue
import Reactor
import ScriptEngine
import Storage

/// The chains of tenants: read when a tenant's first message comes, and anew when they change.
extension RuleEngineShard {
    /// Reads the tenant's chains anew; messages of the tenant wait meanwhile if there are none yet.
    ///
    /// - Parameter starts: Whether to read those of a tenant that sent no message yet: what cannot start shows at once.
    func reload(_ tenant: TenantID, starts: Bool = false) {
        switch tenants[tenant] {
        case nil:
            guard starts else { return }
            tenants[tenant] = .loading([])
            load(tenant)
        case .loading, .ready: load(tenant)
        }
    }

    func load(_ tenant: TenantID) {
        loads[tenant, default: 0] &+= 1
        let number = loads[tenant]!
        let bound = ShardReference(shard: self)
        let source = chains
        let loop = loop
        let logger = logger
        let (engine, before) = (scripts, prepared[tenant] ?? PreparedScripts())
        let fieldsBefore = usages[tenant]?.fields
        fieldLoads[tenant, default: 0] &+= 1
        let fieldNumber = fieldLoads[tenant]!
        Task(executorPreference: loop) {
            var pause = 50
            while true {
                do {
                    let definitions = try await source.ruleChains(of: tenant)
                    let features = try await source.features(of: tenant)
                    let scripts = await PreparedScripts(definitions, of: tenant, before: before, engine)
                    let fields = await TenantFields(
                        try await source.calculatedFields(of: tenant), before: fieldsBefore, engine)
                    bound.shard.install(
                        definitions, scripts, features, (fields, fieldNumber), of: tenant, load: number)
                    return
                } catch DatabaseError.closed {
                    // The process stops.
                    return
                } catch {
                    logger.limited(
                        .error, "rule chains cannot be read at the moment; their messages wait",
                        ["tenant.id": .string(tenant.description), "error": .string(String(describing: error))])
                }
                await loop.sleep(.milliseconds(pause))
                pause = min(2_000, pause * 2)
            }
        }
    }

    private func install(
        _ definitions: [RuleChainDefinition], _ scripts: PreparedScripts, _ features: TenantFeatures,
        _ fields: (TenantFields, load: UInt32), of tenant: TenantID, load number: UInt32
    ) {
        guard loads[tenant] == number else { return }
        prepared[tenant] = scripts
        let usage = usages[tenant] ?? TenantUsage()
        usage.features = features
        usages[tenant] = usage
        install(fields.0, of: tenant, load: fields.load)
        let chains = TenantChains(definitions, scripts: scripts, context: context, usage: usage)
        if case .ready(let replaced) = tenants[tenant] { keepCounts(of: replaced, tenant) }
        remember(chains, definitions, of: tenant)
        var failures: [RuleNodeID: String] = [:]
        for chain in chains.chains.values {
            for node in chain.nodes {
                guard case .failure(let error) = node.node else { continue }
                failures[node.id] = error.message
                logger.warning(
                    "a rule node cannot start; its messages fail",
                    [
                        "rule_chain.name": .string(chain.name), "rule_node.name": .string(node.name),
                        "error": .string(error.message), "tenant.id": .string(tenant.description),
                    ])
            }
        }
        events.read(definitions, of: tenant, failures: failures, now: loop.wallClockMilliseconds)
        var waiting: [(RuleMessage, MessageDuty)] = []
        if case .loading(let messages) = tenants[tenant] { waiting = messages }
        tenants[tenant] = .ready(chains)
        for (message, duty) in waiting { start(message, duty, in: chains) }
        queues.settle()
    }
}
