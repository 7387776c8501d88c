/// How often something may happen: one or more bounds, `count:seconds,count:seconds` (`rest-api.md` 3.1).
struct RateLimit: Sendable, Equatable {
    struct Bound: Sendable, Equatable {
        var count: Double
        var seconds: Double
    }

    var bounds: [Bound]

    /// - Returns: `nil` for text that is no limit; no bounds for empty text.
    init?(_ text: String) {
        bounds = []
        for part in text.split(separator: ",") {
            let numbers = part.split(separator: ":").map { Int64($0.filter { $0 != " " }) }
            guard numbers.count == 2, let count = numbers[0], let seconds = numbers[1], count > 0, seconds > 0 else {
                return nil
            }
            // More than these are as good as these, and have room in every number that is made of them.
            bounds.append(
                Bound(count: Double(min(count, Int64(Int32.max))), seconds: Double(min(seconds, Int64(Int32.max)))))
        }
    }

    /// Whether two bounds are over the same time: which of them should hold?
    var hasDuplicates: Bool { Set(bounds.map(\.seconds)).count < bounds.count }
}

/// The state of one limit: a token bucket for each bound.
struct RateLimitState: Sendable {
    private(set) var limit: RateLimit
    private var tokens: [Double]
    private(set) var updated: Int64

    init(_ limit: RateLimit, now: Int64) {
        self.limit = limit
        tokens = limit.bounds.map(\.count)
        updated = now
    }

    /// Takes one token of every bucket, or none when one of them is empty.
    ///
    /// - Parameter now: Milliseconds.
    mutating func take(now: Int64) -> Bool {
        let elapsed = Double(max(0, now - updated)) / 1000
        updated = max(updated, now)
        for (index, bound) in limit.bounds.enumerated() {
            tokens[index] = min(bound.count, tokens[index] + elapsed * bound.count / bound.seconds)
        }
        guard tokens.allSatisfy({ $0 >= 1 }) else { return false }
        for index in tokens.indices { tokens[index] -= 1 }
        return true
    }
}
