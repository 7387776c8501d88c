import Model

/// What ties answers to questions (`cluster.md` 2.8), and what lets them pass between processes whose clocks differ:
///
///     question    requestId, responseTopic, expireTs, asksAgain ──► expired by the responder's clock
///     late        requestId, lateAt (the responder's clock), no value  ◄──┘
///     question    the same id, expireTs = lateAt + the time that is left, from whoever waits all the same
struct RequestHeaders {
    static let requestID = "requestId"
    static let responseTopic = "responseTopic"
    static let expireTime = "expireTs"
    /// On a question: whoever asks understands ``lateAt``.
    static let asksAgain = "asksAgain"
    /// In place of an answer: the responder's wall clock, 8 bytes big-endian, in milliseconds.
    static let lateAt = "lateAt"

    static func bytes(_ id: UUID128) -> [UInt8] { bytes(id.high) + bytes(id.low) }

    static func bytes(_ value: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: value >> UInt64(56 - 8 * $0)) }
    }

    static func integer(_ bytes: some Collection<UInt8>) -> UInt64? {
        guard bytes.count == 8 else { return nil }
        return bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// 16 bytes.
    static func uuid(_ bytes: [UInt8]?) -> UUID128? {
        guard let bytes, bytes.count == 16, let high = integer(bytes[0..<8]), let low = integer(bytes[8...]) else {
            return nil
        }
        return UUID128(high: high, low: low)
    }
}
