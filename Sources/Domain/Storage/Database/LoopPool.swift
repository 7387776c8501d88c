internal import Logging
internal import Metrics
internal import Postgres
internal import Reactor

/// The connections of one event loop. Everything happens on that loop.
final class LoopPool: @unchecked Sendable {
    // @unchecked: `loop`, `settings` and the handles are immutable; all other state is touched on `loop` only.
    let loop: EventLoop
    private let settings: Settings
    private let connector: ConnectorThread
    private let logger: Logger
    private let metrics: DatabaseMetrics

    struct Settings: Sendable {
        var configuration: DatabaseConfiguration
        /// Connections of this loop, at most.
        var capacity: Int
    }

    private var idle: [PooledConnection] = []
    private var open: [ObjectIdentifier: PooledConnection] = [:]
    private var opening = 0
    private var waiters = WaiterQueue()
    private var isSweeping = false
    private var isClosed = false

    /// Attempts that failed in a row, and what the last one said.
    private var failures = 0
    private var lastError: PostgresError?
    private var retryTimer: LoopTimer?

    /// Between two looks at what has waited or run for too long.
    private static let sweepInterval: Duration = .milliseconds(500)
    /// The server ends a statement that runs too long; this much later the connection counts as dead.
    private static let silenceAllowance: Duration = .seconds(5)
    private static let firstRetryMilliseconds = 100
    private static let lastRetryMilliseconds = 5000

    init(
        loop: EventLoop, settings: Settings, connector: ConnectorThread, logger: Logger, metrics: DatabaseMetrics
    ) {
        self.loop = loop
        self.settings = settings
        self.connector = connector
        self.logger = logger
        self.metrics = metrics
    }

    /// Runs `body` on the loop: at once when the caller is there.
    ///
    /// Asks for the thread's own loop, because a loop that is just being started counts as everybody's.
    func onLoop(_ body: @escaping @Sendable () -> Void) {
        if EventLoop.current === loop { body() } else { loop.execute(body) }
    }

    // MARK: - Taking work

    /// Starts work on a free connection, or lets it wait for one. On the loop.
    func submit(_ work: WaiterQueue.Work) {
        precondition(loop.isCurrent)
        guard !isClosed else { return work.fail(.closed) }
        if waiters.isEmpty, let connection = takeIdle() { return start(work, on: connection) }
        guard waiters.count < settings.configuration.maximumWaiters else {
            metrics.refused.increment()
            return work.fail(.overloaded)
        }
        waiters.append(work, deadline: loop.now + settings.configuration.acquireTimeout)
        metrics.waiting.add(1)
        openMore()
        sweepLater()
    }

    /// A free connection on which the server has said nothing unasked: that is its good-bye as a rule, which the loop has not
    /// come to yet.
    private func takeIdle() -> PooledConnection? {
        while let connection = idle.popLast() {
            if !connection.hasInput { return connection }
            lose(connection, PostgresError(message: "ended by the server", isConnectionFailure: true))
        }
        return nil
    }

    private func start(_ work: WaiterQueue.Work, on connection: PooledConnection) {
        metrics.inUse.add(1)
        switch work {
        case .statement(let statement, let completion, let isRepeated):
            let repeatable = !isRepeated && statement.onlyReads ? statement : nil
            send(CollectionOfOne(statement), on: connection, completion, repeatable: repeatable)
        case .lease(let continuation):
            connection.isLeased = true
            continuation.resume(returning: .success(connection))
        }
    }

    /// Sends statements on a leased connection. On the loop.
    func run(
        _ statements: [SQLStatement], on connection: PooledConnection, _ completion: PooledConnection.Completion
    ) {
        precondition(loop.isCurrent && connection.isLeased && !statements.isEmpty)
        precondition(connection.exchange == nil, "two statements at once in one transaction")
        if let loss = connection.loss {
            completion.resume(returning: .failure(.connectionLost(loss)))
        } else {
            send(statements, on: connection, completion)
        }
    }

