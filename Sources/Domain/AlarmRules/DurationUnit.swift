/// The unit of a duration in a rule.
public enum DurationUnit: String, Sendable, CaseIterable {
    case nanoseconds = "NANOSECONDS"
    case microseconds = "MICROSECONDS"
    case milliseconds = "MILLISECONDS"
    case seconds = "SECONDS"
    case minutes = "MINUTES"
    case hours = "HOURS"
    case days = "DAYS"

    /// So many of it in milliseconds; at the ends of the range where there are too many.
    public func milliseconds(_ count: Int64) -> Int64 {
        let factor: Int64
        switch self {
        case .nanoseconds: return count / 1_000_000
        case .microseconds: return count / 1_000
        case .milliseconds: return count
        case .seconds: factor = 1_000
        case .minutes: factor = 60_000
        case .hours: factor = 3_600_000
        case .days: factor = 86_400_000
        }
        let (product, overflows) = count.multipliedReportingOverflow(by: factor)
        return overflows ? (count < 0 ? .min : .max) : product
    }
}
