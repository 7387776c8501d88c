internal import CZlib

/// gzip (RFC 1952), by zlib.
public enum Gzip {
    /// More is not compressed at once.
    public static let maximumLength = 64 << 20

    /// The compressed form of `bytes`; `nil` when there are more than ``maximumLength``. Costs about 10 ms a megabyte at
    /// level 1.
    ///
    /// - Parameter level: 1, fast, to 9, small.
    public static func compress(_ bytes: [UInt8], level: Int32 = 1) -> [UInt8]? {
        precondition((1...9).contains(level), "level \(level)")
        guard bytes.count <= maximumLength else { return nil }
        let capacity = needletail_gzip_bound(bytes.count)
        var written = 0
        let output = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
            written = needletail_gzip(bytes, bytes.count, level, buffer.baseAddress, capacity)
            count = written
        }
        return written == 0 ? nil : output
    }
}
