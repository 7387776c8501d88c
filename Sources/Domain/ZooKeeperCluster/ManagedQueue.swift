import Cluster

/// One queue whose partitions the agent manages, and what its consumer was told.
struct ManagedQueue {
    let queue: PartitionedQueue
    let consumer: any PartitionConsumer
    var machine: OwnershipMachine
    /// What the newest call of `own` named, less what was abandoned since.
    var told: Set<Int> = []
    /// A call of `own` has not returned.
    var isTelling = false
    var drainsBegan: [Int: BootTime] = [:]
    var waitsBegan: [Int: BootTime] = [:]
    /// Locks whose watch fired before the agent knew that it waits for them.
    var freedEarly: Set<Int> = []
    /// Nothing is wanted any more.
    var isEnding = false

    init(queue: PartitionedQueue, consumer: any PartitionConsumer) {
        self.queue = queue
        self.consumer = consumer
        machine = OwnershipMachine(partitions: queue.partitions)
    }

    var isQuiet: Bool { machine.isQuiet && !isTelling && told.isEmpty }
}
