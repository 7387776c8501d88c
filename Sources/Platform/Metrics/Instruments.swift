import Synchronization

/// A number that only grows. Safe from any thread; a hot path adds once per batch, because every core that adds fights
/// for one cache line.
public final class Counter: Sendable {
    private let total = Atomic<Int>(0)

    init() {}

    public func increment(by count: Int = 1) {
        total.wrappingAdd(count, ordering: .relaxed)
    }

    public var value: Int { total.load(ordering: .relaxed) }
}

/// A number that goes up and down. Safe from any thread.
public final class Gauge: Sendable {
    private let bits = Atomic<UInt64>(0)

    init() {}

    public func set(_ value: Double) {
        bits.store(value.bitPattern, ordering: .relaxed)
    }

    public func add(_ difference: Double) {
        var seen = bits.load(ordering: .relaxed)
        while true {
            let wanted = (Double(bitPattern: seen) + difference).bitPattern
            let (exchanged, original) = bits.compareExchange(expected: seen, desired: wanted, ordering: .relaxed)
            if exchanged { return }
            seen = original
        }
    }

    public var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }
}

/// How often a value fell into which range. Safe from any thread.
public final class Histogram: Sendable {
    /// Upper bounds of the buckets, inclusive, ascending; one more bucket takes what is above the last.
    public let bounds: [Double]
    private let state: Mutex<Snapshot>

    struct Snapshot: Sendable {
        /// Per bucket, not cumulative; one more than there are bounds.
        var counts: [Int]
        var sum: Double
    }

    init(bounds: [Double]) {
        precondition(!bounds.isEmpty && bounds.allSatisfy(\.isFinite), "bounds \(bounds)")
        precondition(zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 }, "bounds \(bounds) do not ascend")
        self.bounds = bounds
        state = Mutex(Snapshot(counts: [Int](repeating: 0, count: bounds.count + 1), sum: 0))
    }

    public func observe(_ value: Double) {
        observe(value, count: 1)
    }

    /// Counts `value` as often as `count` says.
    public func observe(_ value: Double, count: Int) {
        let bucket = bucket(of: value)
        state.withLock { state in
            state.counts[bucket] += count
            state.sum += value * Double(count)
        }
    }

    public var count: Int { state.withLock { $0.counts.reduce(0, +) } }
    public var sum: Double { state.withLock { $0.sum } }

    func snapshot() -> Snapshot {
        state.withLock { $0 }
    }

    private func bucket(of value: Double) -> Int {
        var low = 0
        var high = bounds.count
        while low < high {
            let middle = (low + high) / 2
            if value <= bounds[middle] { high = middle } else { low = middle + 1 }
        }
        return low
    }

    /// Seconds, from 0.1 ms to 10 s: for remote calls and waits.
    public static let secondsBuckets: [Double] = [
        0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
    ]
    /// Powers of four, from 1 to 65 536: for batch sizes.
    public static let countBuckets: [Double] = [1, 4, 16, 64, 256, 1024, 4096, 16_384, 65_536]
}
