/// Bounds of one run of a script (`rule-engine.md` 6.2).
public struct TBELLimits: Sendable, Equatable {
    /// How long a run may take; `nil` for as long as it wants.
    public var time: Duration?
    /// Bytes that lists, maps, sets and what is in them may take at a time; a single text is held to it too.
    public var memory: Int

    public init(time: Duration? = .milliseconds(500), memory: Int = 8 << 20) {
        self.time = time
        self.memory = memory
    }

    /// Nested expressions and blocks of a script, at most.
    static let nesting = 100
    /// Steps from the root of an expression or statement down to its deepest part, at most: long sums are that deep.
    static let height = 500
    /// The same over all functions that are being called at a time: what recursion costs of the thread's stack.
    static let totalHeight = 2_500
    /// Lists and maps inside each other, where they are compared, copied or written out.
    static let depth = 200
    /// Bytes of large texts that a run may make, as a multiple of its memory.
    static let churn = 32
    /// Texts of at least so many bytes are large.
    static let largeText = 4_096
    /// Steps between two looks at the clock.
    static let stepsPerLook = 2_000
}

/// What tells scripts the time, in milliseconds since 1970, and their runs how long they take.
public protocol TBELClock: Sendable {
    /// Wall clock, in milliseconds since 1970.
    func milliseconds() -> Int64
    /// A clock that does not jump, in nanoseconds.
    func nanoseconds() -> UInt64
}
