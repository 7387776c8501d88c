import Glibc

/// A point on the monotonic clock, in nanoseconds since an arbitrary start (CLOCK_MONOTONIC).
public struct MonotonicTime: Comparable, Hashable, Sendable {
    public var nanoseconds: UInt64

    public init(nanoseconds: UInt64) {
        self.nanoseconds = nanoseconds
    }

    /// Reads the clock.
    public static func now() -> MonotonicTime {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return MonotonicTime(nanoseconds: UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec))
    }

    public static func < (left: MonotonicTime, right: MonotonicTime) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// The later point; durations beyond the clock's ends are cut off there.
    public static func + (time: MonotonicTime, duration: Duration) -> MonotonicTime {
        time.advanced(by: duration.clampedNanoseconds)
    }

    public static func - (time: MonotonicTime, duration: Duration) -> MonotonicTime {
        time.advanced(by: -duration.clampedNanoseconds)
    }

    public static func - (left: MonotonicTime, right: MonotonicTime) -> Duration {
        .nanoseconds(Int64(clamping: left.nanoseconds) - Int64(clamping: right.nanoseconds))
    }

    private func advanced(by delta: Int64) -> MonotonicTime {
        let (sum, overflow) =
            delta >= 0
            ? nanoseconds.addingReportingOverflow(UInt64(delta))
            : nanoseconds.subtractingReportingOverflow(delta.magnitude)
        return MonotonicTime(nanoseconds: overflow ? (delta >= 0 ? .max : 0) : sum)
    }
}

extension Duration {
    /// Whole nanoseconds, cut off at plus and minus 292 years.
    var clampedNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow else { return seconds > 0 ? .max : -.max }
        let (sum, overflow2) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
        guard !overflow2 else { return seconds > 0 ? .max : -.max }
        return sum == .min ? -.max : sum
    }
}

/// Milliseconds since 1970 (CLOCK_REALTIME).
func readWallClock() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) &* 1000 &+ Int64(time.tv_nsec) / 1_000_000
}
