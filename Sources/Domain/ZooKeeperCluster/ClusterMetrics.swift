import Metrics
import Synchronization

/// What operators see of this process's place in the cluster.
final class ClusterMetrics: Sendable {
    private let registry: MetricsRegistry
    let isConnected: Gauge
    let members: Gauge
    let sessionsLost: Counter
    let leasesLapsed: Counter
    let drainsExpired: Counter

    init(_ registry: MetricsRegistry) {
        self.registry = registry
        isConnected = registry.gauge("cluster_zookeeper_connected", help: "1 while ZooKeeper is connected.")
        members = registry.gauge("cluster_members", help: "Processes that count as members of the cluster.")
        sessionsLost = registry.counter(
            "cluster_sessions_lost_total", help: "Sessions with ZooKeeper that ended against this process's will.")
        leasesLapsed = registry.counter(
            "cluster_leases_lapsed_total",
            help: "How often partitions were abandoned because ZooKeeper was out of reach.")
        drainsExpired = registry.counter(
            "cluster_drains_expired_total", help: "Partitions given up before their consumer had finished.")
    }

    func owned(_ count: Int, of queue: String) {
        registry.gauge("cluster_owned_partitions", help: "Partitions consumed here.", labels: ["queue": queue])
            .set(Double(count))
    }
}
