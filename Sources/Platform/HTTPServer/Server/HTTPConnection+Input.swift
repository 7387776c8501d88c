internal import Bytes
internal import Logging
internal import Metrics
internal import Reactor

/// A body that has not arrived completely.
struct IncomingBody {
    let head: RequestHead
    var bytes: [UInt8] = []
    /// Bytes missing of a body with a length.
    var remaining: Int
    /// nil for a body with a length.
    var decoder: ChunkedDecoder?
    /// Bytes that the whole body may have.
    let limit: Int
    /// The client waits for 100 (Continue), which must not overtake an answer.
    var awaitsContinue: Bool
    /// Bytes that had arrived when the running period began.
    var bytesAtPeriodStart = 0
}

// MARK: - Taking requests from the input
extension HTTPConnection {
    private var configuration: HTTPServerConfiguration { server.configuration }

    private var canTakeRequest: Bool {
        exchanges.count < configuration.maximumPipelinedRequests && hasRoom
    }

    /// Takes what is complete; returns how many bytes that was.
    func take(_ bytes: UnsafeRawBufferPointer) -> Int {
        isParsing = true
        var offset = 0
        loop: while offset < bytes.count, connection != nil || isHandedOver {
            switch input {
            case .head:
                guard canTakeRequest else {
                    pause()
                    break loop
                }
                let used = takeHead(UnsafeRawBufferPointer(rebasing: bytes[offset...]))
                if used == 0 { break loop }
                offset += used
            case .body:
                takeBody(bytes, at: &offset)
            case .discarding:
                offset = bytes.count
            case .handedOver(let handler):
                let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
                guard let next = handedOverConnection else { break loop }
                offset += rest.withMemoryRebound(to: UInt8.self) { handler.connection(next, received: $0.span) }
                break loop
            }
        }
        isParsing = false
        server.counts.receivedBytes += offset
        settle(leftover: bytes.count - offset)
        return offset
    }

    /// Takes a head, or empty lines in front of one; 0 when it is not complete.
    private func takeHead(_ bytes: UnsafeRawBufferPointer) -> Int {
        if bytes[0] == 0x0D, bytes.count == 1 { return 0 }
        if bytes[0] == 0x0D, bytes[1] == 0x0A, skippedLines < 4 {
            skippedLines += 1
            return 2
        }
        do throws(RequestError) {
            switch scanner.scan(bytes) {
            case .malformed(let error):
                throw error
            case .incomplete:
                guard bytes.count <= configuration.maximumHeadBytes else { throw overflow }
                return 0
            case .complete(let count):
                guard count <= configuration.maximumHeadBytes else { throw overflow }
                scanner.reset()
                skippedLines = 0
                let head = try RequestHead(
                    parsing: UnsafeRawBufferPointer(rebasing: bytes[..<count]), with: server.parser,
                    limits: .init(
                        targetBytes: configuration.maximumTargetBytes, fields: configuration.maximumFields))
                let body = UnsafeRawBufferPointer(rebasing: bytes[count...])
                return count + start(head, following: body)
            }
        } catch {
            refuse(error)
            return bytes.count
        }
    }

    /// The head is too large: it is the target's fault when not even the first line is complete.
    private var overflow: RequestError {
        scanner.hasFirstLine ? .headTooLarge : .targetTooLong
    }

    /// Begins a request; returns how many bytes of its body were taken along.
    private func start(_ head: RequestHead, following bytes: UnsafeRawBufferPointer) -> Int {
        switch head.framing {
        case .none:
            dispatch(head, body: [])
            return 0
        case .length(let length):
            let limit = configuration.bodyLimits
            if length > limit.smallest {
                let allowed = limit.limit(for: head.request(peer: "").pathBytes)
                if length > allowed {
                    refuse(.bodyTooLarge, of: head, limit: allowed)
                    return bytes.count
                }
            }
            if length <= bytes.count {
                guard hold(length, for: head) else { return bytes.count }
                dispatch(head, body: [UInt8](bytes[..<length]))
                return length
            }
            expectBody(IncomingBody(head: head, remaining: length, limit: length, awaitsContinue: false), bytes)
        case .chunked:
            let limit = configuration.bodyLimits.limit(for: head.request(peer: "").pathBytes)
            let decoder = ChunkedDecoder(maximumOverhead: configuration.maximumHeadBytes)
            expectBody(
                IncomingBody(head: head, remaining: 0, decoder: decoder, limit: limit, awaitsContinue: false), bytes)
        }
        return 0
    }

    private func expectBody(_ body: IncomingBody, _ following: UnsafeRawBufferPointer) {
        incoming = body
        input = .body
        phase = .body
        deadline = loop.now + configuration.bodyPeriod
        // A client that has begun to send does not wait.
        if body.head.expectsContinue, following.isEmpty {
            incoming?.awaitsContinue = true
            continueIfPossible()
        }
    }

