import Cluster
import ZooKeeper

/// The requests that a member makes, each repeated over lost connections until its outcome is known or its session is over.
struct ZooKeeperRequests: Sendable {
    let session: ZooKeeperSession
    let sessionID: Int64
    let paths: ClusterPaths
    /// Whether only holders of this session's credentials may change what it makes.
    let isProtected: Bool
    let longestPause: Duration

    // MARK: - Membership

    /// Takes the service id and publishes this process; returns the path of its node.
    func publish(_ info: ServiceInfo, whenTaken: () -> Void) async throws(ZooKeeperError) -> String {
        try await repeating { () async throws(ZooKeeperError) in
            try await session.ensure(paths.nodes)
            try await session.ensure(paths.ids)
        }
        try await takeID(info.id, whenTaken: whenTaken)
        let data = info.encoded()
        var isRepeated = false
        return try await repeating { () async throws(ZooKeeperError) -> String in
            // The answer to an earlier attempt may have been lost.
            if isRepeated, let own = try await ownNode() { return own }
            isRepeated = true
            return try await session.create(
                paths.nodes + "/", data: data, mode: .ephemeralSequential, onlyForCreator: isProtected)
        }
    }

    /// Why this process must not become a member: one that there is after `patience` counts partitions otherwise.
    func objection(to info: ServiceInfo, patience: Duration) async throws(ZooKeeperError) -> ClusterJoinError? {
        guard info.corePartitions > 0 else { return nil }
        try await repeating { () async throws(ZooKeeperError) in try await session.ensure(paths.nodes) }
        let deadline = BootTime.now() + patience
        while true {
            let members = try await listNodes(known: [], watch: false).added.values.compactMap { $0 }
            guard let other = members.first(where: { ![0, info.corePartitions].contains($0.corePartitions) }) else {
                return nil
            }
            guard BootTime.now() < deadline else {
                return .otherPartitions(own: info.corePartitions, member: other.id, count: other.corePartitions)
            }
            await pause(.milliseconds(500))
        }
    }

    private func takeID(_ id: String, whenTaken: () -> Void) async throws(ZooKeeperError) {
        var isTold = false
        while true {
            switch try await lock(paths.id(id), data: Array(id.utf8), watch: false) {
            case .granted: return
            case .sessionEnded: throw ZooKeeperError(.sessionExpired, operation: "create", subject: paths.id(id))
            case .taken:
                if !isTold { whenTaken() }
                isTold = true
                await pause(.milliseconds(200))
            }
        }
    }

    private func ownNode() async throws(ZooKeeperError) -> String? {
        for name in try await session.children(of: paths.nodes) {
            let path = paths.nodes + "/" + name
            if try await session.status(of: path)?.ephemeralOwner == sessionID { return path }
        }
        return nil
    }

    /// Reads who is there, and sets a watch on it.
    func listNodes(known: Set<String>, watch: Bool = true) async throws(ZooKeeperError) -> NodeListing {
        try await repeating { () async throws(ZooKeeperError) -> NodeListing in
            var listing = NodeListing(names: try await session.children(of: paths.nodes, watch: watch), added: [:])
            for name in listing.names where !known.contains(name) {
                do throws(ZooKeeperError) {
                    let data = try await session.data(at: paths.nodes + "/" + name)
                    listing.added[name] = .some(try? ServiceInfo(decoding: data))
                } catch {
                    // Gone in between; the watch tells.
                    guard error.kind == .noNode else { throw error }
                    listing.names.removeAll { $0 == name }
                }
            }
            return listing
        }
    }

    // MARK: - Locks

    /// Takes the lock of a partition, or sets a watch on it.
    func lock(_ partition: Int, of queue: String, owner: String) async -> LockOutcome {
        let path = paths.lock(partition, of: queue)
        do {
            return try await lock(path, data: Array(owner.utf8), watch: true)
        } catch {
            return .sessionEnded
        }
    }

    /// Makes an ephemeral node that nobody else has.
    private func lock(_ path: String, data: [UInt8], watch: Bool) async throws(ZooKeeperError) -> LockOutcome {
        try await repeating { () async throws(ZooKeeperError) -> LockOutcome in
            while true {
                do throws(ZooKeeperError) {
                    try await session.create(path, data: data, mode: .ephemeral, onlyForCreator: isProtected)
                    return .granted
                } catch {
                    switch error.kind {
                    case .nodeExists: break
                    case .noNode:
                        try await session.ensure(String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]))
                        continue
                    default: throw error
                    }
                }
                guard let status = try await session.status(of: path, watch: watch) else { continue }
                // It is ours where the answer to an earlier request was lost.
                return status.ephemeralOwner == sessionID ? .granted : .taken
            }
        }
    }

    /// Gives the lock of a partition back; returns when it is free or the session is over.
    func release(_ partition: Int, of queue: String) async {
        await delete(paths.lock(partition, of: queue))
    }

    /// Deletes an ephemeral node of this session.
    func delete(_ path: String) async {
        var isRepeated = false
        do {
            try await repeating { () async throws(ZooKeeperError) in
                // After a lost answer the node may be somebody else's already, who must keep it.
                if isRepeated, try await session.status(of: path)?.ephemeralOwner != sessionID { return }
                isRepeated = true
                do throws(ZooKeeperError) {
                    try await session.delete(path)
                } catch {
                    guard error.kind == .noNode else { throw error }
                }
            }
        } catch {
            // The session is over, and the node gone with it.
        }
    }

    // MARK: - Repetition

    private func repeating<Value>(
        _ body: () async throws(ZooKeeperError) -> Value
    ) async throws(ZooKeeperError) -> Value {
        var delay = Duration.milliseconds(50)
        while true {
            do {
                return try await body()
            } catch {
                if error.endsSession { throw error }
                await pause(delay)
                delay = min(delay * 2, longestPause)
            }
        }
    }

    private func pause(_ longest: Duration) async {
        try? await Task.sleep(for: longest * Double.random(in: 0.5...1))
    }
}
