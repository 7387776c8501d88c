import Cluster
import KafkaQueue

/// The ways to the other processes: those that are members at the time.
struct ClusterPeers {
    let transports: KafkaTransportNotifications
    let nodes: KafkaCoreNotifications
    let ruleEngines: KafkaRuleEngineNotifications
    /// Rule engines, by the notifications of core nodes, which they read too.
    let ruleEnginesAsNodes: KafkaCoreNotifications

    init(_ link: ClusterLink) {
        let membership = link.membership
        func members(_ role: ServiceRole) -> @Sendable () -> [String] {
            { membership.view.members(as: role).map(\.id) }
        }
        transports = KafkaTransportNotifications(hub: link.hub, nodes: members(.transport))
        nodes = KafkaCoreNotifications(hub: link.hub, nodes: members(.core))
        ruleEnginesAsNodes = KafkaCoreNotifications(hub: link.hub, nodes: members(.ruleEngine))
        ruleEngines = KafkaRuleEngineNotifications(hub: link.hub, nodes: members(.ruleEngine))
    }
}
