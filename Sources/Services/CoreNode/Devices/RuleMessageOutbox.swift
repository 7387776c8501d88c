internal import Logging
internal import Messages
internal import Model
internal import Queue
internal import Reactor

/// Messages from the owner of devices to the rule engine, in order per originator as long as the queue has room. Owned by
/// its loop; bounded: beyond the bound the oldest is dropped and counted.
final class RuleMessageOutbox {
    private static let maximumWaiting = 200_000
    private static let maximumInFlight = 2_000

    private let loop: EventLoop
    private let queue: any RuleEngineQueue
    private let logger: Logger
    private var waiting: [RuleMessage] = []
    private var next = 0
    private var inFlight = 0

    /// Messages without an outcome.
    var count: Int { waiting.count - next + inFlight }

    init(loop: EventLoop, queue: any RuleEngineQueue, logger: Logger) {
        self.loop = loop
        self.queue = queue
        self.logger = logger
    }

    func send(_ message: RuleMessage) {
        if waiting.count - next >= Self.maximumWaiting {
            next += 1
            logger.limited(.warning, "events of devices are dropped: the rule engine does not take them fast enough")
        }
        waiting.append(message)
        sendMore()
    }

    private func sendMore() {
        while inFlight < Self.maximumInFlight, next < waiting.count {
            let message = waiting[next]
            next += 1
            inFlight += 1
            let reference = OutboxReference(outbox: self)
            let queue = queue
            Task.immediate(executorPreference: loop) {
                _ = try? await queue.send(message)
                reference.outbox.finished()
            }
        }
        if next == waiting.count {
            waiting.removeAll(keepingCapacity: waiting.capacity <= 4_096)
            next = 0
        }
    }

    private func finished() {
        inFlight -= 1
        sendMore()
    }

    private struct OutboxReference: @unchecked Sendable {
        // @unchecked: dereferenced only by tasks whose executor is the outbox's loop.
        let outbox: RuleMessageOutbox
    }
}
