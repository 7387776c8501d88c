internal import Synchronization

/// Senders that wait for the outcome of one message each, bounded. Safe from any thread.
public final class WaitingSenders: Sendable {
    private struct State {
        var continuations: [UInt32: CheckedContinuation<DeliveryOutcome?, Never>] = [:]
        var nextTicket: UInt32 = 0
    }

    private let capacity: Int
    private let state = Mutex(State())

    /// - Parameter capacity: How many may wait at a time.
    public init(capacity: Int) {
        self.capacity = capacity
    }

    /// The ticket of a new message; `nil` when the bound is reached.
    public func add(_ continuation: CheckedContinuation<DeliveryOutcome?, Never>) -> UInt32? {
        state.withLock { state in
            guard state.continuations.count < capacity else { return nil }
            while state.continuations[state.nextTicket] != nil { state.nextTicket &+= 1 }
            let ticket = state.nextTicket
            state.nextTicket &+= 1
            state.continuations[ticket] = continuation
            return ticket
        }
    }

    /// Ends the wait; nothing when it has ended.
    ///
    /// - Parameter outcome: `nil` when the message was never sent.
    public func finish(_ ticket: UInt32, _ outcome: DeliveryOutcome?) {
        let continuation = state.withLock { $0.continuations.removeValue(forKey: ticket) }
        continuation?.resume(returning: outcome)
    }
}
