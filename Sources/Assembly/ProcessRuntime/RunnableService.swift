public import Logging

/// A process: what starts, runs until it is told to end, and stops.
public protocol RunnableService {
    nonisolated(nonsending) func start() async throws
    /// Stops what was started, whether ``start()`` came to its end or not.
    nonisolated(nonsending) func stop() async
}

/// A service in the hands of the task that starts it.
private struct Lent: @unchecked Sendable {
    // @unchecked: who lends it does nothing with it until that task has ended.
    let service: any RunnableService
}

extension RunnableService {
    /// Starts, waits for SIGTERM or SIGINT, stops; returns the exit status. A signal during the start cancels it: what it
    /// waits for may never come.
    public func run(until signals: TerminationSignals, logger: Logger) async -> Int32 {
        let lent = Lent(service: self)
        let starting = Task { try await lent.service.start() }
        signals.whenRaised { starting.cancel() }
        do {
            try await starting.value
        } catch {
            if signals.isRaised {
                logger.info("told to end while starting")
                await stop()
                return 0
            }
            logger.critical("start failed", ["error": .string(String(describing: error))])
            await stop()
            return 1
        }
        await signals.wait()
        await stop()
        return 0
    }
}
