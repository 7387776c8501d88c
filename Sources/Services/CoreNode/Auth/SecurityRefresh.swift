internal import Logging
internal import Storage
internal import Synchronization

/// Keeps what every node must know of tokens fresh: the signing settings and the revoked ones. Looks when another node tells of
/// a change, and every second besides, for what was told while nobody could hear it. Ends with its owner.
final class SecurityRefresh: Sendable {
    private let task: Task<Void, Never>
    private let reader: Reader
    private let wakes = Mutex(Wakes())

    private struct Wakes {
        var isWanted = false
        var isRunning = false
    }

    /// What is read, and from where.
    private struct Reader: Sendable {
        let codec: TokenCodec
        let revocations: TokenRevocations
        let database: any StatementRunner
        let logger: Logger

        func read() async {
            do {
                try await codec.reload(from: database)
                try await revocations.readNew()
            } catch {
                if Task.isCancelled { return }
                logger.limited(
                    .warning, "token settings and revocations could not be read", ["error": .string("\(error)")])
            }
        }
    }

    init(
        codec: TokenCodec, revocations: TokenRevocations, database: any StatementRunner, logger: Logger,
        interval: Duration = .seconds(1)
    ) {
        let reader = Reader(codec: codec, revocations: revocations, database: database, logger: logger)
        self.reader = reader
        task = Task {
            while !Task.isCancelled {
                try? await Task.sleep(for: interval)
                if Task.isCancelled { return }
                await reader.read()
                // What cannot be deleted now is deleted by another one.
                try? await revocations.sweep(now: CurrentTime.milliseconds)
            }
        }
    }

    deinit { task.cancel() }

    /// Looks now: what has changed until this call holds here soon after. Calls that come meanwhile share the next look.
    func wake() {
        let starts = wakes.withLock { wakes in
            wakes.isWanted = true
            defer { wakes.isRunning = true }
            return !wakes.isRunning
        }
        guard starts, !task.isCancelled else { return }
        Task { [self] in
            while takeWish() { await reader.read() }
        }
    }

    private func takeWish() -> Bool {
        wakes.withLock { wakes in
            if !wakes.isWanted || task.isCancelled { wakes.isRunning = false }
            defer { wakes.isWanted = false }
            return wakes.isRunning
        }
    }

    /// Ends it, and waits for what runs.
    func stop() async {
        task.cancel()
        await task.value
    }
}

extension TokenCodec {
    /// Takes the settings as they are stored now.
    func reload(from database: any StatementRunner) async throws {
        guard let document = try await AdminSettingsRepository(database).find(TokenSettings.key),
            let stored = TokenSettings(document), stored != settings
        else { return }
        settings = stored
    }
}
