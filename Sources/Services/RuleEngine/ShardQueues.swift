import Messages
import Model
import Queue
import Reactor

/// The queues of a shard whose strategies are more than to run everything at once. Owned by the shard's loop.
final class ShardQueues {
    /// The queue of every message of the lane; `nil` when messages name theirs.
    let only: QueueKey?
    private var table = QueueTable([])
    private var queues: [QueueKey: ScheduledQueue] = [:]
    /// Messages of the delivery that is being taken, by queue.
    private var arriving: [(ScheduledQueue, RuleMessage, DeliveryTicket)] = []
    /// Those of which a message has ended.
    private var ended: [ScheduledQueue] = []
    /// Those of queues that are submitted in another way now, or are gone, until their messages are done.
    private var former: [(key: QueueKey, queue: ScheduledQueue)] = []

    /// Whether messages of some queue are to be copied here: where lanes take what a broker would divide.
    private(set) var hasCopies = false

    init(only: QueueKey?) { self.only = only }

    /// Whether no message needs a schedule.
    private(set) var isPlain = true
    /// Whether none does that names no queue: nearly all of them.
    private var isMainPlain = true

    /// Messages that are not done.
    var count: Int { all.reduce(0) { $0 + $1.count } }
    private var all: [ScheduledQueue] { Array(queues.values) + former.map(\.queue) }

    /// The queues there are from now on. Also what is in work follows their strategies, but for the way to submit; what a queue
    /// holds that is gone runs to its end and not again.
    func set(
        _ table: QueueTable, loop: EventLoop, metrics: RuleEngineMetrics,
        run: @escaping (RuleMessage, MessageAttempt) -> Void
    ) {
        self.table = table
        hasCopies = only == nil && table.records.contains { $0.route.duplicates }
        var made: [QueueKey: ScheduledQueue] = [:]
        for record in table.records {
            let key = record.key
            // Where messages name their queues, those of `Main` alone need no name to be counted by.
            guard !record.strategies.isPlain || only == nil && key != QueueKey(name: QueueRoute.main) else { continue }
            guard only == nil || only == key else { continue }
            if let known = queues[key], known.strategies.submit == record.strategies.submit {
                made[key] = known
            } else {
                made[key] = ScheduledQueue(
                    name: key.name, strategies: record.strategies, loop: loop, metrics: metrics, run: run)
            }
        }
        former.removeAll { $0.queue.count == 0 }
        for (key, queue) in queues where queue.count > 0 && made[key] !== queue { former.append((key, queue)) }
        queues = made
        isPlain = made.isEmpty
        isMainPlain = only == nil && !table.hasIsolated && made[QueueKey(name: QueueRoute.main)] == nil
        for (key, queue) in former { queue.follow(table.strategies(of: key)) }
        for (key, queue) in made { queue.follow(table.strategies(of: key)) }
        settle()
    }

    /// Of a message that every partition of its queue gets a copy of: how many there are.
    func copies(of message: RuleMessage) -> Int? {
        guard message.duplicate == nil else { return nil }
        let key = table.key(tenant: message.tenantID, queueName: message.queueName)
        return table.records.first { $0.key == key && $0.route.duplicates }?.route.partitions
    }

    /// Whether the message has a schedule; it begins by ``endDelivery(from:)``.
    func take(_ message: RuleMessage, _ ticket: DeliveryTicket) -> Bool {
        if isMainPlain, message.queueName == nil { return false }
        let key = only ?? table.key(tenant: message.tenantID, queueName: message.queueName)
        guard let queue = queues[key] else { return false }
        arriving.append((queue, message, ticket))
        return true
    }

    /// Begins what was taken.
    func endDelivery(from lane: RuleEngineLane) {
        if !arriving.isEmpty {
            var sizes: [ObjectIdentifier: Int] = [:]
            for (queue, _, _) in arriving { sizes[ObjectIdentifier(queue), default: 0] += 1 }
            var deliveries: [ObjectIdentifier: UInt32] = [:]
            for (queue, message, ticket) in arriving {
                let name = ObjectIdentifier(queue)
                let delivery = deliveries[name] ?? queue.beginDelivery(of: sizes[name]!)
                deliveries[name] = delivery
                queue.accept(message, ticket, delivery: delivery, from: lane)
                hasEnded(queue)
            }
            arriving.removeAll(keepingCapacity: true)
        }
        settle()
    }

    /// The queue has something to settle.
    func hasEnded(_ queue: ScheduledQueue) {
        if !ended.contains(where: { $0 === queue }) { ended.append(queue) }
    }

    /// Does what follows from what ended. When no message runs.
    func settle() {
        while let queue = ended.popLast() { queue.settle() }
    }

    /// What became of messages since it was asked last.
    func takeReports() -> [QueueCountsKey: QueueReport] {
        var taken: [QueueCountsKey: QueueReport] = [:]
        for queue in all {
            for (tenant, report) in queue.takeReports() {
                taken[QueueCountsKey(tenant: tenant, queueName: queue.name), default: QueueReport()] += report
            }
        }
        return taken
    }

    /// Gives back what a producer sent and what does not run.
    func release(producer: UInt32) {
        for queue in all {
            queue.release(producer: producer)
            queue.settle()
        }
    }
}
