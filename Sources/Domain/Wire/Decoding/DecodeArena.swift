import CMessages

/// Memory of one message at a time for protobuf-c: taken piece by piece from one block, given back all at once.
final class DecodeArena {
    /// More than this for one message is refused, so that small bytes cannot ask for large memory.
    private let limit: Int
    private var block: UnsafeMutableRawPointer
    private var capacity: Int
    private var used = 0
    /// Blocks that the current message needed beside the first.
    private var extra: [UnsafeMutableRawPointer] = []
    private var total = 0
    let allocator: UnsafeMutablePointer<ProtobufCAllocator>

    init(capacity: Int = 64 << 10, limit: Int = 64 << 20) {
        self.limit = limit
        self.capacity = capacity
        block = .allocate(byteCount: capacity, alignment: 16)
        allocator = .allocate(capacity: 1)
        allocator.initialize(
            to: ProtobufCAllocator(
                alloc: { context, size in
                    guard let context else { return nil }
                    return Unmanaged<DecodeArena>.fromOpaque(context).takeUnretainedValue().take(size)
                },
                free: { _, _ in }, allocator_data: nil))
        allocator.pointee.allocator_data = Unmanaged.passUnretained(self).toOpaque()
    }

    deinit {
        reset()
        block.deallocate()
        allocator.deallocate()
    }

    /// Forgets everything that was taken.
    func reset() {
        used = 0
        total = 0
        for other in extra { other.deallocate() }
        extra.removeAll(keepingCapacity: true)
    }

    private func take(_ size: Int) -> UnsafeMutableRawPointer? {
        let size = (size + 15) & ~15
        guard size <= limit - total else { return nil }
        total += size
        if size <= capacity - used {
            defer { used += size }
            return block + used
        }
        let other = UnsafeMutableRawPointer.allocate(byteCount: max(size, 16), alignment: 16)
        extra.append(other)
        return other
    }
}