    private func send(
        _ statements: some Collection<SQLStatement>, on connection: PooledConnection,
        _ completion: PooledConnection.Completion, repeatable: SQLStatement? = nil
    ) {
        connection.exchange = .init(
            remaining: statements.count, started: loop.now, completion: completion, repeatable: repeatable)
        sweepLater()
        do throws(PostgresError) {
            for statement in statements { try connection.connection.send(statement.text, statement.parameters) }
            try flush(connection)
        } catch {
            lose(connection, error)
        }
    }

    private func flush(_ connection: PooledConnection) throws(PostgresError) {
        let wanted: Interest = try connection.connection.flush().contains(.write) ? [.read, .write] : .read
        if wanted != connection.interest {
            connection.interest = wanted
            connection.registration?.update(wanted)
        }
    }

    // MARK: - Answers

    private func ready(_ connection: PooledConnection, _ readiness: Readiness) {
        do throws(PostgresError) {
            if readiness != .write { try connection.connection.consumeInput() }
            if connection.interest.contains(.write) { try flush(connection) }
            while let reply = try connection.connection.nextReply() { take(reply, of: connection) }
        } catch {
            lose(connection, error)
        }
    }

    private func take(_ reply: Result<PostgresResult, PostgresError>, of connection: PooledConnection) {
        guard var exchange = connection.exchange else { preconditionFailure("a reply that nobody waits for") }
        exchange.remaining -= 1
        if case .failure(let error) = reply, exchange.firstError == nil { exchange.firstError = error }
        connection.exchange = exchange
        guard exchange.remaining == 0 else { return }
        metrics.seconds.observe((loop.now - exchange.started).seconds)
        if let error = exchange.firstError, error.isConnectionFailure { return lose(connection, error) }
        connection.exchange = nil
        if exchange.firstError != nil { metrics.errors.increment() }
        if !connection.isLeased { release(connection) }
        exchange.completion.resume(returning: exchange.firstError.map { .failure(.postgres($0)) } ?? reply.mapped)
    }

    /// Gives a connection to whoever waits longest. On the loop.
    func release(_ connection: PooledConnection) {
        precondition(loop.isCurrent)
        metrics.inUse.add(-1)
        connection.isLeased = false
        guard connection.loss == nil else { return }
        guard !isClosed else { return end(connection) }
        if let next = waiters.popFirst() {
            metrics.waiting.add(-1)
            start(next, on: connection)
        } else {
            idle.append(connection)
        }
    }

    /// Ends a leased connection whose state is not known. On the loop.
    func discard(_ connection: PooledConnection) {
        precondition(loop.isCurrent)
        if connection.loss == nil {
            lose(connection, PostgresError(message: "transaction abandoned", isConnectionFailure: true))
        }
        metrics.inUse.add(-1)
        connection.isLeased = false
    }

    // MARK: - Loss

    /// A connection broke: tells who waits for it, and opens another if there is need.
    private func lose(_ connection: PooledConnection, _ error: PostgresError) {
        guard connection.loss == nil else { return }
        connection.loss = error
        end(connection)
        let exchange = connection.exchange
        connection.exchange = nil
        if exchange != nil, !connection.isLeased { metrics.inUse.add(-1) }
        if !isClosed {
            logger.limited(.notice, "database connection lost", ["error": LogValue(describing: error)])
        }
        if let exchange {
            if let statement = exchange.repeatable, !isClosed {
                submit(.statement(statement, exchange.completion, isRepeated: true))
            } else {
                exchange.completion.resume(returning: .failure(.connectionLost(error)))
            }
        }
        openMore()
    }

    private func end(_ connection: PooledConnection) {
        connection.registration?.deregister()
        connection.registration = nil
        connection.connection.close()
        if open.removeValue(forKey: ObjectIdentifier(connection)) != nil { metrics.open.add(-1) }
        idle.removeAll { $0 === connection }
    }

    // MARK: - Opening

