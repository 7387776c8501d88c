/// How many messages of a tenant may be noted, as a token bucket (`rule-engine.md` 5.10): `50000:3600` is 50 000 in an
/// hour, several bounds are joined by commas.
struct DebugRate: Sendable, Equatable {
    struct Bound: Sendable, Equatable {
        var count: Double
        var milliseconds: Double
    }

    let bounds: [Bound]

    /// - Returns: `nil` for text that is none.
    init?(_ text: String) {
        var bounds: [Bound] = []
        for part in text.split(separator: ",") {
            let numbers = part.split(separator: ":").map { Int64($0.filter { $0 != " " }) }
            guard numbers.count == 2, let count = numbers[0], let seconds = numbers[1], count > 0, seconds > 0 else {
                return nil
            }
            bounds.append(Bound(count: Double(count), milliseconds: Double(seconds) * 1000))
        }
        if bounds.isEmpty { return nil }
        self.bounds = bounds
    }
}

/// The state of one tenant.
struct DebugRateState {
    private let rate: DebugRate
    private var tokens: [Double]
    private var updated: Int64
    /// Whether somebody was told that there are none left.
    private(set) var isExhausted = false

    init(_ rate: DebugRate, now: Int64) {
        self.rate = rate
        tokens = rate.bounds.map(\.count)
        updated = now
    }

    enum Answer: Equatable {
        case allowed
        /// The first that is not.
        case exhausted
        case refused
    }

    /// - Parameter now: Milliseconds.
    mutating func take(now: Int64) -> Answer {
        let elapsed = Double(max(0, now - updated))
        updated = max(updated, now)
        for (index, bound) in rate.bounds.enumerated() {
            tokens[index] = min(bound.count, tokens[index] + elapsed * bound.count / bound.milliseconds)
        }
        guard tokens.allSatisfy({ $0 >= 1 }) else {
            defer { isExhausted = true }
            return isExhausted ? .refused : .exhausted
        }
        for index in tokens.indices { tokens[index] -= 1 }
        // A single token that came back is no new window: half of one bound is.
        if isExhausted, zip(tokens, rate.bounds).allSatisfy({ $0 >= $1.count / 2 }) { isExhausted = false }
        return .allowed
    }
}
