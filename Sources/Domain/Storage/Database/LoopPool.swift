import CLinux
import Glibc
import Logging
import Metrics
import Postgres
import Reactor

/// The connections of one event loop: lent one caller at a time, opened when needed, kept. Owned by the loop.
final class LoopPool: @unchecked Sendable {
    // @unchecked: every variable is touched on `loop` only.
    private let loop: EventLoop
    private let configuration: DatabaseConfiguration
    private let maximum: Int
    private let logger: Logger
    private let metrics: DatabaseMetrics
    private var idle: [LoopConnection] = []
    /// Connections that exist or are being opened.
    private var count = 0
    private var waiters: [Waiter] = []
    private var retry: LoopTimer?
    private var failures = 0
    private var isClosed = false

    private final class Waiter {
        var continuation: CheckedContinuation<Result<LoopConnection, DatabaseError>, Never>?
        var timer: LoopTimer?
    }

    init(loop: EventLoop, configuration: DatabaseConfiguration, maximum: Int, logger: Logger, metrics: DatabaseMetrics) {
        self.loop = loop
        self.configuration = configuration
        self.maximum = maximum
        self.logger = logger
        self.metrics = metrics
    }

    /// Lends a connection. On the loop.
    func acquire() async throws(DatabaseError) -> LoopConnection {
        if let connection = idle.popLast() {
            metrics.inUse.add(1)
            return connection
        }
        guard waiters.count < configuration.maximumWaiters else { throw .overloaded }
        let waiter = Waiter()
        let outcome = await withCheckedContinuation { continuation in
            waiter.continuation = continuation
            waiter.timer = loop.schedule(after: configuration.acquireTimeout) { [unowned self] in give(up: waiter) }
            waiters.append(waiter)
            metrics.waiting.add(1)
            openIfNeeded()
        }
        let connection = try outcome.get()
        metrics.inUse.add(1)
        return connection
    }

    /// Takes a connection back. On the loop.
    func release(_ connection: LoopConnection) {
        metrics.inUse.add(-1)
        if isClosed {
            connection.close()
            return
        }
        guard !connection.isBroken else {
            // Its loss was counted when it happened.
            openIfNeeded()
            return
        }
        hand(connection)
    }

    func close() {
        isClosed = true
        for connection in idle { connection.close() }
        idle = []
    }

    private func hand(_ connection: LoopConnection) {
        while !waiters.isEmpty {
            let waiter = waiters.removeFirst()
            metrics.waiting.add(-1)
            guard let continuation = waiter.continuation.take() else { continue }
            waiter.timer?.cancel()
            continuation.resume(returning: .success(connection))
            return
        }
        idle.append(connection)
    }

    private func give(up waiter: Waiter) {
        guard let continuation = waiter.continuation.take() else { return }
        waiters.removeAll { $0 === waiter }
        metrics.waiting.add(-1)
        metrics.timeouts.increment()
        continuation.resume(returning: .failure(.timeout))
    }

    // MARK: - Opening

    private func openIfNeeded() {
        guard count < maximum, count < waiters.count + busyCount, retry == nil, !isClosed else { return }
        count += 1
        open()
    }

    private var busyCount: Int { count - idle.count }

    /// Connects on a thread of its own, because connecting blocks, and comes back to the loop.
    private func open() {
        let configuration = configuration
        ConnectThread.start { [self] in
            let outcome = Result { () throws(PostgresError) in
                let connection = try PostgresConnection(connecting: configuration.conninfo)
                try connection.execute("SET statement_timeout = \(configuration.statementTimeout.wholeMilliseconds)")
                return connection
            }
            let handover = Handover(outcome: outcome)
            loop.execute { [self] in opened(handover.outcome) }
        }
    }

    private struct Handover: @unchecked Sendable {
        // @unchecked: the connecting thread does not touch the connection after handing it over.
        let outcome: Result<PostgresConnection, PostgresError>
    }

    private func opened(_ outcome: Result<PostgresConnection, PostgresError>) {
        do throws(PostgresError) {
            let connection = try LoopConnection(adopting: try outcome.get(), on: loop)
            failures = 0
            connection.onLoss = { [unowned self, unowned connection] in lost(connection) }
            if isClosed { connection.close() } else { hand(connection) }
            openIfNeeded()
        } catch {
            count -= 1
            failures += 1
            metrics.connectFailures.increment()
            logger.limited(
                .error, "the database cannot be reached; trying again", ["error": .string(error.description)])
            let milliseconds = min(2_000, 25 << min(failures, 7))
            retry = loop.schedule(after: .milliseconds(milliseconds / 2 + Int.random(in: 0...milliseconds / 2))) {
                [unowned self] in
                retry = nil
                openIfNeeded()
            }
        }
    }

    private func lost(_ connection: LoopConnection) {
        count -= 1
        idle.removeAll { $0 === connection }
        logger.limited(.warning, "a database connection was lost")
        openIfNeeded()
    }
}

/// A thread for one blocking connect.
private enum ConnectThread {
    private final class Body {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    static func start(_ body: @escaping @Sendable () -> Void) {
        var thread = pthread_t()
        let context = Unmanaged.passRetained(Body(body)).toOpaque()
        let code = pthread_create(&thread, nil, { context in
            needletail_set_thread_name("db-connect")
            // Balances the retain above.
            Unmanaged<Body>.fromOpaque(context!).takeRetainedValue().run()
            return nil
        }, context)
        precondition(code == 0, "no thread for a database connection: errno \(code)")
        pthread_detach(thread)
    }
}

extension Duration {
    fileprivate var wholeMilliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }
}
