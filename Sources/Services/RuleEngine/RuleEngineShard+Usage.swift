import Messages
import Model
import Queue
import Storage

/// What tenants use of a shard, and what became of their messages.
extension RuleEngineShard {
    /// What tenants used since it was asked last.
    func takeUsage() -> [TenantID: UsageCounts] {
        var taken: [TenantID: UsageCounts] = [:]
        for (tenant, usage) in usages where !usage.counts.isZero {
            taken[tenant] = usage.counts
            usage.counts = UsageCounts()
        }
        return taken
    }

    /// What became of messages since it was asked last.
    func takeQueueReports() -> [QueueCountsKey: QueueReport] {
        var taken: [QueueCountsKey: QueueReport] = [:]
        let name = queues.only?.name ?? QueueRoute.main
        for (tenant, usage) in usages {
            guard usage.queue.total > 0 || usage.firstError != nil else { continue }
            var report = QueueReport()
            (report.counts, report.firstError) = (usage.queue, usage.firstError)
            (usage.queue, usage.firstError) = (QueueCounts(), nil)
            taken[QueueCountsKey(tenant: tenant, queueName: name)] = report
        }
        for (key, report) in queues.takeReports() { taken[key, default: QueueReport()] += report }
        return taken
    }

    /// Of the tenant whose message a node is processing.
    var currentUsage: TenantUsage? { current?.chain.usage }

    func usage(of tenant: TenantID) -> TenantUsage? { usages[tenant] }

    /// The node that is processing a message.
    var currentNodeID: RuleNodeID? { current.map { $0.chain.nodes[$0.node].id } }
}
