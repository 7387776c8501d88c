import Glibc

/// The clock that processes of a cluster share as far as their machines agree (CLOCK_REALTIME).
public enum WallClock {
    /// Since 1970.
    public static func milliseconds() -> Int64 {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
    }
}
