public import Model
public import Reactor

/// The consuming end of one share of a queue's partitions, owned by one event loop.
///
/// Outcomes are gathered while the loop works and posted to each producer once a tick.
public final class RuleEngineLane {
    public let loop: EventLoop
    public let index: Int
    private var outcomes: [[TicketOutcome]] = []
    private var dirty: [UInt32] = []
    private let post: (UInt32, [TicketOutcome]) -> Void
    private let takeBack: (DeliveryTicket) -> Void
    private let ownership: (UUID128) -> UInt32?
    private let partitions: () -> Int

    /// Called on `loop`. `post` hands outcomes to the producer of that number, from this loop; `takeBack` takes a message that
    /// another process is to have; `ownership` is ``ownership(of:)``,
    /// `assignment` is ``assignment``.
    package init(
        loop: EventLoop, index: Int, ownership: @escaping (UUID128) -> UInt32?,
        assignment: @escaping () -> Int = { 0 }, takeBack: @escaping (DeliveryTicket) -> Void = { _ in },
        post: @escaping (UInt32, [TicketOutcome]) -> Void
    ) {
        self.loop = loop
        self.index = index
        self.ownership = ownership
        partitions = assignment
        self.takeBack = takeBack
        self.post = post
        loop.addTickHook { [weak self] in self?.flush() }
    }

    /// Tells the outcome of one delivered message. On the lane's loop.
    public func tell(_ outcome: DeliveryOutcome, of ticket: DeliveryTicket) {
        let producer = Int(ticket.producer)
        while outcomes.count <= producer { outcomes.append([]) }
        if outcomes[producer].isEmpty { dirty.append(ticket.producer) }
        outcomes[producer].append(TicketOutcome(ticket: ticket.ticket, outcome: outcome))
    }

    /// Gives back a message without an outcome; only one that the queue has asked for. On the lane's loop.
    public func giveBack(_ ticket: DeliveryTicket) { takeBack(ticket) }

    /// Whether messages of that originator come here, and since when: a number that is another one each time that they come
    /// here again; `nil` while they go elsewhere. On the lane's loop.
    public func ownership(of originator: UUID128) -> UInt32? { ownership(originator) }

    /// Another number when the lane has other partitions than before.
    public var assignment: Int { partitions() }

    private func flush() {
        guard !dirty.isEmpty else { return }
        for producer in dirty {
            post(producer, outcomes[Int(producer)])
            outcomes[Int(producer)].removeAll(keepingCapacity: true)
        }
        dirty.removeAll(keepingCapacity: true)
    }
}