    /// Opens as many connections as there is waiting work for, within the capacity.
    private func openMore() {
        guard !isClosed, retryTimer == nil else { return }
        // While the server is away one attempt at a time is enough.
        let limit = failures > 0 ? 1 : settings.capacity - open.count
        while opening < min(limit, waiters.count), open.count + opening < settings.capacity {
            opening += 1
            connector.open(settings.configuration) { [self] handover in
                loop.execute { self.opened(handover.outcome) }
            }
        }
    }

    private func opened(_ outcome: Result<PostgresConnection, PostgresError>) {
        opening -= 1
        do throws(PostgresError) {
            let connection = try outcome.get()
            guard !isClosed else { return connection.close() }
            try adopt(connection)
            failures = 0
            lastError = nil
            openMore()
        } catch {
            retry(after: error)
        }
    }

    private func adopt(_ connection: PostgresConnection) throws(PostgresError) {
        try connection.enterPipeline()
        connection.onNotice = { [logger] notice in
            logger.limited(.debug, "notice of the database", ["message": .string(notice.message)])
        }
        let pooled = PooledConnection(connection)
        do throws(ReactorError) {
            pooled.registration = try loop.register(descriptor: connection.descriptor, interest: .read) {
                [weak self, unowned pooled] readiness in
                self?.ready(pooled, readiness)
            }
        } catch {
            connection.close()
            throw PostgresError(message: "cannot watch the connection: \(error)", isConnectionFailure: true)
        }
        open[ObjectIdentifier(pooled)] = pooled
        metrics.open.add(1)
        metrics.inUse.add(1)
        release(pooled)
    }

    /// Waits longer after each failure, up to a limit, and not as long as the other loops and nodes.
    private func retry(after error: PostgresError) {
        failures += 1
        lastError = error
        metrics.connectFailures.increment()
        guard !isClosed else { return }
        logger.limited(.warning, "cannot connect to the database", ["error": LogValue(describing: error)])
        guard retryTimer == nil else { return }
        let longest = min(Self.lastRetryMilliseconds, Self.firstRetryMilliseconds << min(failures - 1, 10))
        retryTimer = loop.schedule(after: .milliseconds(Int.random(in: longest / 2...longest))) { [weak self] in
            self?.retryTimer = nil
            self?.openMore()
        }
    }

    // MARK: - Time

    private func sweepLater() {
        guard !isSweeping else { return }
        isSweeping = true
        loop.schedule(after: Self.sweepInterval) { [weak self] in
            self?.isSweeping = false
            self?.sweep()
        }
    }

    /// Ends what has waited or run for too long; comes back while there is anything to watch.
    private func sweep() {
        while let work = waiters.popExpired(at: loop.now) {
            metrics.waiting.add(-1)
            metrics.timeouts.increment()
            work.fail(lastError.map { .unavailable($0) } ?? .timeout)
        }
        let limit = settings.configuration.statementTimeout + Self.silenceAllowance
        for connection in open.values {
            guard let exchange = connection.exchange, loop.now - exchange.started > limit else { continue }
            // Who has waited so long is not let wait as long again.
            connection.exchange?.repeatable = nil
            lose(connection, PostgresError(message: "the server does not answer", isConnectionFailure: true))
        }
        if !waiters.isEmpty || open.values.contains(where: { $0.exchange != nil }) { sweepLater() }
    }

    // MARK: - End

    /// Refuses new work, fails what waits or runs, and closes all connections. On the loop.
    func close() {
        precondition(loop.isCurrent)
        isClosed = true
        retryTimer?.cancel()
        retryTimer = nil
        while let work = waiters.popFirst() {
            metrics.waiting.add(-1)
            work.fail(.closed)
        }
        let closing = PostgresError(message: "the database is closed", isConnectionFailure: true)
        for connection in open.values { lose(connection, closing) }
    }
}

extension Result where Success == PostgresResult, Failure == PostgresError {
    fileprivate var mapped: Result<PostgresRows, DatabaseError> { mapError { .postgres($0) } }
}

extension Duration {
    var milliseconds: Int { Int(components.seconds) * 1000 + Int(components.attoseconds / 1_000_000_000_000_000) }
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
