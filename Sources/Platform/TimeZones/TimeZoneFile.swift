/// What a compiled time zone says (RFC 9636): changes of the offset that are listed, and the rule that goes on behind them.
struct TimeZoneFile {
    /// Seconds since 1970, ascending.
    private(set) var changes: [Int64] = []
    /// Seconds east of UTC from the change of the same index on.
    private(set) var offsets: [Int] = []
    /// Before the first change.
    private(set) var firstOffset = 0
    /// Behind the last change; `nil`: as it was then.
    private(set) var rule: TimeZoneRule?

    /// - Returns: `nil` for what is no such file, or one of the version that has only 32 bits for a time.
    init?(_ bytes: [UInt8]) {
        // The first part repeats the second one for readers of another century.
        guard let old = Header(bytes, at: 0), old.version >= UInt8(ascii: "2") else { return nil }
        let start = Header.size + old.size(timeBytes: 4)
        guard let header = Header(bytes, at: start), header.types > 0 else { return nil }
        let times = start + Header.size
        let indices = times + header.times * 8
        let types = indices + header.times
        let end = start + Header.size + header.size(timeBytes: 8)
        guard end <= bytes.count else { return nil }
        func offset(_ type: Int) -> Int { Int(Int32(truncatingIfNeeded: Self.integer(bytes, types + type * 6, 4))) }
        firstOffset = offset(0)
        for index in 0..<header.times {
            let type = Int(bytes[indices + index])
            guard type < header.types else { return nil }
            changes.append(Self.integer(bytes, times + index * 8, 8))
            offsets.append(offset(type))
        }
        guard end + 1 < bytes.count, bytes[end] == UInt8(ascii: "\n") else { return }
        rule = TimeZoneRule(bytes[(end + 1)...].prefix { $0 != UInt8(ascii: "\n") })
    }

    private static func integer(_ bytes: [UInt8], _ position: Int, _ count: Int) -> Int64 {
        bytes[position..<position + count].reduce(0) { $0 << 8 | Int64($1) }
    }

    /// Seconds east of UTC.
    ///
    /// - Parameter time: Seconds since 1970.
    func offset(at time: Int64) -> Int {
        guard let last = changes.last, time >= changes[0] else {
            return changes.isEmpty ? rule?.offset(at: time) ?? firstOffset : firstOffset
        }
        if time >= last { return rule?.offset(at: time) ?? offsets[offsets.count - 1] }
        var (low, high) = (0, changes.count - 1)
        while high - low > 1 {
            let middle = (low + high) / 2
            if changes[middle] <= time { low = middle } else { high = middle }
        }
        return offsets[low]
    }

    private struct Header {
        static let size = 44

        let version: UInt8
        let times: Int
        let types: Int
        private let rest: (characters: Int, leaps: Int, standards: Int, universals: Int)

        init?(_ bytes: [UInt8], at start: Int) {
            guard bytes.count >= start + Self.size, bytes[start..<start + 4].elementsEqual("TZif".utf8) else {
                return nil
            }
            version = bytes[start + 4]
            func count(_ number: Int) -> Int { Int(TimeZoneFile.integer(bytes, start + 20 + number * 4, 4)) }
            rest = (count(5), count(2), count(1), count(0))
            times = count(3)
            types = count(4)
        }

        /// Of what is behind the header.
        func size(timeBytes: Int) -> Int {
            times * (timeBytes + 1) + types * 6 + rest.characters + rest.leaps * (timeBytes + 4) + rest.standards
                + rest.universals
        }
    }
}
