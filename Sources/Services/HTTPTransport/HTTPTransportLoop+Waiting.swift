import HTTPServer
import Messages
import Metrics
import Model
import Reactor
import TransportCore

/// Requests that wait for the core or for a rule chain (`device-api.md` 4.2): each is a session of its own, and holds its
/// connection and no thread.
extension HTTPTransportLoop {
    /// Tells the core something; the request is answered when its queue has it.
    func tell(_ message: CoreMessage, _ session: SessionInfo, _ reply: HTTPReply) {
        let isTaken = transport.send(message, of: session)
        metrics.count(isTaken ? .accepted : .unavailable)
        reply.respond(.empty(isTaken ? 200 : 500))
    }

    /// Whoever hears of the answer may claim the device at once: it is given when the core has answered a question that came
    /// behind the offer, which it does when the offer is stored.
    func claim(_ offer: ClaimRequest, _ session: SessionInfo, _ reply: HTTPReply) {
        guard let exchange = begin(.claim, session, nil, reply) else { return }
        let message = CoreMessage.claim(
            exchange.session, secretKey: offer.secretKey, durationMilliseconds: offer.durationMilliseconds)
        let question = AttributesRequest(requestID: 0, clientKeys: ["claimingData"])
        let isTaken =
            transport.send(message, of: exchange.session)
            && transport.send(.attributesRequest(exchange.session, question), of: exchange.session)
        if !isTaken { finish(exchange.session.sessionID, .empty(500)) }
    }

    func readAttributes(_ request: AttributesRequest, _ session: SessionInfo, _ reply: HTTPReply) {
        guard let exchange = begin(.attributes, session, nil, reply) else { return }
        if !transport.send(.attributesRequest(exchange.session, request), of: exchange.session) {
            finish(exchange.session.sessionID, .empty(500))
        }
    }

    func poll(_ kind: Exchange.Kind, _ session: SessionInfo, _ timeout: Int64?, _ reply: HTTPReply) {
        guard let exchange = begin(kind, session, timeout, reply) else { return }
        if !transport.send(exchange.subscription(true), of: exchange.session) {
            finish(exchange.session.sessionID, .empty(500))
        }
    }

    func callServer(_ request: ToServerRPCRequest, _ session: SessionInfo, _ reply: HTTPReply) {
        guard let exchange = begin(.rpcResponse, session, nil, reply, atMost: Self.maximumCallWait) else { return }
        let id = exchange.session.sessionID
        transport.callServer(request, of: exchange.session) { [unowned self] isTaken in
            if !isTaken { finish(id, .empty(500)) }
        }
    }

    /// A rule chain that has not answered a call by then will not: existing clients wait no longer than that.
    private static let maximumCallWait: Duration = .seconds(30)

    /// - Parameter timeout: Milliseconds; none and 0 stand for the default.
    private func begin(
        _ kind: Exchange.Kind, _ kept: SessionInfo, _ timeout: Int64?, _ reply: HTTPReply, atMost limit: Duration? = nil
    ) -> Exchange? {
        guard !exchanges.isFull else {
            metrics.count(.unavailable)
            reply.respond(DeviceAPIErrors.overloaded)
            return nil
        }
        let exchange = Exchange(kind, session: makeSession(kept.device, kept.profile), reply: reply)
        let id = exchange.session.sessionID
        let wait = timeout.flatMap { $0 == 0 ? nil : Duration.milliseconds(max(0, min($0, 86_400_000))) }
        let chosen = wait ?? configuration.requestTimeout
        exchange.timer = loop.schedule(after: limit.map { min($0, chosen) } ?? chosen) { [unowned self] in
            metrics.count(.timeout)
            finish(id, .empty(408))
        }
        exchanges.add(exchange)
        let cancelled = LoopBoundClosure<Void> { [weak self] in self?.abandon(id) }
        let loop = loop
        reply.onCancel {
            loop.execute { cancelled.body(()) }
        }
        return exchange
    }

    /// Answers a waiting request, once.
    private func finish(_ id: UUID128, _ response: HTTPResponse, isOver: Bool = true) {
        guard let exchange = exchanges.remove(id) else { return }
        if isOver { unsubscribe(exchange) }
        exchange.reply.respond(response)
    }

    /// The client has gone.
    private func abandon(_ id: UUID128) {
        guard let exchange = exchanges.remove(id) else { return }
        unsubscribe(exchange)
    }

    private func unsubscribe(_ exchange: Exchange) {
        switch exchange.kind {
        case .attributeUpdate, .rpcRequest:
            // Lost when the queue is full: the core forgets the session at its time-out.
            _ = transport.send(exchange.subscription(false), of: exchange.session)
        case .attributes, .claim, .rpcResponse: break
        }
    }

    // MARK: - What comes

    func receive(_ notification: TransportNotification) {
        switch notification {
        case .attributesResponse(let id, let response):
            guard let kind = exchanges.find(id)?.kind, kind == .attributes || kind == .claim else { return }
            metrics.count(response.error == nil ? .accepted : .unavailable)
            guard response.error == nil else { return finish(id, .empty(500)) }
            finish(id, kind == .claim ? .empty(200) : .json(DeviceResponseJSON.attributes(response)))
        case .attributesUpdate(let id, let update):
            guard exchanges.find(id)?.kind == .attributeUpdate else { return }
            metrics.count(.accepted)
            finish(id, .json(DeviceResponseJSON.attributesUpdate(update)), isOver: false)
        case .rpcRequest(let id, let request):
            guard let exchange = exchanges.find(id), exchange.kind == .rpcRequest else { return }
            metrics.count(.accepted)
            finish(id, .json(DeviceResponseJSON.rpcRequest(request, withID: true)), isOver: false)
            // Handed over is delivered (`device-api.md` 7.2).
            _ = transport.send(
                .rpcStatus(exchange.session, requestID: request.requestID, rpcID: request.rpcID, .delivered),
                of: exchange.session)
        case .rpcResponse(let id, let response):
            guard exchanges.find(id)?.kind == .rpcResponse else { return }
            metrics.count(.accepted)
            finish(id, .json(DeviceResponseJSON.rpcResponse(response)))
        case .closeSession(let id, let reason):
            // Other reasons are not told: the poll ends at its own time (`device-api.md` 6.2).
            guard reason == .deviceDeleted else { return }
            finish(id, .text("Device was deleted!", status: 403), isOver: false)
        case .deviceUpdated, .deviceProfileUpdated, .deviceDeleted, .deviceProfileDeleted, .tenantProfileUpdated,
            .tenantUpdated, .tenantDeleted, .queuesChanged:
            // Every request asks for the device anew.
            transport.limits.receive(notification)
        }
    }
}

extension Exchange {
    /// The message that begins or ends the subscription of a poll.
    fileprivate func subscription(_ isSubscribed: Bool) -> CoreMessage {
        kind == .rpcRequest
            ? .subscribeToRPC(session, isSubscribed: isSubscribed)
            : .subscribeToAttributes(session, isSubscribed: isSubscribed)
    }
}
