/// Where this cluster's nodes are (`cluster.md` 4.1).
struct ClusterPaths: Sendable {
    /// `ZOOKEEPER_NODES_DIR`.
    let root: String

    /// One ephemeral sequential node per process.
    var nodes: String { root + "/nodes" }
    /// One ephemeral node per service id in use.
    var ids: String { root + "/ids" }
    func id(_ serviceID: String) -> String { ids + "/" + serviceID.replacing("/") }
    /// One ephemeral node per partition that has an owner.
    func locks(of queue: String) -> String { root + "/partitions/" + queue }
    func lock(_ partition: Int, of queue: String) -> String { locks(of: queue) + "/\(partition)" }
}

extension String {
    /// A slash would divide a path.
    fileprivate func replacing(_ slash: Character) -> String {
        String(map { $0 == slash ? "_" : $0 })
    }
}
