extension DatabaseTransaction: StatementRunner {}

extension Database: TransactionRunner {
    public var isHeard: Bool { committed.isHeard }

    public func announce(_ change: () -> CommittedChange) {
        if committed.isHeard { committed.tell([change()]) }
    }

    public func inTransaction<R: Sendable>(
        _ body: @escaping @Sendable (any StatementRunner) async throws -> R
    ) async throws -> R {
        try await transaction { transaction in try await body(transaction) }
    }
}
