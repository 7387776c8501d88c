/// Bounds of one connection, in bytes.
public struct ConnectionLimits: Hashable, Sendable {
    /// ``ConnectionHandler/connectionDidDrain(_:)`` is called when waiting output falls to `lowWaterMark` after it was above
    /// `highWaterMark`. Defaults: 64 KB and 256 KB.
    public var lowWaterMark = 64 * 1024
    public var highWaterMark = 256 * 1024
    /// A connection with more waiting output is aborted with ``CloseReason/slowConsumer``. Default: 16 MB.
    public var outputLimit = 16 * 1024 * 1024
    /// A connection whose handler leaves more input unconsumed is aborted with ``CloseReason/protocolError``. Default: 64 MB.
    public var inputLimit = 64 * 1024 * 1024

    public init() {}
}

/// Sizes of reading.
enum InputLimits {
    /// One read takes at most this much.
    static let readBytes = 64 * 1024
    /// Kept input up to this size is put in front of the next read in the loop's buffer; more is read into its own.
    static let joinedBytes = 16 * 1024
    /// Readable bytes behind what is presented.
    static let spareBytes = 64
    static let receiveBufferBytes = joinedBytes + readBytes + spareBytes
    /// What one connection may read in one go before others get their turn.
    static let budgetBytes = 256 * 1024
}
