/// How far the records of a partition were handed over: none twice, as librdkafka may give them, and all of a log that begins
/// anew.
struct PartitionProgress {
    enum Verdict: Equatable {
        case new
        /// It was handed over before.
        case repeated
        /// Another record had its offset: the log ends before what was read of it.
        case beginning
    }

    /// The offset behind the last record; `nil` before there was one.
    private(set) var next: Int64?

    /// Takes the record of that offset, unless it is repeated.
    ///
    /// - Parameter end: The offset of the record to come, as the broker had it when it gave this one.
    mutating func take(_ offset: Int64, end: @autoclosure () -> Int64?) -> Verdict {
        guard let known = next, offset < known else {
            next = offset + 1
            return .new
        }
        guard let end = end(), end < known else { return .repeated }
        next = offset + 1
        return .beginning
    }
}
