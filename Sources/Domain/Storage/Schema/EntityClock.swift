public import Model

#if canImport(Glibc)
internal import Glibc
#endif

/// Gives out identifiers and creation times for entities that are made together.
///
/// Each entity is a millisecond younger than the one before, so that lists by creation time and by id keep their order.
public struct EntityClock: Sendable {
    private var next: Int64

    /// - Parameter milliseconds: Since 1970; the first entity's creation time.
    public init(milliseconds: Int64) { next = milliseconds }

    /// Starts at the present.
    public static func starting() -> EntityClock {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return EntityClock(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }

    public mutating func tick() -> (id: UUID128, createdTime: Int64) {
        defer { next += 1 }
        return (.ordered(milliseconds: next), next)
    }
}
