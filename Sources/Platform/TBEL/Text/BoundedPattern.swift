/// A regular expression in Java's notation that is used outside scripts, and ends within a time whoever wrote it.
public struct BoundedPattern: Sendable {
    private let pattern: Pattern
    private let time: Duration

    /// - Throws: When it cannot be understood, or is too long.
    public init(_ text: String, time: Duration = .milliseconds(50)) throws(TBELError) {
        pattern = try Pattern.cached(text)
        self.time = time
    }

    /// What the first group of the first match holds; `nil` without a match, or a group in it.
    ///
    /// - Throws: When that takes too long.
    public func firstGroup(in text: String) throws(TBELError) -> String? {
        guard pattern.groups > 0 else { return nil }
        let machine = Machine(limits: TBELLimits(time: time), clock: TBELSystemClock())
        var matcher = PatternMatcher(text, machine)
        guard let match = try matcher.find(pattern, from: 0), match[2] >= 0 else { return nil }
        return matcher.string(match[2]..<match[3])
    }
}
