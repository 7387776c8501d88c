public import Logging

/// A process: what starts, runs until it is told to end, and stops.
public protocol RunnableService {
    nonisolated(nonsending) func start() async throws
    /// Stops what was started, whether ``start()`` came to its end or not.
    nonisolated(nonsending) func stop() async
}

extension RunnableService {
    /// Starts, waits for SIGTERM or SIGINT, stops; returns the exit status. A signal during the start cancels it: what it
    /// waits for may never come.
    public func run(until signals: TerminationSignals, logger: Logger) async -> Int32 {
        // Unsafe: not shared, because this task does nothing with the service until that one has ended.
        nonisolated(unsafe) let service = self
        let starting = Task { try await service.start() }
        signals.whenRaised { starting.cancel() }
        do {
            try await starting.value
        } catch where signals.isRaised {
            logger.info("told to end while starting")
            await stop()
            return 0
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
