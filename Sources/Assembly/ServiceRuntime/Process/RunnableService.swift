public import Logging

/// A process: what starts, runs until it is told to end, and stops.
public protocol RunnableService {
    nonisolated(nonsending) func start() async throws
    /// Stops what was started, whether ``start()`` came to its end or not.
    nonisolated(nonsending) func stop() async
}

extension RunnableService {
    /// Starts, waits for SIGTERM or SIGINT, stops; returns the exit status. A signal during the start ends it as soon as it
    /// has come to its end.
    public func run(until signals: TerminationSignals, logger: Logger) async -> Int32 {
        do {
            try await start()
        } catch {
            logger.critical("start failed", ["error": .string(String(describing: error))])
            await stop()
            return 1
        }
        await signals.wait()
        await stop()
        return 0
    }
}
