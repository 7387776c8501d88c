public import Messages
import Metrics
import Model
import Queue
import Reactor

extension TransportLoop {
    /// Sends what a session has to tell its device's core node; `false` when its queue is full.
    public func send(_ message: CoreMessage, of session: SessionInfo) -> Bool {
        let isTaken = core.send(message, device: session.device.deviceID)
        if !isTaken { metrics.coreQueueFull.increment() }
        return isTaken
    }

    /// Whether a message without data points may pass the limits of its session.
    public func admitsMessage(_ limiter: SessionLimiter) -> Bool { admits(.message, limiter) }

    /// Whether so much may pass the limits of its session.
    public func admits(_ load: TransportLoad, _ limiter: SessionLimiter) -> Bool {
        if limiter.isUnlimited || limiter.admits(load, now: loop.now) { return true }
        metrics.limited.increment()
        return false
    }

    /// Hands a device's call to the rule engine (`device-api.md` 1.6). The answer comes as
    /// ``TransportNotification/rpcResponse(_:_:)`` if a chain gives one.
    ///
    /// - Parameter finished: Called on the loop once the message is durable and processed, or `false` when the queue was
    ///   full, or could not keep it, and the call is lost.
    public func callServer(
        _ request: ToServerRPCRequest, of session: SessionInfo, finished: @escaping (_ isTaken: Bool) -> Void
    ) {
        hand(
            RuleMessage(serverCall: request, of: session, id: .random(), timestamp: loop.wallClockMilliseconds),
            finished)
    }

    /// Hands shared attributes that a gateway reports of a device to the rule engine (`device-api.md` 10.2): what is saved,
    /// and where, is up to its chain.
    ///
    /// - Parameter finished: Called on the loop once the message is durable, or `false` when the queue was full or could not
    ///   keep it.
    public func postSharedAttributes(
        _ typed: TypedRecord, of session: SessionInfo, finished: @escaping (_ isTaken: Bool) -> Void
    ) {
        hand(
            RuleMessage(
                sharedAttributes: typed.json, of: session, id: .random(), timestamp: loop.wallClockMilliseconds),
            finished)
    }

    private func hand(_ message: RuleMessage, _ finished: @escaping (_ isTaken: Bool) -> Void) {
        let outcome = CallOutcome(body: finished)
        let queue = queue
        Task(executorPreference: loop) {
            do throws(QueueError) {
                outcome.body(try await queue.send(message) != .lost)
            } catch {
                outcome.body(false)
            }
        }
    }

    /// Carries a closure over loop-bound state into a task on the same loop.
    private struct CallOutcome: @unchecked Sendable {
        // @unchecked: called by a task whose executor is the loop that owns what the closure touches.
        let body: (Bool) -> Void
    }
}
