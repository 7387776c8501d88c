public import Model
internal import Synchronization

/// Senders that wait for the outcome of one message each, bounded; no tenant has the whole bound (``FairShare``). Safe from
/// any thread.
public final class WaitingSenders: Sendable {
    private struct Waiter {
        var tenant: TenantID
        var continuation: CheckedContinuation<DeliveryOutcome?, Never>
    }

    private struct State {
        var waiters: [UInt32: Waiter] = [:]
        /// Messages that wait, by tenant.
        var held: [TenantID: Int] = [:]
        var nextTicket: UInt32 = 0
    }

    private let capacity: Int
    private let state = Mutex(State())

    /// - Parameter capacity: How many may wait at a time.
    public init(capacity: Int) {
        self.capacity = capacity
    }

    /// The ticket of a new message; `nil` when the bound is reached, or the tenant's share of it.
    public func add(_ continuation: CheckedContinuation<DeliveryOutcome?, Never>, tenant: TenantID) -> UInt32? {
        state.withLock { state in
            let held = state.held[tenant] ?? 0
            guard FairShare.admits(held: held, free: capacity - state.waiters.count) else { return nil }
            while state.waiters[state.nextTicket] != nil { state.nextTicket &+= 1 }
            let ticket = state.nextTicket
            state.nextTicket &+= 1
            state.waiters[ticket] = Waiter(tenant: tenant, continuation: continuation)
            state.held[tenant] = held + 1
            return ticket
        }
    }

    /// Ends the wait; nothing when it has ended.
    ///
    /// - Parameter outcome: `nil` when the message was never sent.
    public func finish(_ ticket: UInt32, _ outcome: DeliveryOutcome?) {
        let waiter = state.withLock { state in
            let waiter = state.waiters.removeValue(forKey: ticket)
            if let waiter, let held = state.held[waiter.tenant] {
                state.held[waiter.tenant] = held > 1 ? held - 1 : nil
            }
            return waiter
        }
        waiter?.continuation.resume(returning: outcome)
    }
}
