internal import Bytes
internal import Reactor

/// The body of a streaming response on its way into a connection. Touched on the connection's loop; only `write` may be
/// called from elsewhere, and hops there.
final class ResponseStream: StreamTarget, @unchecked Sendable {
    // @unchecked: all state is touched on `loop` only.
    private typealias Turn = CheckedContinuation<Result<Void, HTTPStreamError>, Never>

    private let loop: EventLoop
    private let framing: ResponseWriter.Framing
    /// nil when the connection is gone or the body has ended.
    private var connection: HTTPConnection?
    private var remaining: Int?
    private var waiting: Turn?
    private var task: Task<Void, Never>?

    init(_ connection: HTTPConnection, _ framing: ResponseWriter.Framing) {
        loop = connection.loop
        self.connection = connection
        self.framing = framing
        if case .length(let count) = framing { remaining = count }
    }

    /// On the loop, once.
    func run(_ produce: @escaping @Sendable (HTTPBodyWriter) async throws -> Void) {
        let writer = HTTPBodyWriter(target: self)
        task = Task(executorPreference: loop) {
            let succeeded: Bool
            do {
                try await produce(writer)
                succeeded = true
            } catch {
                succeeded = false
            }
            self.loop.execute { self.produced(completely: succeeded) }
        }
    }

    func write(_ bytes: [UInt8]) async throws(HTTPStreamError) {
        let outcome = await withCheckedContinuation { (turn: Turn) in
            if loop.isCurrent { take(bytes, turn) } else { loop.execute { self.take(bytes, turn) } }
        }
        try outcome.get()
    }

    /// The output has room again.
    func drained() {
        waiting?.resume(returning: .success(()))
        waiting = nil
    }

    /// The connection is gone.
    func disconnected() {
        connection = nil
        waiting?.resume(returning: .failure(.disconnected))
        waiting = nil
        task?.cancel()
        task = nil
    }

    private func take(_ bytes: [UInt8], _ turn: Turn) {
        guard let connection else { return turn.resume(returning: .failure(.disconnected)) }
        precondition(waiting == nil, "a body is written by one task at a time")
        if let left = remaining {
            guard bytes.count <= left else { return turn.resume(returning: .failure(.lengthExceeded)) }
            remaining = left - bytes.count
        }
        if !bytes.isEmpty {
            connection.write { output in
                if framing == .chunked { ResponseWriter.writeChunk(bytes, to: &output) } else { output.append(bytes) }
            }
        }
        if connection.hasRoom { turn.resume(returning: .success(())) } else { waiting = turn }
    }

    private func produced(completely: Bool) {
        task = nil
        guard let connection else { return }
        self.connection = nil
        guard completely, remaining ?? 0 == 0 else { return connection.abort() }
        if framing == .chunked { connection.write { $0.append(utf8: "0\r\n\r\n") } }
        connection.streamFinished()
    }
}
