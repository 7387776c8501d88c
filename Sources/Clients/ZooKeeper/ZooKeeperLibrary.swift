import CZooKeeper
import Synchronization

/// The C library as a whole.
public enum ZooKeeperLibrary {
    private static let handler = Mutex<(@Sendable (String) -> Void)?>(nil)

    /// Hands the library's own warnings and errors, a line each, to `handler`; without one they are dropped. `handler` is
    /// called on the library's threads.
    public static func setLogHandler(_ newHandler: (@Sendable (String) -> Void)?) {
        handler.withLock { $0 = newHandler }
    }

    static let configured: Void = {
        zoo_set_debug_level(ZOO_LOG_LEVEL_WARN)
    }()

    static func log(_ line: String) {
        let current = handler.withLock { $0 }
        current?(line)
    }
}
