import Kafka
import Messages
import Metrics
import Model
import Queue
import Reactor
import Wire

/// The producing face for one transport loop, which owns it. Encodes each uplink into one buffer that it keeps.
///
/// When librdkafka's buffer is full, what is left waits here in order, bounded by what the transport admits without
/// outcomes, and goes on as reports come back.
final class KafkaUplinkProducer: UplinkProducer {
    /// A batch, and the first of its messages that was not taken yet.
    private struct Rest {
        let batch: UplinkBatch
        var next: Int
    }

    private let hub: KafkaHub
    private let routing: QueueRouting
    private let loop: EventLoop
    private let failures: Counter
    private var encoder = WireEncoder()
    private var random = MessageIDs()
    private var waiting: [Rest] = []
    private var receiver = KafkaProducer.Receiver.none
    private let reports: OutcomeBox
    private var isRetrying = false

    init(
        hub: KafkaHub, routing: QueueRouting, loop: EventLoop, failures: Counter, outcomes: @escaping OutcomeHandler
    ) {
        self.hub = hub
        self.routing = routing
        self.loop = loop
        self.failures = failures
        let box = OutcomeBox()
        reports = box
        let mailbox = Mailbox<TicketOutcome>(on: loop) { told in
            outcomes(&told)
            box.producer?.goOn()
        }
        box.mailbox = mailbox
        let logger = hub.logger
        receiver = hub.producer.addReceiver { reports in
            var lost = 0
            mailbox.post(
                contentsOf: reports.map { report in
                    if !report.isDelivered { lost += 1 }
                    return TicketOutcome(
                        ticket: report.ticket, outcome: report.isDelivered ? .acknowledged : .lost)
                })
            guard lost > 0 else { return }
            failures.increment(by: lost)
            if let error = reports.first(where: { !$0.isDelivered })?.error { KafkaHub.noteLost(lost, error, logger) }
        }
        box.producer = self
    }

    /// Lets the mailbox's handler reach the producer that posts to it. On the loop only.
    private final class OutcomeBox {
        weak var producer: KafkaUplinkProducer?
        var mailbox: Mailbox<TicketOutcome>?
    }

    var laneCount: Int { 1 }

    func lane(for originator: UUID128) -> Int { 0 }

    func submit(_ batch: UplinkBatch, lane: Int) {
        var rest = Rest(batch: batch, next: 0)
        guard waiting.isEmpty, produce(&rest) else {
            waiting.append(rest)
            retryLater()
            return
        }
    }

    /// Queues messages in order; `false` when librdkafka's buffer is full before the end.
    private func produce(_ rest: inout Rest) -> Bool {
        while rest.next < rest.batch.messages.count {
            let message = rest.batch.messages[rest.next]
            let device = message.session.device
            let route = routing.route(tenant: device.tenantID, queueName: message.session.profile.queueName)
            let id = UUID128.random(using: &random)
            do throws(KafkaError) {
                if route.duplicates {
                    try hub.produceCopies(
                        of: RuleMessage(uplink: rest.batch, index: rest.next, id: id), &encoder, route: route,
                        receiver: receiver, ticket: message.ticket)
                } else {
                    encoder.encode(uplink: rest.batch, index: rest.next, id: id)
                    try hub.produce(
                        encoder, route: route, originator: device.deviceID.uuid, receiver: receiver,
                        ticket: message.ticket)
                }
            } catch {
                if error.isQueueFull { return false }
                hub.noteRefused(error, topic: route.topic)
                failures.increment()
                reports.mailbox?.post(TicketOutcome(ticket: message.ticket, outcome: .lost))
            }
            rest.next += 1
        }
        return true
    }

    /// Goes on with what waits.
    private func goOn() {
        guard !waiting.isEmpty else { return }
        var done = 0
        while done < waiting.count, produce(&waiting[done]) { done += 1 }
        waiting.removeFirst(done)
        if !waiting.isEmpty { retryLater() }
    }

    /// Reports free the buffer, but none comes here when the buffer is full of what others sent.
    private func retryLater() {
        guard !isRetrying else { return }
        isRetrying = true
        loop.schedule(after: .milliseconds(10)) { [weak self] in
            self?.isRetrying = false
            self?.goOn()
        }
    }
}

/// Random numbers for message ids (SplitMix64): not for secrets, and without a system call for each.
struct MessageIDs: RandomNumberGenerator {
    private var state = UInt64.random(in: 0...UInt64.max)

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }
}
