import CMessages
public import Messages
import Model
import Telemetry

/// Turns the bytes of records into messages. Owned by one thread at a time.
///
/// protobuf-c unpacks into memory that is kept; what a message keeps is copied out of it: the points of uplinks into a
/// batch that many messages share, texts into strings.
public final class WireDecoder: @unchecked Sendable {
    // @unchecked: owned by one thread at a time, see above; the pointers inside belong to it.
    let arena = DecodeArena()
    /// What the messages of a device say about it again and again; an entry is used while it says the same.
    var sessions: [DeviceID: SessionInfo] = [:]
    static let maximumSessions = 50_000

    public init() {}

    /// Calls `unpack` with protobuf-c's arguments and `body` with what it gave.
    func unpacked<Message, R>(
        _ bytes: UnsafeRawBufferPointer,
        _ unpack: (UnsafeMutablePointer<ProtobufCAllocator>?, Int, UnsafePointer<UInt8>?) ->
            UnsafeMutablePointer<Message>?,
        _ body: (Message) throws(WireError) -> R
    ) throws(WireError) -> R {
        arena.reset()
        var nothing: UInt8 = 0
        let message =
            if let base = bytes.baseAddress {
                unpack(arena.allocator, bytes.count, base.assumingMemoryBound(to: UInt8.self))
            } else {
                unpack(arena.allocator, 0, &nothing)
            }
        guard let message else { throw .malformed }
        return try body(message.pointee)
    }

    /// ToRuleEngineMsg. Points are added to the arena of `batch`, which the message refers to.
    public func ruleMessage(
        _ bytes: UnsafeRawBufferPointer, into batch: UplinkBatch
    ) throws(WireError) -> RuleMessage {
        try unpacked(bytes, needletail__to_rule_engine_msg__unpack) { message throws(WireError) in
            try ruleMessage(message, into: batch)
        }
    }

    /// ToCoreMsg.
    public func coreMessage(_ bytes: UnsafeRawBufferPointer) throws(WireError) -> CoreMessage {
        try unpacked(bytes, needletail__to_core_msg__unpack) { message throws(WireError) in try Self.core(message) }
    }

    /// ToCoreNotificationMsg.
    public func coreNotification(_ bytes: UnsafeRawBufferPointer) throws(WireError) -> CoreNotification {
        try unpacked(bytes, needletail__to_core_notification_msg__unpack) { message throws(WireError) in
            try coreNotification(message)
        }
    }

    /// ToRuleEngineNotificationMsg.
    public func ruleEngineNotification(_ bytes: UnsafeRawBufferPointer) throws(WireError) -> RuleEngineNotification {
        try unpacked(bytes, needletail__to_rule_engine_notification_msg__unpack) { message throws(WireError) in
            guard let told = message.component_lifecycle?.pointee else { throw .unknown }
            let (tenant, entity, change) = try Self.lifecycle(told)
            return .entityChanged(tenant, entity, change)
        }
    }

    /// ToTransportMsg.
    public func transportNotification(_ bytes: UnsafeRawBufferPointer) throws(WireError) -> TransportNotification {
        try unpacked(bytes, needletail__to_transport_msg__unpack) { message throws(WireError) in
            try Self.transport(message)
        }
    }

    /// TransportApiRequestMsg.
    public func question(_ bytes: UnsafeRawBufferPointer) throws(WireError) -> TransportQuestion {
        try unpacked(bytes, needletail__transport_api_request_msg__unpack) { message throws(WireError) in
            try Self.question(message)
        }
    }

    /// TransportApiResponseMsg.
    public func answer(_ bytes: UnsafeRawBufferPointer) throws(WireError) -> TransportAnswer {
        try unpacked(bytes, needletail__transport_api_response_msg__unpack) { message throws(WireError) in
            try Self.answer(message)
        }
    }
}
