import CLinux
import Glibc
import Synchronization
import Threads

/// SIGTERM and SIGINT as something to wait for. One for the process; a second signal ends it at once.
///
/// A handler and not a mask, because the runtime may have threads already that would take the signal.
public final class TerminationSignals: Sendable {
    private struct State {
        var isRaised = false
        var waiting: [@Sendable () -> Void] = []
    }

    /// What the handler writes to. Set before the handler is installed, never changed after.
    nonisolated(unsafe) private static var descriptor: Int32 = -1

    private let state = Mutex(State())

    public init() {
        signal(SIGPIPE, SIG_IGN)
        let descriptor = eventfd(0, Int32(EFD_CLOEXEC))
        precondition(descriptor >= 0 && Self.descriptor < 0, "signals are watched once: errno \(errno)")
        Self.descriptor = descriptor
        DetachedThread.start("signals") { [self] in watch() }
        for number in [SIGTERM, SIGINT] {
            var action = sigaction()
            action.__sigaction_handler.sa_handler = { _ in
                // write(2) is all that happens here; it is safe in a handler.
                var one: UInt64 = 1
                _ = Glibc.write(TerminationSignals.descriptor, &one, 8)
            }
            action.sa_flags = SA_RESTART
            sigaction(number, &action, nil)
        }
    }

    private func watch() {
        var count: UInt64 = 0
        while true {
            guard read(Self.descriptor, &count, 8) == 8 else { continue }
            let waiting = state.withLock { state -> [@Sendable () -> Void]? in
                if state.isRaised { return nil }
                state.isRaised = true
                defer { state.waiting = [] }
                return state.waiting
            }
            guard let waiting, count == 1 else { _exit(130) }
            for body in waiting { body() }
        }
    }

    /// Whether the process was told to end.
    public var isRaised: Bool { state.withLock { $0.isRaised } }

    /// Returns when the process was told to end.
    public func wait() async {
        await withCheckedContinuation { continuation in whenRaised { continuation.resume() } }
    }

    /// Calls `body` once when the process is told to end, on a thread of this type; at once where it was told already.
    public func whenRaised(_ body: @escaping @Sendable () -> Void) {
        let isRaised = state.withLock { state in
            if !state.isRaised { state.waiting.append(body) }
            return state.isRaised
        }
        if isRaised { body() }
    }
}
