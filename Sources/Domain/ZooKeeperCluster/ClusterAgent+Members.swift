import Cluster
import Logging
import Metrics
import ZooKeeper

extension ClusterAgent {
    /// Returns when this process is published and sees itself among the members.
    func join() async -> ClusterJoinError? {
        switch stage {
        case .joined, .withdrawn: return nil
        case .leaving, .closing, .left: return .left
        case .joining: break
        }
        if Task.isCancelled { return .left }
        if !wantsToJoin {
            wantsToJoin = true
            if hasBegun { publishNode() }
        }
        return await withCheckedContinuation { joinWaiters.append($0) }
    }

    func failJoiners(_ error: ClusterJoinError) {
        for waiter in joinWaiters { waiter.resume(returning: error) }
        joinWaiters = []
    }

    var requests: ZooKeeperRequests? {
        session.map {
            ZooKeeperRequests(
                session: $0, sessionID: sessionID, paths: paths, isProtected: configuration.credentials != nil,
                longestPause: configuration.retryInterval)
        }
    }

    // MARK: - The own node

    func publishNode() {
        guard let requests else { return }
        info.system = load.measure()
        refreshed = .now()
        let (number, info, post) = (generation, info, post)
        // The session of a member that was killed lives on for its timeout.
        let patience = stage == .joining ? sessionTimeout * 2 + .seconds(2) : .zero
        Task {
            do throws(ZooKeeperError) {
                if patience > .zero, let objection = try await requests.objection(to: info, patience: patience) {
                    post.yield(.refused(generation: number, objection))
                    return
                }
                let path = try await requests.publish(info) { post.yield(.idTaken(generation: number)) }
                post.yield(.published(generation: number, .success(path)))
            } catch {
                post.yield(.published(generation: number, .failure(error)))
            }
        }
    }

    func published(_ result: Result<String, ZooKeeperError>) {
        switch result {
        case .success(let path):
            idTakenSince = nil
            guard stage == .joining || stage == .joined else {
                removeNode(path)
                return
            }
            ownNode = path
            logger.info("published in ZooKeeper", ["zookeeper.path": .string(path), "service.id": .string(info.id)])
            listNodes()
        case .failure(let error):
            // The end of the session is an event of its own; what is left is a refusal.
            guard !error.endsSession else { return }
            logger.error("this process cannot be published", ["error": .string(error.description)])
        }
    }

    /// The node vanishes at once, so that the others need not wait for the session's end.
    func unpublishNode() {
        guard let path = ownNode else { return }
        ownNode = nil
        removeNode(path)
    }

    private func removeNode(_ path: String) {
        guard let requests else { return }
        Task { await requests.delete(path) }
    }

    func checkIDTaken(at now: BootTime) {
        // The session of a process that was killed lives on for its timeout, which is most likely like ours.
        guard let since = idTakenSince, now - since > sessionTimeout * 2 + .seconds(2) else { return }
        if stage == .joining {
            failJoiners(.serviceIDInUse(info.id))
        } else {
            logger.limited(
                .error, "another process has this one's service id; this one owns nothing until that one is gone",
                ["service.id": .string(info.id)])
        }
    }

    /// Rewrites the node's data with the load of the moment.
    func refreshNode(at now: BootTime) {
        guard let session, let path = ownNode else { return }
        refreshed = now
        info.system = load.measure()
        let data = info.encoded()
        // What is lost here comes with the next refresh.
        Task { try? await session.setData(data, at: path) }
    }

    func setReady(_ isReady: Bool) {
        guard info.isReady != isReady else { return }
        info.isReady = isReady
        if isConnected, ownNode != nil { refreshNode(at: .now()) }
    }

    func setDoubt(_ doubtsKafka: Bool) {
        guard info.doubtsKafka != doubtsKafka else { return }
        info.doubtsKafka = doubtsKafka
        if isConnected, ownNode != nil { refreshNode(at: .now()) }
    }

    // MARK: - Out for a while

