internal import Logging
internal import Messages
internal import Model
internal import Queue
internal import Reactor

/// Messages from the owner of devices to the rule engine, in order per originator as long as the queue has room. Owned by
/// its loop; bounded, and no tenant has the whole bound: beyond its share its oldest is dropped.
final class RuleMessageOutbox {
    private static let maximumWaiting = 200_000
    private static let maximumInFlight = 2_000

    private let loop: EventLoop
    private let queue: any RuleEngineQueue
    private let logger: Logger
    private var waiting = TenantLines()
    private var inFlight = 0
    private var inFlightOf: [TenantID: Int] = [:]

    /// Messages without an outcome.
    var count: Int { waiting.count + inFlight }

    init(loop: EventLoop, queue: any RuleEngineQueue, logger: Logger) {
        self.loop = loop
        self.queue = queue
        self.logger = logger
    }

    func send(_ message: RuleMessage) {
        let tenant = message.tenantID
        if !FairShare.admits(held: waiting.count(of: tenant), free: Self.maximumWaiting - waiting.count) {
            waiting.dropFirst(of: tenant)
            logger.limited(
                .warning, "events of devices are dropped: the rule engine does not take them fast enough",
                ["tenant.id": .string(tenant.description)])
        }
        waiting.append(message)
        sendMore()
    }

    private func sendMore() {
        while inFlight < Self.maximumInFlight, let message = waiting.popNext() {
            let tenant = message.tenantID
            inFlight += 1
            inFlightOf[tenant, default: 0] += 1
            if !admits(tenant) { _ = waiting.hold(tenant) }
            let reference = OutboxReference(outbox: self)
            let queue = queue
            Task.immediate(executorPreference: loop) {
                _ = try? await queue.send(message)
                reference.outbox.finished(tenant)
            }
        }
    }

    private func admits(_ tenant: TenantID) -> Bool {
        FairShare.admits(held: inFlightOf[tenant] ?? 0, free: Self.maximumInFlight - inFlight)
    }

    private func finished(_ tenant: TenantID) {
        inFlight -= 1
        let left = (inFlightOf[tenant] ?? 1) - 1
        inFlightOf[tenant] = left > 0 ? left : nil
        if admits(tenant) { waiting.release(tenant) }
        sendMore()
    }

    private struct OutboxReference: @unchecked Sendable {
        // @unchecked: dereferenced only by tasks whose executor is the outbox's loop.
        let outbox: RuleMessageOutbox
    }
}
