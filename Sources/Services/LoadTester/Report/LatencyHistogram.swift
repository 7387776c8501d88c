/// Counts of latencies in log-linear buckets that keep three significant digits, after the HDR histogram.
///
/// Values are whole microseconds. Below 2048 each value has a bucket of its own; above, every power of two is cut into
/// 1024 buckets, so that a value is never off by more than 0.1 %. Values above ``maximumValue`` count as that.
public struct LatencyHistogram: Sendable {
    /// 2^32 - 1 microseconds, a little over an hour.
    public static let maximumValue: UInt64 = (1 << 32) - 1
    private static let linearBits = 11
    private static let bucketsPerPower = 1 << (linearBits - 1)
    private static let bucketCount = index(of: maximumValue) + 1

    private var counts: [UInt64] = Array(repeating: 0, count: bucketCount)
    public private(set) var count: UInt64 = 0
    /// Largest value that was recorded, exactly.
    public private(set) var maximum: UInt64 = 0
    private var total: UInt64 = 0

    public init() {}

    public var isEmpty: Bool { count == 0 }

    public var mean: Double { count == 0 ? 0 : Double(total) / Double(count) }

    /// Adds `occurrences` of a latency of `microseconds`.
    public mutating func record(microseconds: UInt64, occurrences: UInt64 = 1) {
        let value = min(microseconds, Self.maximumValue)
        counts[Self.index(of: value)] &+= occurrences
        count &+= occurrences
        total &+= value &* occurrences
        if value > maximum { maximum = value }
    }

    public mutating func add(_ other: LatencyHistogram) {
        guard !other.isEmpty else { return }
        for index in counts.indices { counts[index] &+= other.counts[index] }
        count &+= other.count
        total &+= other.total
        maximum = max(maximum, other.maximum)
    }

    /// Forgets everything; keeps the memory.
    public mutating func reset() {
        guard !isEmpty else { return }
        for index in counts.indices { counts[index] = 0 }
        count = 0
        total = 0
        maximum = 0
    }

    /// The smallest recorded value, to three digits, that at least `percent` of all values do not exceed; 0 when empty.
    ///
    /// - Parameter percent: 0 ... 100.
    public func percentile(_ percent: Double) -> UInt64 {
        precondition(percent >= 0 && percent <= 100, "percentile \(percent)")
        guard count > 0 else { return 0 }
        let rank = max(1, UInt64((percent / 100 * Double(count)).rounded(.up)))
        var seen: UInt64 = 0
        for (index, occurrences) in counts.enumerated() {
            seen &+= occurrences
            if seen >= rank { return min(Self.highestValue(in: index), maximum) }
        }
        return maximum
    }

    // MARK: - Buckets

    static func index(of value: UInt64) -> Int {
        let significant = UInt64.bitWidth - value.leadingZeroBitCount
        guard significant > linearBits else { return Int(value) }
        let shift = significant - linearBits
        return bucketsPerPower * shift + Int(value >> UInt64(shift))
    }

    /// Largest value that falls into the bucket.
    static func highestValue(in index: Int) -> UInt64 {
        guard index >= 2 * bucketsPerPower else { return UInt64(index) }
        let shift = index / bucketsPerPower - 1
        let lowest = UInt64(index - bucketsPerPower * shift) << UInt64(shift)
        return lowest + (1 << UInt64(shift)) - 1
    }
}
