public import Reactor
internal import Synchronization

/// A client for one server, with keep-alive connections on event loops. Safe from any thread.
public final class HTTPClient: Sendable {
    private let base: BaseURL
    private let pools: [ClientPool]
    private let next = Atomic(0)

    /// - Parameters:
    ///   - baseURL: `http://host[:port][/path]`; the path is put in front of the paths of requests. With `https`, `tls`
    ///     must be given.
    ///   - loops: Connections are spread over them. They must run while requests are made.
    ///   - maximumConnections: Of all loops together, at least one for each. More requests wait, up to 10 000.
    public init(
        baseURL: String, loops: [EventLoop], maximumConnections: Int = 8, tls: TLSClient? = nil
    ) throws(HTTPClientError) {
        precondition(!loops.isEmpty, "a client needs a loop")
        guard let base = BaseURL(baseURL), !base.isSecure || tls != nil else { throw .invalidURL }
        self.base = base
        let share = max(1, maximumConnections / loops.count)
        pools = loops.map { ClientPool(base, on: $0, maximumConnections: share, tls: base.isSecure ? tls : nil) }
    }

    /// Sends a request and waits for its answer. An idempotent one is repeated once when a kept connection turns out to
    /// have been closed by the server.
    ///
    /// - Parameters:
    ///   - path: Path and query, encoded.
    ///   - fields: Without Host and Content-Length.
    ///   - timeout: For all of it, waiting for a connection included.
    public func request(
        _ method: String, _ path: String, fields: [(String, String)] = [], body: [UInt8] = [],
        timeout: Duration = .seconds(30)
    ) async throws(HTTPClientError) -> HTTPClientResponse {
        let pool = choosePool()
        let target = base.prefix + path
        let outcome = await withCheckedContinuation { (answered: ClientJob.Answered) in
            let job = ClientJob(method, target, fields, body, answered)
            pool.loop.execute { pool.submit(job, timeout: timeout) }
        }
        return try outcome.get()
    }

    /// Closes all connections; requests without an answer, and later ones, fail with `closed`.
    public func close() {
        for pool in pools { pool.loop.execute { pool.close() } }
    }

    /// The pool of the caller's loop if it is one of ours, else the next in turn.
    private func choosePool() -> ClientPool {
        if let current = EventLoop.current, let pool = pools.first(where: { $0.loop === current }) { return pool }
        return pools[Int(UInt(bitPattern: next.add(1, ordering: .relaxed).newValue) % UInt(pools.count))]
    }
}
