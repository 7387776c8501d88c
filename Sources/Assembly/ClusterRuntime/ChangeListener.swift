import Synchronization

/// Hands a change on to whoever listens by then: notifications are read before there is somebody to act on them. Safe from
/// any thread.
final class ChangeListener: Sendable {
    private let listener = Mutex<(@Sendable () -> Void)?>(nil)

    func set(_ listener: @escaping @Sendable () -> Void) { self.listener.withLock { $0 = listener } }
    func tell() { listener.withLock { $0 }?() }
}
