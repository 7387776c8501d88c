internal import Reactor

/// One request on its way through a pool. Touched on the pool's loop only, after it was made.
final class ClientJob: @unchecked Sendable {
    // @unchecked: made by the caller, then owned by the pool's loop.
    typealias Answered = CheckedContinuation<Result<HTTPClientResponse, HTTPClientError>, Never>

    let method: String
    let target: String
    let fields: [(String, String)]
    let body: [UInt8]
    var isRepeated = false
    var timer: LoopTimer?
    /// The connection that has it; nil while it waits.
    var connection: HTTPClientConnection?
    private var answered: Answered?

    init(_ method: String, _ target: String, _ fields: [(String, String)], _ body: [UInt8], _ answered: Answered) {
        self.method = method
        self.target = target
        self.fields = fields
        self.body = body
        self.answered = answered
    }

    var isIdempotent: Bool { method != "POST" && method != "PATCH" }
    var isFinished: Bool { answered == nil }

    func finish(_ result: Result<HTTPClientResponse, HTTPClientError>) {
        timer?.cancel()
        timer = nil
        connection = nil
        answered?.resume(returning: result)
        answered = nil
    }
}

/// The connections of a client on one loop, and the requests that wait for one. Used on that loop only.
final class ClientPool: @unchecked Sendable {
    // @unchecked: everything but `loop` is touched on the loop.
    private static let maximumWaiting = 10_000

    let loop: EventLoop
    private let base: BaseURL
    private let maximumConnections: Int
    private let tls: TLSClient?
    private var open: [HTTPClientConnection] = []
    private var idle: [HTTPClientConnection] = []
    private var waiting: [ClientJob] = []
    private var isClosed = false

    init(_ base: BaseURL, on loop: EventLoop, maximumConnections: Int, tls: TLSClient?) {
        self.base = base
        self.loop = loop
        self.maximumConnections = maximumConnections
        self.tls = tls
    }

    func submit(_ job: ClientJob, timeout: Duration) {
        if isClosed { return job.finish(.failure(.closed)) }
        guard waiting.count < ClientPool.maximumWaiting else { return job.finish(.failure(.overloaded)) }
        job.timer = loop.schedule(after: timeout) { [self] in expire(job) }
        waiting.append(job)
        runWaiting()
    }

    func close() {
        isClosed = true
        for job in waiting { job.finish(.failure(.closed)) }
        waiting = []
        for connection in open { connection.close(.closed) }
    }

    private func expire(_ job: ClientJob) {
        if let connection = job.connection {
            // The answer may still come, so the connection is of no further use.
            connection.close(.timeout)
        } else {
            waiting.removeAll { $0 === job }
            job.finish(.failure(.timeout))
        }
    }

    /// Gives waiting requests to connections, as long as there are some.
    private func runWaiting() {
        while !waiting.isEmpty, let connection = takeConnection() { run(waiting.removeFirst(), on: connection) }
    }

    private func takeConnection() -> HTTPClientConnection? {
        while let connection = idle.popLast() {
            if connection.isOpen { return connection }
        }
        guard open.count < maximumConnections, !isClosed else { return nil }
        return connect()
    }

    /// A new connection; when it cannot even be begun, the first request in the queue learns why.
    private func connect() -> HTTPClientConnection? {
        let connection: HTTPClientConnection
        do throws(HTTPClientError) {
            connection = try HTTPClientConnection(
                to: .tcp(host: base.host, port: base.port), host: base.authority, on: loop, tls: tls)
        } catch {
            waiting.removeFirst().finish(.failure(error))
            return waiting.isEmpty ? nil : takeConnection()
        }
        open.append(connection)
        connection.onClose = { [self, unowned connection] in
            open.removeAll { $0 === connection }
            idle.removeAll { $0 === connection }
            runWaiting()
        }
        return connection
    }

    private func run(_ job: ClientJob, on connection: HTTPClientConnection) {
        job.connection = connection
        let isReused = connection.hasAnswered
        connection.send(job.method, job.target, fields: job.fields, body: job.body) { [self] result in
            if case .failure(.disconnected) = result, isReused, job.isIdempotent, !job.isRepeated, !isClosed {
                job.isRepeated = true
                job.connection = nil
                waiting.insert(job, at: 0)
                return
            }
            job.finish(result)
            if connection.isOpen { idle.append(connection) }
            runWaiting()
        }
    }
}
