public import Postgres

/// Whatever runs one SQL statement: the pool, or one open transaction of it. Repositories stand on this, so that the
/// same code works alone and as a part of something larger.
public protocol StatementRunner: Sendable {
    func query(_ sql: String, _ parameters: [PostgresParameter]) async throws -> PostgresResult
    /// Tells those who listen of what was changed, when it is committed: at once outside a transaction. `change` is not called
    /// while nobody listens.
    func announce(_ change: () -> CommittedChange)
    /// Whether anybody listens.
    var isHeard: Bool { get }
}

extension StatementRunner {
    /// Nobody listens.
    public func announce(_ change: () -> CommittedChange) {}
    public var isHeard: Bool { false }
}

/// A runner that can open transactions.
public protocol TransactionRunner: StatementRunner {
    /// Runs `body` in one transaction: committed when it returns, rolled back when it throws.
    func inTransaction<R: Sendable>(
        _ body: @escaping @Sendable (any StatementRunner) async throws -> R
    ) async throws -> R
}