    func withdraw() {
        guard stage == .joined else { return }
        stage = .withdrawn
        mustReview = true
        logger.warning("withdrawn from the cluster; partitions go to others")
        unpublishNode()
        for name in queues.keys.sorted() { feed(name, .desired([])) }
    }

    func rejoin() {
        guard stage == .withdrawn else { return }
        stage = .joined
        logger.info("joining the cluster again")
        if hasBegun { publishNode() }
    }

    // MARK: - The others

    func changed(_ path: String) {
        if path == paths.nodes {
            listNodes()
        } else {
            lockChanged(path)
        }
    }

    /// Reads the list of nodes; once at a time, and again when it changed meanwhile.
    func listNodes() {
        guard let requests else { return }
        if isListing {
            mustListAgain = true
            return
        }
        isListing = true
        let (number, names, post) = (generation, Set(known.keys), post)
        Task {
            do throws(ZooKeeperError) {
                post.yield(.nodes(generation: number, .success(try await requests.listNodes(known: names))))
            } catch {
                post.yield(.nodes(generation: number, .failure(error)))
            }
        }
    }

    func listed(_ result: Result<NodeListing, ZooKeeperError>) {
        isListing = false
        guard case .success(let listing) = result else { return }
        let present = Set(listing.names)
        known = known.filter { present.contains($0.key) }
        for (name, info) in listing.added {
            known[name] = .some(info)
            if info == nil {
                logger.warning(
                    "a node in ZooKeeper cannot be read", ["zookeeper.path": .string(paths.nodes + "/" + name)])
            }
        }
        if mustListAgain {
            // The list is old already, and may be older than this process's own node.
            mustListAgain = false
            return listNodes()
        }
        if let own = ownNode, !present.contains(String(own.dropFirst(paths.nodes.count + 1))) {
            // Somebody deleted it; the session lives.
            logger.warning("this process's node was deleted by somebody; publishing it again")
            ownNode = nil
            mustReview = true
            publishNode()
            return
        }
        let isNowMember = ownNode != nil && (stage == .joining || mustReview)
        if isNowMember {
            stage = .joined
            mustReview = false
        }
        if tracker.observe(known.values.compactMap { $0?.member }, at: .now()) || isNowMember { viewChanged() }
        if isNowMember {
            for waiter in joinWaiters { waiter.resume(returning: nil) }
            joinWaiters = []
        }
    }

    /// By id.
    func services() async -> [ServiceInfo] {
        let found = await publishedServices() ?? known.values.compactMap { $0 }
        info.system = load.measure()
        return (found.filter { $0.id != info.id } + [info]).sorted { $0.id < $1.id }
    }

    /// Whether another process can do now what this one does; no where ZooKeeper cannot be asked.
    func hasStandIn() async -> Bool {
        await publishedServices()?.contains { $0.canStandIn(for: info) } ?? false
    }

    /// As it is in ZooKeeper now.
    private func publishedServices() async -> [ServiceInfo]? {
        guard let session, isConnected, let names = try? await session.children(of: paths.nodes) else { return nil }
        var found: [ServiceInfo] = []
        for name in names {
            if let data = try? await session.data(at: paths.nodes + "/" + name),
                let info = try? ServiceInfo(decoding: data)
            {
                found.append(info)
            }
        }
        return found
    }

    func viewChanged() {
        view = MembershipView(epoch: view.epoch + 1, members: Array(tracker.members.values))
        metrics.members.set(Double(view.members.count))
        logger.info(
            "members of the cluster", ["members": .string(view.members.map(\.id).joined(separator: " "))])
        publishView(view)
        for name in queues.keys.sorted() { feed(name, .desired(share(of: name))) }
    }

    /// What this process should own of a queue.
    func share(of name: String) -> Set<Int> {
        guard stage == .joined, ownNode != nil, let queue = queues[name], !queue.isEnding else { return [] }
        return Set(view.table(of: queue.queue).partitions(ownedBy: info.id))
    }
}
