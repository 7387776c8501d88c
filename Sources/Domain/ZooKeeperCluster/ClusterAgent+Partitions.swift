import Cluster
import Logging
import Metrics

extension ClusterAgent {
    func assign(_ queue: PartitionedQueue, to consumer: any PartitionConsumer) {
        precondition(queues[queue.name] == nil, "queue \(queue.name) is assigned twice")
        queues[queue.name] = ManagedQueue(queue: queue, consumer: consumer)
        metrics.owned(0, of: queue.name)
        if hasBegun { feed(queue.name, .sessionBegan(generation)) }
        if isLeased { feed(queue.name, .leaseConfirmed) }
        feed(queue.name, .desired(share(of: queue.name)))
    }

    func unassign(_ name: String) async {
        guard queues[name] != nil else { return }
        await withCheckedContinuation { continuation in
            unassignWaiters[name, default: []].append(continuation)
            queues[name]?.isEnding = true
            feed(name, .desired([]))
        }
    }

    // MARK: - The machine

    /// Hands an input to the machine of a queue, and carries out what it answers.
    func feed(_ name: String, _ input: OwnershipMachine.Input) {
        guard var queue = queues[name] else { return }
        let actions = queue.machine.handle(input)
        let now = BootTime.now()
        var abandoned: Set<Int> = []
        for action in actions {
            switch action {
            case .acquire(let partition): acquire(partition, of: &queue)
            case .release(let partition): release(partition, of: queue.queue)
            case .own: break
            case .drain(let partition): queue.drainsBegan[partition] = now
            case .abandon(let partition): abandoned.insert(partition)
            }
        }
        queue.told.subtract(abandoned)
        queues[name] = queue
        if !abandoned.isEmpty { queue.consumer.abandon(abandoned) }
        tell(name)
        endIfQuiet(name)
    }

    /// Tells the consumer what it should consume, one call at a time.
    private func tell(_ name: String) {
        guard let queue = queues[name], !queue.isTelling else { return }
        let owned = queue.machine.owned
        metrics.owned(owned.count, of: name)
        guard owned != queue.told else {
            // Drained before it was begun.
            for partition in queue.machine.active.subtracting(owned) { feed(name, .drained(partition)) }
            return
        }
        queues[name]?.isTelling = true
        queues[name]?.told = owned
        logger.info(
            "partitions",
            ["queue": .string(name), "partitions": .string(owned.sorted().map(String.init).joined(separator: " "))]
        )
        let (consumer, post) = (queue.consumer, post)
        Task.detached {
            await consumer.own(owned)
            post.yield(.consumed(queue: name, owned))
        }
    }

    func consumed(_ name: String, _ partitions: Set<Int>) {
        guard let queue = queues[name] else { return }
        queues[name]?.isTelling = false
        // What was abandoned while the call was on its way was taken up by it all the same, if it came later.
        let late = partitions.subtracting(queue.told)
        if !late.isEmpty { queue.consumer.abandon(late) }
        for partition in queue.machine.active.subtracting(queue.machine.owned) where !partitions.contains(partition) {
            queues[name]?.drainsBegan[partition] = nil
            feed(name, .drained(partition))
        }
        tell(name)
        endIfQuiet(name)
    }

    private func endIfQuiet(_ name: String) {
        guard let queue = queues[name], queue.isEnding, queue.isQuiet, let waiters = unassignWaiters[name] else {
            return
        }
        queues[name] = nil
        unassignWaiters[name] = nil
        for waiter in waiters { waiter.resume() }
    }

    // MARK: - Locks

    private func acquire(_ partition: Int, of queue: inout ManagedQueue) {
        queue.freedEarly.remove(partition)
        queue.waitsBegan[partition] = nil
        guard let requests else { return }
        let (number, name, owner, post) = (generation, queue.queue.name, info.id, post)
        Task {
            let outcome = await requests.lock(partition, of: name, owner: owner)
            post.yield(.lock(generation: number, queue: name, partition: partition, outcome))
        }
    }

    private func release(_ partition: Int, of queue: PartitionedQueue) {
        guard let requests else { return }
        let (number, post) = (generation, post)
        Task {
            await requests.release(partition, of: queue.name)
            post.yield(.released(generation: number, queue: queue.name, partition: partition))
        }
    }

    func lockEnded(_ name: String, _ partition: Int, _ outcome: LockOutcome, generation number: Int) {
        switch outcome {
        case .granted: feed(name, .lockGranted(partition, session: number))
        case .taken:
            queues[name]?.waitsBegan[partition] = .now()
            feed(name, .lockTaken(partition, session: number))
            if queues[name]?.freedEarly.remove(partition) != nil { feed(name, .lockFreed(partition, session: number)) }
        case .sessionEnded: break  // Told by an event of its own.
        }
    }

    /// The watch of a lock has fired.
    func lockChanged(_ path: String) {
        let parts = path.split(separator: "/")
        guard parts.count >= 2, let partition = Int(parts[parts.count - 1]) else { return }
        let name = String(parts[parts.count - 2])
        guard let queue = queues[name], path == paths.lock(partition, of: name), partition < queue.queue.partitions
        else {
            return
        }
        if queue.machine.phases[partition] == .acquiring { queues[name]?.freedEarly.insert(partition) }
        feed(name, .lockFreed(partition, session: generation))
    }

    /// Ends drains that take too long, and looks again after locks whose watch is long silent.
    func expireWaits(at now: BootTime) {
        // Who has withdrawn cannot commit what it finishes; others wait for its partitions.
        let isWithdrawn = stage == .withdrawn
        let patience = isWithdrawn ? min(configuration.drainTimeout, .seconds(1)) : configuration.drainTimeout
        for (name, queue) in queues {
            for partition in queue.queue.partitions.range where queue.machine.phases[partition] == .draining {
                guard let began = queue.drainsBegan[partition], now - began > patience else {
                    continue
                }
                queues[name]?.drainsBegan[partition] = nil
                if !isWithdrawn {
                    metrics.drainsExpired.increment()
                    logger.error(
                        "a consumer did not finish in time; its partition is given up",
                        ["queue": .string(name), "partition": .integer(partition)])
                }
                feed(name, .drainExpired(partition))
            }
            for (partition, began) in queue.waitsBegan where now - began > .seconds(5) && isConnected {
                queues[name]?.waitsBegan[partition] = nil
                feed(name, .lockFreed(partition, session: generation))
            }
        }
    }
}

extension Int {
    fileprivate var range: Range<Int> { 0..<self }
}
