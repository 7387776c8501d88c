import Glibc

/// A time of the clock that never jumps and counts while the machine sleeps, as nanoseconds. A process that was stopped
/// sees by it how long.
public struct BootTime: Hashable, Comparable, Sendable {
    public var nanoseconds: Int64

    public init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    public static func now() -> BootTime {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return BootTime(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    public static let distantPast = BootTime(nanoseconds: .min)
    public static let distantFuture = BootTime(nanoseconds: .max)

    public static func < (left: BootTime, right: BootTime) -> Bool { left.nanoseconds < right.nanoseconds }

    public static func + (time: BootTime, duration: Duration) -> BootTime {
        BootTime(nanoseconds: time.nanoseconds + duration.wholeNanoseconds)
    }

    public static func - (left: BootTime, right: BootTime) -> Duration {
        .nanoseconds(left.nanoseconds - right.nanoseconds)
    }
}

extension Duration {
    var wholeNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
