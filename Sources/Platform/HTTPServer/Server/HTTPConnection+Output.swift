internal import Reactor
internal import Synchronization

// MARK: - Answering, in the order of the requests
extension HTTPConnection: ReplyTarget {
    var executor: (any TaskExecutor)? { loop }

    func answer(_ ticket: UInt64, with response: HTTPResponse) {
        if loop.isCurrent {
            complete(ticket, with: response)
        } else {
            server.answers.post(ServerLoop.Answer(connection: self, ticket: ticket, response: response))
        }
    }

    func isCancelled(_ ticket: UInt64) -> Bool {
        ticket < cancelledBelow.load(ordering: .relaxed)
    }

    func onCancel(_ ticket: UInt64, _ body: @escaping @Sendable () -> Void) {
        guard loop.isCurrent else { return loop.execute { self.onCancel(ticket, body) } }
        if isCancelled(ticket) { return body() }
        if let index = index(of: ticket), exchanges[index].isWaiting { exchanges[index].onCancel = body }
    }

    /// On the loop. Does nothing for a request that has been answered, or whose client has gone.
    func complete(_ ticket: UInt64, with response: HTTPResponse) {
        guard connection != nil, let index = index(of: ticket), exchanges[index].isWaiting else { return }
        exchanges[index].onCancel = nil
        exchanges[index].state = .ready(response)
        if index == 0 { flushAnswers() }
    }

    private func index(of ticket: UInt64) -> Int? {
        guard ticket >= firstTicket, ticket - firstTicket < UInt64(exchanges.count) else { return nil }
        return Int(ticket - firstTicket)
    }

    /// Sends the answers that are there, up to the first that is missing.
    func flushAnswers() {
        while connection != nil, case .ready(let response)? = exchanges.first?.state {
            if let stream = response.stream {
                if begin(stream, of: response) { return }
            } else {
                let terms = exchanges[0].terms
                var offset = 0
                write { offset = ResponseWriter.write(response, terms, date: server.dateLine, to: &$0) }
                if offset < response.body.count { return send(response, from: offset) }
            }
            finishFirst(status: response.status)
        }
        if !isParsing { settle(leftover: nil) }
    }

    /// Writes what is left of the first answer's body, as far as the client takes it.
    func send(_ response: HTTPResponse, from start: Int) {
        var offset = start
        while offset < response.body.count, hasRoom {
            write { offset = ResponseWriter.writeSlice(of: response.body, from: offset, to: &$0) }
        }
        guard offset == response.body.count else {
            exchanges[0].state = .sending(response, offset)
            return
        }
        finishFirst(status: response.status)
        flushAnswers()
    }

    /// Sends the head of a streaming response and starts its producer; false when there is no body to produce.
    private func begin(_ body: HTTPBodyStream, of response: HTTPResponse) -> Bool {
        let framing: ResponseWriter.Framing =
            if let length = body.length { .length(length) } else { exchanges[0].isVersion1_0 ? .close : .chunked }
        if framing == .close { exchanges[0].keepsAlive = false }
        let terms = exchanges[0].terms
        write { ResponseWriter.writeHead(response, framing, terms, date: server.dateLine, to: &$0) }
        if terms.isHead || HTTPStatus.forbidsBody(response.status) { return false }
        let stream = ResponseStream(self, framing)
        exchanges[0].state = .streaming(stream)
        streamedStatus = response.status
        stream.run(body.produce)
        return true
    }

    /// The producer of the first answer has written all of it.
    func streamFinished() {
        finishFirst(status: streamedStatus)
        flushAnswers()
    }

    private func finishFirst(status: Int) {
        let exchange = exchanges.removeFirst()
        firstTicket += 1
        server.heldBodyBytes -= exchange.bodyBytes
        let seconds = Double(MonotonicTime.now().nanoseconds - exchange.started.nanoseconds) / 1e9
        server.counts.answered(
            methodIndex: HTTPServerMetrics.methodIndex(exchange.method), status: status, seconds: seconds)
        if !exchange.keepsAlive { finish() }
    }

    /// The last answer has been written.
    private func finish() {
        input = .discarding
        if isRefused {
            phase = .lingering
            deadline = loop.now + server.configuration.lingerTime
        } else {
            closeWhenSent()
        }
    }
    /// Closing waits only a while for the client to take what was written, so it begins when most of that has gone.
    func closeWhenSent() {
        guard let connection else { return }
        if connection.pendingOutputBytes <= connection.lowWaterMark {
            connection.close(.requested)
        } else {
            phase = .lingering
            deadline = loop.now
        }
    }
}
