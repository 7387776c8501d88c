import Glibc

/// The clocks of the machine.
public struct TBELSystemClock: TBELClock {
    public init() {}

    public func milliseconds() -> Int64 {
        let time = now(CLOCK_REALTIME)
        return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
    }

    public func nanoseconds() -> UInt64 {
        let time = now(CLOCK_MONOTONIC)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    private func now(_ clock: clockid_t) -> timespec {
        var time = timespec()
        clock_gettime(clock, &time)
        return time
    }
}
