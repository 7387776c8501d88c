public import Reactor

/// Token buckets of one limit, for example `100:1,2000:60`: 100 a second and 2000 a minute (`device-api.md` 6.3). Full to
/// begin with, filled up continuously; whoever takes, takes from all of them or from none.
public struct TokenBuckets: Sendable {
    private struct Bucket {
        let capacity: Double
        let nanoseconds: Double
        var tokens: Double

        mutating func fill(_ elapsed: Double) {
            tokens = min(capacity, tokens + elapsed / nanoseconds * capacity)
        }
    }

    /// What it was made from.
    public let text: String
    private var buckets: [Bucket]
    private var filled: MonotonicTime

    /// `nil` for no limit: an empty text, or one that is none.
    public init?(_ text: String, now: MonotonicTime) {
        var buckets: [Bucket] = []
        for part in text.split(separator: ",") {
            let numbers = part.split(separator: ":").map { Int64($0.filter { $0 != " " }) ?? 0 }
            guard numbers.count == 2, numbers[0] > 0, numbers[1] > 0 else { return nil }
            buckets.append(
                Bucket(
                    capacity: Double(numbers[0]), nanoseconds: Double(numbers[1]) * 1e9, tokens: Double(numbers[0])))
        }
        guard !buckets.isEmpty else { return nil }
        self.text = text
        self.buckets = buckets
        filled = now
    }

    /// Takes `count` tokens from every bucket, if all have them.
    public mutating func take(_ count: Int, now: MonotonicTime) -> Bool {
        fill(now)
        let count = Double(count)
        // Filling up adds fractions: what rounding took away must not refuse anybody.
        guard buckets.allSatisfy({ $0.tokens + 1e-6 >= count }) else { return false }
        for index in buckets.indices { buckets[index].tokens -= count }
        return true
    }

    /// Whether nothing is missing, so that a new one would be the same.
    public mutating func isFull(now: MonotonicTime) -> Bool {
        fill(now)
        return buckets.allSatisfy { $0.tokens >= $0.capacity }
    }

    private mutating func fill(_ now: MonotonicTime) {
        guard now > filled else { return }
        let elapsed = Double(now.nanoseconds - filled.nanoseconds)
        for index in buckets.indices { buckets[index].fill(elapsed) }
        filled = now
    }
}
