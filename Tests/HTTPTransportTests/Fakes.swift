import Messages
import Model
import Queue
import Reactor
import Synchronization

/// A queue that keeps what it is given, and acknowledges it at once or when it is told to.
final class RecordingQueue: RuleEngineQueue {
    struct Entry: Sendable {
        var kind: UplinkMessage.Kind
        var device: String
        var timestamp: Int64
        var pointCount: Int
        fileprivate var ticket: UInt32
        fileprivate var acknowledge: @Sendable ([TicketOutcome]) -> Void
    }

    private let entries = Mutex<[Entry]>([])
    private let acknowledgesAtOnce: Bool

    init(acknowledgesAtOnce: Bool = true) {
        self.acknowledgesAtOnce = acknowledgesAtOnce
    }

    /// What has arrived, in order.
    var received: [Entry] { entries.withLock { $0 } }

    /// Tells that an entry is durable.
    func acknowledge(_ entry: Entry, _ outcome: DeliveryOutcome = .acknowledged) {
        entry.acknowledge([TicketOutcome(ticket: entry.ticket, outcome: outcome)])
    }

    func makeUplinkProducer(on loop: EventLoop, outcomes: @escaping OutcomeHandler) -> any UplinkProducer {
        let mailbox = Mailbox(on: loop, outcomes)
        return Producer { [self] batch in
            let made = batch.messages.map { message in
                Entry(
                    kind: message.kind, device: message.session.device.name, timestamp: message.timestamp,
                    pointCount: Int(message.pointCount), ticket: message.ticket,
                    acknowledge: { mailbox.post(contentsOf: $0) })
            }
            entries.withLock { $0 += made }
            if acknowledgesAtOnce { for entry in made { acknowledge(entry) } }
        }
    }

    func send(_ message: RuleMessage) async throws(QueueError) -> DeliveryOutcome { .acknowledged }

    private final class Producer: UplinkProducer {
        private let take: (UplinkBatch) -> Void

        init(_ take: @escaping (UplinkBatch) -> Void) {
            self.take = take
        }

        let laneCount = 1

        func lane(for originator: UUID128) -> Int { 0 }

        func submit(_ batch: UplinkBatch, lane: Int) { take(batch) }
    }
}

struct NoCoreQueue: CoreQueueProducer {
    func send(_ message: CoreMessage, device: DeviceID) -> Bool { true }
}

/// Lets devices in whose token begins with `tok-`; `down` stands for a service that does not answer.
final class FakeAPI: TransportAPI {
    /// Tokens that the answer is known for without waiting.
    private let known = Mutex<[String: DeviceInfo]>([:])
    private let profile = DeviceProfileInfo(id: DeviceProfileID(.random()), transportType: .coap)

    func validateAtOnce(_ request: DeviceCredentialsRequest) -> DeviceCredentialsResponse? {
        guard case .accessToken(let token) = request else { return nil }
        return known.withLock { $0[token] }.map { .accepted($0, profile) }
    }

    func validate(_ request: DeviceCredentialsRequest) async -> DeviceCredentialsResponse {
        guard case .accessToken(let token) = request else { return .refused }
        await Task.yield()
        if token == "down" { return .unavailable }
        guard token.hasPrefix("tok-") else { return .refused }
        let device = DeviceInfo(
            tenantID: TenantID(.zero), deviceID: DeviceID(.random()), name: token, type: "default",
            profileID: profile.id, customerID: .null, isGateway: false)
        known.withLock { $0[token] = device }
        return .accepted(device, profile)
    }
}
