import Bytes

/// Output buffers between two uses. Owned by its loop.
///
/// Buffers that grew beyond ``largestKept`` are freed instead of kept, so that one large answer does not stay in memory.
struct BufferPool: ~Copyable {
    private static let initialCapacity = 512
    private static let largestKept = 16 * 1024
    private static let limit = 512

    private let buffers = UnsafeMutablePointer<ByteBuffer>.allocate(capacity: limit)
    private var count = 0

    deinit {
        buffers.deinitialize(count: count)
        buffers.deallocate()
    }

    /// An empty buffer with memory.
    mutating func take() -> ByteBuffer {
        guard count > 0 else { return ByteBuffer(capacity: Self.initialCapacity) }
        count -= 1
        return (buffers + count).move()
    }

    /// Takes an empty buffer back.
    mutating func give(_ buffer: consuming ByteBuffer) {
        guard count < Self.limit, buffer.allocatedByteCount <= Self.largestKept else { return }
        buffer.removeAll()
        (buffers + count).initialize(to: buffer)
        count += 1
    }
}
