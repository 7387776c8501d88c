/// How often something may happen in a time: a bucket of `count` tokens that is full again after `seconds`.
public struct SharedBucket: Sendable, Equatable {
    public var count: Int64
    public var seconds: Int64

    public init(count: Int64, seconds: Int64) {
        self.count = count
        self.seconds = seconds
    }
}

/// Counts that all processes share, so that what is limited is limited once and not by each of them. May fail at any time:
/// whoever asks counts for itself then. Safe from any thread.
public protocol SharedCounts: Sendable {
    /// Takes one token of each bucket of `key`, or none when one of them is empty. Buckets begin full.
    ///
    /// - Returns: Whether they were taken; `nil` when the store does not answer.
    func take(_ key: String, from buckets: [SharedBucket]) async -> Bool?

    /// Notes the number of `key`, unless as high a one is noted.
    ///
    /// - Returns: Whether it was noted; `nil` when the store does not answer.
    func advance(_ key: String, to number: Int64, lifetime: Duration) async -> Bool?
}
