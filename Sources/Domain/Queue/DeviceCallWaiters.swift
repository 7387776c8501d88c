public import Messages
public import Model
public import Reactor
import Synchronization

/// How a call to a device ended for who made it.
public enum DeviceCallOutcome: Sendable, Equatable {
    /// The device's answer as text; `nil` for the end of a one-way call.
    case answered(String?)
    case failed(RPCError)
}

/// Those of this process who wait for the outcome of a call to a device, bounded. Safe from any thread.
///
/// In one process the REST API and the rule engine may wait for the same call: both are told.
public final class DeviceCallWaiters: Sendable {
    private struct Waiter {
        var number: UInt64
        var continuation: CheckedContinuation<DeviceCallOutcome, Never>
    }

    private struct State {
        var waiting: [UUID128: [Waiter]] = [:]
        var count = 0
        var next: UInt64 = 0
    }

    private let loop: EventLoop
    private let capacity: Int
    private let state = Mutex(State())

    /// - Parameter loop: Keeps the time.
    public init(loop: EventLoop, capacity: Int = 100_000) {
        self.loop = loop
        self.capacity = capacity
    }

    /// Waits for the outcome of the call that `start` sends.
    ///
    /// - Parameter deadline: Milliseconds since 1970; after it the outcome is ``RPCError/timeout``.
    public func wait(
        for call: UUID128, until deadline: Int64, start: () -> Void
    ) async -> DeviceCallOutcome {
        let number: UInt64? = state.withLock { state in
            guard state.count < capacity else { return nil }
            state.count += 1
            state.next += 1
            return state.next
        }
        guard let number else { return .failed(.internal) }
        return await withCheckedContinuation { continuation in
            state.withLock { $0.waiting[call, default: []].append(Waiter(number: number, continuation: continuation)) }
            let now = loop.wallClockMilliseconds
            let delay = deadline > now ? deadline - now : 0
            loop.execute { [self] in
                loop.schedule(after: .milliseconds(delay)) { self.expire(call, number) }
            }
            start()
        }
    }

    /// Tells everybody who waits for the call.
    public func finish(_ call: UUID128, _ outcome: DeviceCallOutcome) {
        let told = state.withLock { state in
            let told = state.waiting.removeValue(forKey: call) ?? []
            state.count -= told.count
            return told
        }
        for waiter in told { waiter.continuation.resume(returning: outcome) }
    }

    /// Takes what concerns calls, to devices and into the rule engine: both are named by ids of their own.
    public func receive(_ notification: CoreNotification) {
        switch notification {
        case .rpcResponse(let call, let response, let error):
            finish(call, error.map { .failed($0) } ?? .answered(response))
        case .ruleEngineResponse(let request, let message): finish(request, .answered(message?.payload.text))
        case .entityChanged, .watchedEntities, .watchedValues: break
        }
    }

    private func expire(_ call: UUID128, _ number: UInt64) {
        let expired: Waiter? = state.withLock { state in
            guard let index = state.waiting[call]?.firstIndex(where: { $0.number == number }) else { return nil }
            state.count -= 1
            let waiter = state.waiting[call]?.remove(at: index)
            if state.waiting[call]?.isEmpty ?? false { state.waiting[call] = nil }
            return waiter
        }
        expired?.continuation.resume(returning: .failed(.timeout))
    }
}
