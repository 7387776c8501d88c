internal import Bytes
public import Reactor

/// One connection to a server, on one loop: requests go out at once, answers come back in their order. With one request
/// at a time it is an ordinary client, with several it pipelines. Used on its loop's thread only.
public final class HTTPClientConnection: ConnectionHandler {
    public typealias Completion = (Result<HTTPClientResponse, HTTPClientError>) -> Void

    private struct Pending {
        let isHead: Bool
        let completion: Completion
    }

    private let host: String
    private var connection: Connection?
    private var parser: ResponseParser!
    private var pending: [Pending] = []
    private var failure = HTTPClientError.disconnected
    /// Whether an answer has been read completely.
    public private(set) var hasAnswered = false
    /// The server has announced that it closes.
    private var isEnding = false
    /// Called once, when the connection has gone and every request has been told.
    public var onClose: () -> Void = {}

    /// Begins to connect; requests may be sent at once.
    ///
    /// - Parameters:
    ///   - host: The value of the field Host.
    ///   - maximumBodyBytes: Larger answers fail, with the connection. Default: 64 MiB.
    public init(
        to address: SocketAddress, host: String, on loop: EventLoop, tls: TLSClient? = nil,
        maximumBodyBytes: Int = 67_108_864
    ) throws(HTTPClientError) {
        self.host = host
        parser = ResponseParser(maximumBodyBytes: maximumBodyBytes) { [unowned self] in
            pending.first?.isHead ?? false
        } finished: { [unowned self] response, keepsAlive in
            finished(response, keepsAlive)
        }
        do {
            connection = try Connection.connect(to: address, on: loop, tls: tls, handler: self)
        } catch {
            throw .connectFailed("\(error)")
        }
    }

    /// Requests without an answer.
    public var inFlight: Int { pending.count }

    /// Whether further requests can be sent.
    public var isOpen: Bool { connection != nil && !isEnding }

    /// Sends a request.
    ///
    /// - Parameters:
    ///   - target: Path and query, encoded.
    ///   - fields: Without Host and Content-Length.
    ///   - completion: Called once, on the loop.
    public func send(
        _ method: String, _ target: String, fields: [(String, String)] = [], body: [UInt8] = [],
        _ completion: @escaping Completion
    ) {
        guard isOpen, let connection else { return completion(.failure(.disconnected)) }
        pending.append(Pending(isHead: method == "HEAD", completion: completion))
        connection.write { output in
            output.append(utf8: method)
            output.append(utf8: " ")
            output.append(utf8: target)
            output.append(utf8: " HTTP/1.1\r\nHost: ")
            output.append(utf8: host)
            output.append(utf8: "\r\n")
            for (name, value) in fields {
                output.append(utf8: name)
                output.append(utf8: ": ")
                output.append(utf8: value)
                output.append(utf8: "\r\n")
            }
            if !body.isEmpty || !(method == "GET" || method == "HEAD") {
                output.append(utf8: "Content-Length: \(body.count)\r\n")
            }
            output.append(utf8: "\r\n")
            output.append(body)
        }
    }

    /// Closes at once; requests without an answer fail with `reason`.
    public func close(_ reason: HTTPClientError = .closed) {
        failure = reason
        connection?.abort(.shutdown)
    }

    private func finished(_ response: HTTPClientResponse, _ keepsAlive: Bool) {
        hasAnswered = true
        if !keepsAlive { isEnding = true }
        guard !pending.isEmpty else {
            failure = .malformedResponse("an answer without a request")
            isEnding = true
            return
        }
        pending.removeFirst().completion(.success(response))
    }

    // MARK: - Events of the connection

    public func connection(_ c: Connection, received bytes: Span<UInt8>) -> Int {
        take(c, bytes)
        return bytes.count
    }

    private func take(_ c: Connection, _ bytes: Span<UInt8>) {
        do throws(HTTPClientError) {
            var outcome: Result<Void, HTTPClientError> = .success(())
            bytes.withUnsafeBytes { raw in
                do throws(HTTPClientError) { try parser.take(raw) } catch { outcome = .failure(error) }
            }
            try outcome.get()
            if isEnding { c.abort(.requested) }
        } catch {
            failure = error
            c.abort(.protocolError)
        }
    }

    public func connectionInputEnded(_ c: Connection) {
        // An answer without a length ends here.
        if parser.isInside { take(c, [UInt8]().span) }
        if connection != nil { c.abort(.peerClosed) }
    }

    public func connectionDidClose(_ c: Connection, reason: CloseReason) {
        guard connection != nil else { return }
        connection = nil
        switch reason {
        case .connectFailed, .tlsFailure:
            if failure == .disconnected { failure = .connectFailed(c.tlsFailure ?? "\(reason)") }
        case .peerClosed, .reset, .timeout, .slowConsumer, .protocolError, .shutdown, .requested: break
        }
        let waiting = pending
        pending = []
        for request in waiting { request.completion(.failure(failure)) }
        onClose()
    }
}
