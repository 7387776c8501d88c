import Postgres
import Reactor

/// One non-blocking connection of a pool. Owned by its loop.
final class LoopConnection: @unchecked Sendable {
    // @unchecked: handed between callers of one loop's pool; every use is on that loop.
    private let connection: PostgresConnection
    private var registration: DescriptorRegistration?
    private var waiting: [CheckedContinuation<Result<PostgresResult, PostgresError>, Never>] = []
    private(set) var isBroken = false
    /// Called once when the connection is lost.
    var onLoss: () -> Void = {}

    /// Takes over a connection that was just opened. Called on `loop`.
    init(adopting connection: PostgresConnection, on loop: EventLoop) throws(PostgresError) {
        self.connection = connection
        try connection.enterPipeline()
        do throws(ReactorError) {
            registration = try loop.register(descriptor: connection.descriptor, interest: .read) { [unowned self] _ in
                ready()
            }
        } catch {
            throw PostgresError(message: error.description, isConnectionFailure: true)
        }
    }

    /// Sends one statement and waits for its result. On the loop.
    func query(_ sql: String, _ parameters: [PostgresParameter]) async -> Result<PostgresResult, PostgresError> {
        if isBroken { return .failure(PostgresError(message: "the connection was lost", isConnectionFailure: true)) }
        return await withCheckedContinuation { continuation in
            do throws(PostgresError) {
                try connection.send(sql, parameters)
                waiting.append(continuation)
                try flush()
            } catch {
                if waiting.isEmpty || !error.isConnectionFailure { continuation.resume(returning: .failure(error)) }
                if error.isConnectionFailure { lose(error) }
            }
        }
    }

    private func flush() throws(PostgresError) {
        let interest = try connection.flush()
        registration?.update(interest.contains(.write) ? [.read, .write] : .read)
    }

    private func ready() {
        do throws(PostgresError) {
            try flush()
            try connection.consumeInput()
            while let reply = try connection.nextReply() {
                precondition(!waiting.isEmpty, "a reply that nobody waits for")
                waiting.removeFirst().resume(returning: reply)
            }
        } catch {
            lose(error)
        }
    }

    private func lose(_ error: PostgresError) {
        guard !isBroken else { return }
        close()
        let failed = waiting
        waiting = []
        for continuation in failed { continuation.resume(returning: .failure(error)) }
        onLoss()
    }

    /// Ends the connection. Harmless when repeated.
    func close() {
        isBroken = true
        registration?.deregister()
        registration = nil
        connection.close()
    }
}
