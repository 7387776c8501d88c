internal import CLinux
internal import Logging
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#endif

extension PrivatePostgresServer {
    /// How often the size of the server's log is looked at.
    private static let logCheckMilliseconds: Int32 = 60_000

    /// Runs on the monitor's thread until `wake` becomes readable: starts the server again whenever it ends.
    func watch(_ place: ServerPlace, wake: Int32) {
        while let postmaster = state.withLock({ $0.postmaster }) {
            var events = [
                pollfd(fd: wake, events: Int16(POLLIN), revents: 0),
                pollfd(fd: postmaster.descriptor, events: Int16(POLLIN), revents: 0),
            ]
            let count = poll(&events, 2, Self.logCheckMilliseconds)
            if events[0].revents != 0 { return }
            if count == 0 { place.trimLog(limit: Self.logLimit) }
            if events[1].revents != 0 {
                state.withLock { $0.postmaster = nil }
                let status = postmaster.reap()
                logger.error(
                    "private PostgreSQL ended by itself; starting it again",
                    ["postgres.exit_status": LogValue(describing: status ?? -1)])
                onEvent(.died)
                guard restart(place, wake: wake) else { return }
                logger.notice("private PostgreSQL runs again")
                onEvent(.restarted)
            }
        }
    }

    /// Tries until the server runs, waiting longer after each failure; `false` when told to end.
    private func restart(_ place: ServerPlace, wake: Int32) -> Bool {
        var pauseMilliseconds: Int32 = 100
        while !Self.isReadable(wake, within: 0) {
            do throws(PrivatePostgresError) {
                let postmaster = try place.launch(
                    logger: logger, limit: Self.startLimit, isCancelled: { Self.isReadable(wake, within: 0) })
                state.withLock { $0.postmaster = postmaster }
                return true
            } catch {
                logger.limited(
                    .error, "private PostgreSQL cannot be started", ["error": LogValue(describing: error)])
            }
            if Self.isReadable(wake, within: pauseMilliseconds) { return false }
            pauseMilliseconds = min(pauseMilliseconds * 2, 5000)
        }
        return false
    }

    private static func isReadable(_ descriptor: Int32, within milliseconds: Int32) -> Bool {
        var event = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&event, 1, milliseconds) > 0
    }
}
