public import Messages
public import Model

/// Turns messages into the bytes of records, one at a time, in a buffer that it keeps. Owned by one thread at a time.
public struct WireEncoder: Sendable {
    private var writer = ProtoWriter()

    public init() {}

    /// The bytes of the message that was encoded last.
    public var bytes: [UInt8] { writer.bytes }

    /// Lends the bytes of the message that was encoded last.
    @inline(__always)
    public func withBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        var result: Result<R, E>?
        writer.bytes.withUnsafeBytes { bytes in
            result = Result { () throws(E) in try body(bytes) }
        }
        return try result!.get()  // The closure has run.
    }

    /// ToRuleEngineMsg of one uplink of a batch: the hot path. Allocates nothing once the buffer has grown.
    public mutating func encode(uplink batch: UplinkBatch, index: Int, id: UUID128) {
        writer.removeAll()
        writer.toRuleEngine(uplink: batch, index: index, id: id)
    }

    /// ToRuleEngineMsg.
    public mutating func encode(_ message: RuleMessage) {
        writer.removeAll()
        writer.toRuleEngine(message)
    }

    /// ToCoreMsg.
    public mutating func encode(_ message: CoreMessage) {
        writer.removeAll()
        writer.toCore(message)
    }

    /// ToCoreNotificationMsg.
    public mutating func encode(_ notification: CoreNotification) {
        writer.removeAll()
        writer.toCoreNode(notification)
    }

    /// ToRuleEngineNotificationMsg.
    public mutating func encode(_ notification: RuleEngineNotification) {
        writer.removeAll()
        writer.toRuleEngineNode(notification)
    }

    /// ToTransportMsg.
    public mutating func encode(_ notification: TransportNotification) {
        writer.removeAll()
        writer.toTransport(notification)
    }

    /// TransportApiRequestMsg.
    public mutating func encode(_ question: TransportQuestion) {
        writer.removeAll()
        writer.question(question)
    }

    /// TransportApiResponseMsg.
    public mutating func encode(_ answer: TransportAnswer) {
        writer.removeAll()
        writer.answer(answer)
    }
}
