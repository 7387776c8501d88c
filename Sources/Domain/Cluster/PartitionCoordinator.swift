/// Gives this process its share of the partitions of queues, and takes it back. Safe from any thread.
///
/// At any time at most one process of the cluster owns a partition. An owner that cannot be sure of that any more is told to
/// abandon at once; what acts for a partition asks ``lease`` before it does.
public protocol PartitionCoordinator: Membership {
    /// Valid while this process may act as the owner of what its consumers were told to own. Asking is cheap enough for
    /// every batch.
    var lease: OwnershipLease { get }

    /// From now on `consumer` is told which partitions of `queue` are its own, as members come and go. A queue is assigned
    /// once.
    func assign(_ queue: PartitionedQueue, to consumer: any PartitionConsumer) async

    /// Ends what ``assign(_:to:)`` began; returns when the consumer has drained everything it owned.
    func unassign(_ queueName: String) async

    /// Leaves the cluster: the others learn it at once and take over each partition as soon as it is drained here. Returns
    /// when everything is drained and released.
    func leave() async
}
