internal import Logging
internal import Storage

/// Keeps what every node must know of tokens fresh: the signing settings and the revoked ones. Ends with its owner.
final class SecurityRefresh: Sendable {
    private let task: Task<Void, Never>
    private static let interval: Duration = .seconds(1)

    init(codec: TokenCodec, revocations: TokenRevocations, database: any StatementRunner, logger: Logger) {
        task = Task {
            while !Task.isCancelled {
                try? await Task.sleep(for: Self.interval)
                if Task.isCancelled { return }
                do {
                    try await codec.reload(from: database)
                    try await revocations.readNew()
                    try await revocations.sweep(now: CurrentTime.milliseconds)
                } catch {
                    if Task.isCancelled { return }
                    logger.limited(
                        .warning, "token settings and revocations could not be read",
                        ["error": .string("\(error)")])
                }
            }
        }
    }

    deinit { task.cancel() }

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
