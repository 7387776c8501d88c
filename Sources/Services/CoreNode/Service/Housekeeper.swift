internal import Logging
internal import Model
internal import Storage
internal import Synchronization

/// Deletes the telemetry history of entities that are gone, one after the other, while nobody waits for it
/// (`persistence.md` 9.2).
///
/// One task runs while there is something to do. What is left when the process ends stays behind unreachable: its
/// entity is gone.
final class Housekeeper: Sendable {
    private struct State {
        var entities: [(UUID128, TenantID)] = []
        var isRunning = false
        /// Nothing more is begun.
        var isStopping = false
    }

    private let state = Mutex(State())
    private let database: any StatementRunner
    private let logger: Logger

    init(database: any StatementRunner, logger: Logger) {
        self.database = database
        self.logger = logger
    }

    func entityDeleted(_ entity: UUID128, of tenant: TenantID) {
        let starts = state.withLock { state in
            state.entities.append((entity, tenant))
            defer { state.isRunning = true }
            return !state.isRunning
        }
        // Owned by `state.isRunning`: it ends when nothing is left.
        if starts { Task { await run() } }
    }

    /// Begins nothing more, and waits for what runs, for a bounded time.
    func stop(within limit: Duration) async {
        let deadline = ContinuousClock.now + limit
        while state.withLock({ state in
            state.isStopping = true
            return state.isRunning
        }), ContinuousClock.now < deadline {
            try? await Task.sleep(for: .milliseconds(20))
        }
    }

    private func run() async {
        while let (entity, tenant) = next() {
            do {
                try await DeviceRepository(database).deleteHistory(of: entity, tenant: tenant)
            } catch {
                logger.limited(
                    .warning, "the history of a deleted entity could not be removed",
                    ["entity": LogValue(describing: entity), "error": LogValue(describing: "\(error)")])
            }
        }
    }

    private func next() -> (UUID128, TenantID)? {
        state.withLock { state in
            guard !state.isStopping, let entity = state.entities.popLast() else {
                state.isRunning = false
                return nil
            }
            return entity
        }
    }
}
