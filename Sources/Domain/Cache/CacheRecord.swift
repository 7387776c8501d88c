/// An entry as a store keeps it: the version as eight bytes, big-endian; a byte that says what follows; the value
/// (`cluster.md` 6.2).
public struct CacheRecord: Sendable, Equatable {
    public enum Content: Sendable, Equatable {
        case value([UInt8])
        /// "Does not exist."
        case absent
        /// Evicted: a miss that remembers its version.
        case evicted
    }

    public var version: Int64
    public var content: Content

    public init(version: Int64, _ content: Content) {
        self.version = version
        self.content = content
    }

    public init(version: Int64, value: [UInt8]?) {
        self.init(version: version, value.map { .value($0) } ?? .absent)
    }

    public var entry: CacheEntry {
        switch content {
        case .value(let bytes): .value(bytes)
        case .absent: .absent
        case .evicted: .miss
        }
    }

    public var encoded: [UInt8] {
        let bits = UInt64(bitPattern: version)
        let header = (0..<8).map { UInt8(truncatingIfNeeded: bits >> UInt64(56 - 8 * $0)) }
        switch content {
        case .value(let bytes): return header + [0] + bytes
        case .absent: return header + [1]
        case .evicted: return header + [2]
        }
    }

    /// `nil` for bytes that are no record.
    public init?(decoding bytes: [UInt8]) {
        guard bytes.count >= 9 else { return nil }
        version = Int64(bitPattern: bytes[..<8].reduce(0) { $0 << 8 | UInt64($1) })
        switch (bytes[8], bytes.count) {
        case (0, _): content = .value(Array(bytes[9...]))
        case (1, 9): content = .absent
        case (2, 9): content = .evicted
        default: return nil
        }
    }
}
