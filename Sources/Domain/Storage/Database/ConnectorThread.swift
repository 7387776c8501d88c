internal import Postgres
internal import Synchronization
internal import Threads

/// Opens connections on a thread of its own.
///
/// Opening means name resolution, a fork in the server and password hashing: on a loop each of them would stop
/// everybody else.
final class ConnectorThread: Sendable {
    /// A new connection on its way from the connector to the loop that will own it.
    struct Handover: @unchecked Sendable {
        // @unchecked: only the connector touches the connection before, only the loop after.
        let outcome: Result<PostgresConnection, PostgresError>
    }

    private struct Job: Sendable {
        var configuration: DatabaseConfiguration
        var completion: @Sendable (Handover) -> Void
    }

    private struct State {
        var jobs: [Job] = []
        var isStopped = false
        var isRunning = false
    }

    private let state = Mutex(State())

    /// Opens a connection and hands it to `completion` on the connector's thread.
    func open(_ configuration: DatabaseConfiguration, completion: @escaping @Sendable (Handover) -> Void) {
        let starts = state.withLock { state in
            guard !state.isStopped else { return false }
            state.jobs.append(Job(configuration: configuration, completion: completion))
            defer { state.isRunning = true }
            return !state.isRunning
        }
        if starts { startThread() }
    }

    /// Drops what waits to be opened.
    func stop() {
        state.withLock { state in
            state.isStopped = true
            state.jobs.removeAll()
        }
    }

    /// The thread lives while there is work: connections are opened rarely.
    private func startThread() {
        // Without a thread, open here: late rather than never.
        if DetachedThread.trying("pg-connect", { [self] in work() }) != 0 { work() }
    }

    private func work() {
        while let job = takeJob() {
            let outcome = Result { () throws(PostgresError) in try job.configuration.connectForPool() }
            job.completion(Handover(outcome: outcome))
        }
    }

    private func takeJob() -> Job? {
        state.withLock { state in
            guard !state.jobs.isEmpty else {
                state.isRunning = false
                return nil
            }
            return state.jobs.removeFirst()
        }
    }
}
