public import Logging
public import Queue
import Synchronization

/// Keeps a process up to date about the queues of the rule engine: reads their records at the start, when somebody says that
/// they changed, and now and then, and applies them, one change after the other.
public final class QueueCatalogue: Sendable {
    public typealias Reader = @Sendable () async throws -> [QueueRecord]
    public typealias Receiver = @Sendable ([QueueRecord]) async throws -> Void

    /// What was told and not heard is noticed after this.
    private static let refresh = Duration.seconds(30)

    private let read: Reader
    private let apply: Receiver
    private let logger: Logger
    private let changes: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation
    private let tasks = Mutex<[Task<Void, Never>]>([])

    /// - Parameters:
    ///   - read: What holds now; asked again when it throws.
    ///   - apply: Called with what was read whenever it is something else than before; again when it throws.
    public init(logger: Logger, read: @escaping Reader, apply: @escaping Receiver) {
        self.read = read
        self.apply = apply
        self.logger = logger
        (changes, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// Something changed. Safe from any thread.
    public func changed() { continuation.yield() }

    /// Returns when the records were applied for the first time, and goes on following them.
    ///
    /// - Parameter isFatal: Whether trying again at the start does not help.
    public func start(isFatal: @Sendable (any Error) -> Bool = { _ in false }) async throws {
        let first = try await settled(after: nil, isFatal: isFatal)
        let follower = Task.detached { [self] in
            var known = first
            for await _ in changes {
                guard let read = try? await settled(after: known) else { return }
                known = read
            }
        }
        let clock = Task.detached { [self] in
            while !Task.isCancelled {
                try? await Task.sleep(for: Self.refresh)
                changed()
            }
        }
        tasks.withLock { $0 = [follower, clock] }
    }

    /// Ends it; returns when nothing is being applied any more.
    public func stop() async {
        continuation.finish()
        let running = tasks.withLock { tasks in
            defer { tasks = [] }
            return tasks
        }
        for task in running { task.cancel() }
        for task in running { await task.value }
    }

    /// Reads and applies, and tries again until it succeeds.
    ///
    /// - Throws: when the task is cancelled, or what `isFatal` names.
    private func settled(
        after known: [QueueRecord]?, isFatal: @Sendable (any Error) -> Bool = { _ in false }
    ) async throws -> [QueueRecord] {
        var pause = Duration.milliseconds(100)
        while true {
            do {
                let read = try await read()
                if read != known { try await apply(read) }
                return read
            } catch {
                try Task.checkCancellation()
                if isFatal(error) { throw error }
                logger.limited(
                    .warning, "the queues of the rule engine cannot be followed now; it is tried again",
                    ["error": .string(String(describing: error))])
            }
            try await Task.sleep(for: pause)
            pause = min(pause * 2, .seconds(5))
        }
    }
}
