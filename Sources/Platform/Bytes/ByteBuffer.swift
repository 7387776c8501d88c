#if canImport(Glibc)
public import Glibc
#endif

/// A growable run of bytes with one owner: what is written out, or what a reader keeps of an incomplete message.
///
/// Bytes are appended at the end and removed from the front; removing moves an index, and the room in front is reused
/// at the next growth. Memory is allocated at the first append and can be given back with ``releaseMemory()``, so that
/// an idle owner costs nothing.
public struct ByteBuffer: ~Copyable {
    @usableFromInline var base: UnsafeMutableRawPointer?
    @usableFromInline var capacity = 0
    /// Index of the first byte that has not been removed.
    @usableFromInline var head = 0
    /// Index behind the last byte.
    @usableFromInline var tail = 0

    @inlinable public init() {}

    public init(capacity: Int) {
        grow(by: capacity)
    }

    deinit { free(base) }

    @inlinable public var count: Int { tail - head }
    @inlinable public var isEmpty: Bool { tail == head }
    /// Bytes of memory that are held.
    @inlinable public var allocatedByteCount: Int { capacity }

    /// Makes room for `additional` more bytes behind the last one.
    @inlinable
    public mutating func reserve(_ additional: Int) {
        if capacity - tail < additional { grow(by: additional) }
    }

    @usableFromInline
    mutating func grow(by additional: Int) {
        let live = tail - head
        if let base, head > 0, capacity - live >= additional, head >= capacity / 2 {
            memmove(base, base + head, live)
        } else {
            let wanted = max(live + additional, capacity * 2, 64)
            let moved = malloc(wanted)!  // The process cannot go on without memory.
            if let base {
                memcpy(moved, base + head, live)
                free(base)
            }
            base = moved
            capacity = wanted
        }
        head = 0
        tail = live
    }

    // MARK: - Appending

    @inlinable
    public mutating func append(_ byte: UInt8) {
        reserve(1)
        base!.storeBytes(of: byte, toByteOffset: tail, as: UInt8.self)
        tail &+= 1
    }

    /// Appends the bytes of `value`, most significant first.
    @inlinable
    public mutating func append<T: FixedWidthInteger>(bigEndian value: T) {
        let size = MemoryLayout<T>.size
        reserve(size)
        base!.storeBytes(of: value.bigEndian, toByteOffset: tail, as: T.self)
        tail &+= size
    }

    @inlinable
    public mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, bytes.count > 0 else { return }
        reserve(bytes.count)
        memcpy(base! + tail, source, bytes.count)
        tail &+= bytes.count
    }

    @inlinable
    public mutating func append(_ bytes: Span<UInt8>) {
        bytes.withUnsafeBytes { append($0) }
    }

    @inlinable
    public mutating func append(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { append($0) }
    }

    /// Appends the UTF-8 form of `text`.
    @inlinable
    public mutating func append(utf8 text: String) {
        var text = text
        text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    @inlinable
    public mutating func append(utf8 text: StaticString) {
        append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Lends `count` uninitialised bytes behind the last one; `body` returns how many of them it filled.
    @inlinable
    public mutating func append(upTo count: Int, _ body: (UnsafeMutableRawBufferPointer) -> Int) {
        reserve(count)
        let written = body(UnsafeMutableRawBufferPointer(start: base! + tail, count: count))
        precondition(written >= 0 && written <= count, "\(written) bytes written into room for \(count)")
        tail &+= written
    }

    // MARK: - Reading and removing

    /// Lends the bytes; they stay valid until the buffer changes.
    @inlinable
    public borrowing func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        try body(UnsafeRawBufferPointer(start: base.map { UnsafeRawPointer($0) + head }, count: count))
    }

    /// Lends the bytes as a span.
    @inlinable
    public borrowing func withSpan<R>(_ body: (Span<UInt8>) throws -> R) rethrows -> R {
        try withUnsafeBytes { raw in
            try raw.withMemoryRebound(to: UInt8.self) { try body($0.span) }
        }
    }

    /// Overwrites one byte that was appended before; `index` counts from the first byte that has not been removed.
    @inlinable
    public mutating func set(_ byte: UInt8, at index: Int) {
        precondition(index >= 0 && index < count, "index \(index) of \(count)")
        base!.storeBytes(of: byte, toByteOffset: head + index, as: UInt8.self)
    }

    @inlinable
    public mutating func removeFirst(_ removed: Int) {
        precondition(removed >= 0 && removed <= count, "removing \(removed) of \(count) bytes")
        head &+= removed
        if head == tail {
            head = 0
            tail = 0
        }
    }

    @inlinable
    public mutating func removeAll() {
        head = 0
        tail = 0
    }

    /// Drops the bytes behind the first `count`.
    @inlinable
    public mutating func truncate(to count: Int) {
        precondition(count >= 0 && count <= self.count, "truncating \(self.count) bytes to \(count)")
        tail = head + count
    }

    /// Gives the memory back; whatever was in the buffer is lost.
    public mutating func releaseMemory() {
        free(base)
        base = nil
        capacity = 0
        head = 0
        tail = 0
    }

    /// A copy of the bytes.
    public borrowing func copy() -> [UInt8] {
        withUnsafeBytes { [UInt8]($0) }
    }
}
