internal import Postgres
internal import Storage
internal import Synchronization

/// Actions of a transaction that is not committed yet.
final class DeferredActions: Sendable {
    private typealias Recording = @Sendable (EntityActions) async -> Void

    private let waiting = Mutex<[Recording]>([])

    func add(_ action: EntityAction, _ principal: Principal, _ event: DeviceEvent?, _ now: Int64) {
        waiting.withLock {
            $0.append { actions in await actions.record(action, by: principal, event: event, now: now) }
        }
    }

    /// Records everything, in order. After the commit.
    func record(by actions: EntityActions) async {
        precondition(actions.deferred == nil, "actions are deferred twice")
        for record in waiting.withLock({ waiting in
            defer { waiting = [] }
            return waiting
        }) { await record(actions) }
    }
}

/// A transaction that is a part of a larger one.
final class JoinedTransaction: TransactionRunner {
    private let whole: any StatementRunner
    private let spoilt = Mutex(false)

    init(_ whole: any StatementRunner) { self.whole = whole }

    /// Whether a part failed: what it did before cannot be taken back alone.
    var isSpoilt: Bool { spoilt.withLock { $0 } }

    func query(_ sql: String, _ parameters: [PostgresParameter]) async throws -> PostgresResult {
        do {
            return try await whole.query(sql, parameters)
        } catch {
            spoilt.withLock { $0 = true }
            throw error
        }
    }

    func announce(_ change: () -> CommittedChange) { whole.announce(change) }
    var isHeard: Bool { whole.isHeard }

    func inTransaction<R: Sendable>(
        _ body: @escaping @Sendable (any StatementRunner) async throws -> R
    ) async throws -> R {
        do {
            return try await body(self)
        } catch {
            spoilt.withLock { $0 = true }
            throw error
        }
    }
}
