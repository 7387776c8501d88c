import JSON
import Messages
import Model
import Queue
import Reactor
import Storage
import TransportCore

/// "device state" (`rule-engine.md` 3.7): tells the owner of the originator device of an event of its connectivity, at the
/// time of the message.
final class DeviceStateNode: RuleNode {
    static let type = "org.thingsboard.rule.engine.action.TbDeviceStateNode"

    /// Events of one device (`rule-engine.md` 9.2).
    private static let limit = "1:1,30:60,60:3600"
    /// Beyond this the limits of devices that have been quiet are forgotten: a new one would be the same.
    private static let rememberedDevices = 10_000

    private let makeNotification: (TenantID, DeviceID, Int64) -> DeviceNotification
    private var buckets: [DeviceID: TokenBuckets] = [:]
    private var sweepsAt = DeviceStateNode.rememberedDevices

    init(configuration: JSONValue, context: RuleNodeContext) throws(RuleNodeConfigurationError) {
        var fields = try NodeConfiguration(configuration)
        let event = try fields.string("event") ?? KnownMessageType.activityEvent.name
        try fields.end()
        switch MessageType(event) {
        case .known(.activityEvent): makeNotification = { .activity($0, $1, time: $2) }
        case .known(.connectEvent): makeNotification = { .connect($0, $1, time: $2) }
        case .known(.disconnectEvent): makeNotification = { .disconnect($0, $1, time: $2) }
        case .known(.inactivityEvent): makeNotification = { .inactivity($0, $1, time: $2) }
        case .known, .custom: throw RuleNodeConfigurationError("unsupported event \(event)")
        }
    }

    func process(_ message: RuleMessage, _ context: RuleNodeContext) -> NodeOutcome {
        guard message.originator.type == .device else {
            return .failure(
                message,
                "Unsupported originator entity type: [\(message.originator.type.name)]. Only DEVICE entity type is "
                    + "supported.")
        }
        let device = DeviceID(message.originator.uuid)
        guard admits(device, now: context.loop.now) else { return .next(message, "Rate limited") }
        let notification = makeNotification(message.tenantID, device, message.metadataTimestamp)
        guard context.outlets.core?.send(.device(notification), device: device) ?? true else {
            return .failure(message, "The queue of the core is full")
        }
        return .next(message, .success)
    }

    private func admits(_ device: DeviceID, now: MonotonicTime) -> Bool {
        if buckets.count >= sweepsAt {
            for (quiet, limit) in buckets {
                var limit = limit
                if limit.isFull(now: now) { buckets[quiet] = nil }
            }
            sweepsAt = max(Self.rememberedDevices, 2 * buckets.count)
        }
        guard var limit = buckets[device] ?? TokenBuckets(Self.limit, now: now) else { return true }
        defer { buckets[device] = limit }
        return limit.take(1, now: now)
    }
}
