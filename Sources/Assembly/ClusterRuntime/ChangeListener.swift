import Glibc
import Synchronization

/// Hands a change on to whoever listens by then: notifications are read before there is somebody to act on them. Safe from
/// any thread.
final class ChangeListener: Sendable {
    private let listener = Mutex<(@Sendable () -> Void)?>(nil)

    func set(_ listener: @escaping @Sendable () -> Void) { self.listener.withLock { $0 = listener } }
    func tell() { listener.withLock { $0 }?() }
}

enum WallClock {
    /// Since 1970.
    static var milliseconds: Int64 {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
    }
}