    /// Tells the client to send its body, unless answers to earlier requests are missing.
    func continueIfPossible() {
        guard exchanges.isEmpty, incoming?.awaitsContinue == true else { return }
        incoming?.awaitsContinue = false
        write { $0.append(utf8: "HTTP/1.1 100 Continue\r\n\r\n") }
    }

    // MARK: - Bodies

    private func takeBody(_ bytes: UnsafeRawBufferPointer, at offset: inout Int) {
        // Taken out, so that growing the array copies nothing.
        guard var body = incoming.take() else { preconditionFailure("a body is read and there is none") }
        body.awaitsContinue = false
        let before = body.bytes.count
        var isComplete = false
        do throws(RequestError) {
            if var decoder = body.decoder {
                var data = body.bytes
                body.bytes = []
                let allowed = body.limit - before
                let progress = try decoder.decode(bytes, at: &offset, limit: allowed) { data.append(contentsOf: $0) }
                body.bytes = data
                body.decoder = decoder
                isComplete = progress == .finished
            } else {
                let count = min(body.remaining, bytes.count - offset)
                body.bytes.append(contentsOf: bytes[offset..<offset + count])
                body.remaining -= count
                offset += count
                isComplete = body.remaining == 0
            }
        } catch {
            server.heldBodyBytes -= before
            refuse(error, of: body.head, limit: body.limit)
            return
        }
        guard hold(body.bytes.count - before, for: body.head) else {
            server.heldBodyBytes -= before
            return
        }
        if isComplete {
            input = .head
            dispatch(body.head, body: body.bytes)
        } else {
            incoming = body
        }
    }

    /// Counts bytes of a body that are held; when they are too many the request is refused and this is false.
    private func hold(_ count: Int, for head: RequestHead) -> Bool {
        guard server.heldBodyBytes + count <= configuration.maximumHeldBodyBytes else {
            refuse(.overloaded, of: head)
            return false
        }
        server.heldBodyBytes += count
        return true
    }

    // MARK: - Dispatching

    private func dispatch(_ head: RequestHead, body: [UInt8]) {
        var request = head.request(peer: peerDescription)
        request.body = body
        if head.asksForUpgrade, exchanges.isEmpty, let connection,
            let handler = configuration.upgrade?(request, connection)
        {
            server.heldBodyBytes -= body.count
            return handOver(to: handler)
        }
        let keepsAlive = head.keepsAlive && !server.isStopping
        if !keepsAlive { input = .discarding }
        let ticket = firstTicket + UInt64(exchanges.count)
        exchanges.append(
            Exchange(
                state: .waiting, method: head.method, isVersion1_0: head.isVersion1_0, keepsAlive: keepsAlive,
                started: .now(), bodyBytes: body.count))
        server.responder.respond(to: request, with: HTTPReply(target: self, ticket: ticket))
    }

    private func handOver(to handler: any ConnectionHandler) {
        guard let connection else { return }
        input = .handedOver(handler)
        handedOverConnection = connection
        self.connection = nil
        connection.handler = handler
        server.closed(self)
    }

    private var isHandedOver: Bool {
        if case .handedOver = input { true } else { false }
    }

    // MARK: - Refusing

    /// Answers a request that no responder sees, as the last one of the connection.
    ///
    /// - Parameter limit: Of the body, where that was exceeded.
    func refuse(_ error: RequestError, of head: RequestHead? = nil, limit: Int? = nil) {
        server.metrics.refused[error]?.increment()
        server.logger.limited(
            .debug, "request refused",
            ["http.reason": .string(error.rawValue), "http.peer": .string(peerDescription)])
        let message =
            if error == .bodyTooLarge, let limit { "Payload size exceeds the limit of \(limit) bytes" } else {
                error.message
            }
        let response = configuration.errorRenderer(error.status, message, head?.request(peer: peerDescription))
        dropIncoming()
        input = .discarding
        isRefused = true
        exchanges.append(
            Exchange(
                state: .ready(response), method: head?.method ?? .get, isVersion1_0: head?.isVersion1_0 ?? false,
                keepsAlive: false, started: .now()))
        flushAnswers()
    }

    // MARK: - Pausing

    private func pause() {
        isPaused = true
        connection?.pauseReading()
    }

    /// Reads on when requests may be taken again.
    func resumeIfPossible() {
        guard isPaused, !isParsing, canTakeRequest, let connection else { return }
        isPaused = false
        connection.resumeReading()
    }
}

extension RequestHead {
    /// The request without its body.
    func request(peer: String) -> HTTPRequest {
        HTTPRequest(method: method, fields: fields, layout: layout, body: [], peer: peer)
    }
}
