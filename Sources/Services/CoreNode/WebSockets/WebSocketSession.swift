internal import Bytes
internal import HTTPServer
internal import JSON
internal import Logging
internal import Metrics
internal import Model
internal import Reactor
internal import Storage
internal import WebSocket

/// The session of one client (`websocket-api.md` 1): frames, authentication, keep-alive, and what is sent. What it was
/// asked for is in its subscriptions.
///
///     pending ──(token or authCmd)──> established ──> closed
final class WebSocketSession: ConnectionHandler, @unchecked Sendable {
    // @unchecked: everything is used on `loop` only; other threads name the session and post to that loop.
    enum State {
        case pending
        case established(Principal, issuedAt: Int64?)
        case closed
    }

    let service: WebSocketService
    let loop: EventLoop
    private let kind: WebSocketSessionKind?
    private let token: String?
    private(set) var state = State.pending
    private var connection: Connection?
    private var decoder: WebSocketDecoder
    private var message = ByteBuffer()
    private var isText = false
    /// Whether commands are being executed; nothing is read meanwhile.
    private var isBusy = false
    private let opened = MonotonicTime.now()
    private var lastPong = MonotonicTime.now()
    private var lastPing = MonotonicTime.now()
    /// Messages that wait for the socket, the oldest first.
    private var queue: [[UInt8]] = []
    private var queuedBytes = 0
    /// Whether no command is read until the client has taken what waits.
    private var isHeldBack = false
    private var queueLimit: Int
    private var updateRate: RateLimitState?
    private var isDropping = false
    /// What of the output was taken, and since when it is the same.
    private var written = 0
    private var takenAtLastSweep = 0
    private var lastTaken = MonotonicTime.now()

    var subscriptions: [Int32: WebSocketSubscription] = [:]
    /// Which subscriptions look at an entity.
    private var watchers: [UUID128: Set<Int32>] = [:]
    /// Slots of ``WebSocketLimits`` that the session has.
    private var hasSessionSlot = false

    init(service: WebSocketService, connection: Connection, kind: WebSocketSessionKind?, token: String?) {
        self.service = service
        self.connection = connection
        self.kind = kind
        self.token = token
        loop = connection.loop
        queueLimit = service.settings.maximumQueuedMessages
        decoder = WebSocketDecoder(maximumMessageLength: UInt64(service.settings.maximumMessageBytes))
        connection.highWaterMark = 64 * 1024
        connection.lowWaterMark = 16 * 1024
        connection.outputLimit = 1 << 30
    }

    /// Who uses the session; `nil` before it is known and after the end.
    var principal: Principal? {
        if case .established(let principal, _) = state { principal } else { nil }
    }

    var isOpen: Bool { if case .closed = state { false } else { true } }

    // MARK: - Opening

    /// Begins behind the handshake.
    func open() {
        guard kind != nil else { return close(.invalidPayload, "Unknown session type") }
        guard let token else { return }
        work { session in
            await session.authenticate(WebSocketAuthentication(token: token), closingWith: .serverError)
        }
    }

    /// Runs `body` while nothing is read.
    private func work(_ body: @escaping @Sendable (WebSocketSession) async -> Void) {
        isBusy = true
        connection?.pauseReading()
        Task.immediate(executorPreference: loop) {
            await body(self)
            self.isBusy = false
            if self.queue.isEmpty, self.connection?.isAboveHighWater != true {
                self.connection?.resumeReading()
            } else {
                self.isHeldBack = true
            }
        }
    }

    private func authenticate(_ claimed: WebSocketAuthentication, closingWith code: WebSocketCloseCode) async {
        let now = CurrentTime.milliseconds
        do {
            let (principal, issuedAt) = try await service.authenticator.principal(of: claimed, now: now)
            guard principal.scope == .full else { throw WebSocketRefusal(reason: "Token is invalid") }
            try await service.limits.take(.sessions, principal, now: now)
            guard isOpen else { return service.limits.give(.sessions, principal) }
            hasSessionSlot = true
            state = .established(principal, issuedAt: issuedAt)
            try await readLimits(of: principal, now: now)
        } catch let refusal as WebSocketRefusal {
            close(code, refusal.reason)
        } catch let limit as WebSocketLimitReached {
            close(.policyViolation, limit.reason)
        } catch {
            service.logger.limited(
                .error, "a WebSocket session cannot be opened", ["error": .string(String(describing: error))])
            close(.serverError, "Internal error")
        }
    }

    private func readLimits(of principal: Principal, now: Int64) async throws {
        guard principal.authority != .systemAdministrator else { return }
        let limits = service.services.limits
        let queued = try await limits.number("wsMsgQueueLimitPerSession", tenant: principal.tenantID, now: now)
        if queued > 0 { queueLimit = min(queueLimit, Int(clamping: queued)) }
        let rate = try await limits.rate("wsUpdatesPerSessionRateLimit", tenant: principal.tenantID, now: now)
        if let rate, !rate.bounds.isEmpty { updateRate = RateLimitState(rate, now: now) }
    }

    // MARK: - Frames

    func connection(_ c: Connection, received bytes: Span<UInt8>) -> Int {
        var offset = 0
        do throws(WebSocketError) {
            while isOpen, !isBusy, let event = try decoder.next(in: bytes, at: &offset) {
                switch event {
                case .payload(let part):
                    isText = part.isText
                    decoder.take(part.count, of: bytes, at: &offset, into: &message)
                    if part.endsMessage { receiveMessage() }
                case .ping(let payload): c.write { WebSocketFrame.encode(.pong, payload, into: &$0) }
                case .pong: lastPong = .now()
                case .close(let code): close(code ?? .normal, "")
                }
            }
        } catch {
            close(error.closeCode, "")
        }
        return isOpen ? offset : bytes.count
    }

    /// Binary messages are not processed.
    private func receiveMessage() {
        let bytes = message.copy()
        message.releaseMemory()
        guard isText, let kind else { return }
        work { session in await session.process(bytes, kind) }
    }

    private func process(_ bytes: [UInt8], _ kind: WebSocketSessionKind) async {
        let message: WebSocketMessage
        do throws(UnreadableCommands) {
            message = try WebSocketMessage(bytes, kind)
        } catch {
            guard case .pending = state else { return send(WebSocketReply.failure(1, .unreadable)) }
            let text = String(decoding: bytes.prefix(200), as: UTF8.self)
            return close(.invalidPayload, "The given string value cannot be transformed to Json object: \(text)")
        }
        if case .pending = state {
            guard let claimed = message.authentication else {
                return close(.policyViolation, "Auth cmd is missing")
            }
            await authenticate(claimed, closingWith: .invalidPayload)
        }
        for command in message.commands {
            guard principal != nil else { return }
            service.metrics.commands.increment()
            await execute(command)
        }
    }

    func connectionDidClose(_ c: Connection, reason: CloseReason) {
        connection = nil
        end()
    }

    // MARK: - Sending

    /// Sends a message as a whole, or queues it while the client is slow.
    ///
    /// - Parameter id: Of the command, for ``WebSocketReply/tooManyUpdates(_:)``.
    func send(_ text: [UInt8], for id: Int32 = 1) {
        guard isOpen, let connection else { return }
        if updateRate != nil {
            guard updateRate!.take(now: CurrentTime.milliseconds) else {
                service.metrics.dropped.increment()
                if !isDropping {
                    isDropping = true
                    enqueue(WebSocketReply.tooManyUpdates(id), connection)
                }
                return
            }
            isDropping = false
        }
        enqueue(text, connection)
    }

    private func enqueue(_ text: [UInt8], _ connection: Connection) {
        if queue.isEmpty, !connection.isAboveHighWater { return write(text, connection) }
        guard queue.count < queueLimit, queuedBytes + text.count <= WebSocketSettings.maximumQueuedBytes else {
            return close(.policyViolation, "Max pending updates limit reached!")
        }
        queue.append(text)
        queuedBytes += text.count
    }

    private func write(_ text: [UInt8], _ connection: Connection) {
        service.metrics.sent.increment()
        written += text.count + 10
        connection.write { WebSocketFrame.encode(.text, text, into: &$0) }
    }

    func connectionDidDrain(_ c: Connection) {
        var sent = 0
        while sent < queue.count, !c.isAboveHighWater {
            write(queue[sent], c)
            queuedBytes -= queue[sent].count
            sent += 1
        }
        queue.removeFirst(sent)
        guard isHeldBack, queue.isEmpty, !c.isAboveHighWater else { return }
        isHeldBack = false
        c.resumeReading()
    }

    func close(_ code: WebSocketCloseCode, _ reason: String) {
        guard isOpen, let connection else { return }
        if code != .normal, code != .goingAway { service.metrics.refused.increment() }
        connection.write { WebSocketFrame.encodeClose(code, reason: reason, into: &$0) }
        connection.close(.requested)
        end()
    }

    private func end() {
        guard isOpen else { return }
        let principal = principal
        for id in Array(subscriptions.keys) { unsubscribe(id) }
        if hasSessionSlot, let principal { service.limits.give(.sessions, principal) }
        state = .closed
        queue = []
        queuedBytes = 0
        message.releaseMemory()
        service.closed(self)
    }

    // MARK: - Keep-alive

    /// Once a second.
    func lookAfter() {
        let now = MonotonicTime.now()
        switch state {
        case .closed: return
        case .pending:
            if !isBusy, now - opened >= service.settings.authenticationTimeout { close(.policyViolation, "") }
            return
        case .established(let principal, let issuedAt):
            if let issuedAt,
                service.authenticator.revocations.isRevoked(
                    user: principal.userID, session: principal.sessionID, issuedAt: issuedAt)
            {
                return close(.serverError, "Token is outdated")
            }
        }
        guard let connection else { return }
        let taken = written - connection.pendingOutputBytes
        if connection.pendingOutputBytes == 0 || taken != takenAtLastSweep {
            takenAtLastSweep = taken
            lastTaken = now
        } else if now - lastTaken >= service.settings.sendTimeout {
            return close(.notReliable, "")
        }
        ping(now, connection)
        for subscription in subscriptions.values { subscription.lookAfter(now) }
    }

    /// While commands are executed, or wait for a slow client, no pong can be seen.
    private func ping(_ now: MonotonicTime, _ connection: Connection) {
        let timeout = service.settings.pingTimeout
        if isBusy || isHeldBack {
            lastPong = max(lastPong, now - timeout / 3)
            return
        }
        if now - lastPong >= timeout { return close(.notReliable, "") }
        guard now - lastPong >= timeout / 3, now - lastPing >= timeout / 3 else { return }
        lastPing = now
        connection.write { WebSocketFrame.encode(.ping, [], into: &$0) }
    }

    // MARK: - Subscriptions

    /// Puts a subscription in the place of one with its id.
    func subscribe(_ subscription: WebSocketSubscription) {
        unsubscribe(subscription.id)
        guard isOpen else { return subscription.end() }
        subscriptions[subscription.id] = subscription
        service.metrics.subscriptions.add(1)
    }

    func unsubscribe(_ id: Int32) {
        guard let subscription = subscriptions.removeValue(forKey: id) else { return }
        service.metrics.subscriptions.add(-1)
        subscription.end()
        if subscription.countsForLimits, let principal { service.limits.give(.subscriptions, principal) }
    }

    func unsubscribeAll() {
        for id in Array(subscriptions.keys) { unsubscribe(id) }
    }

    /// To be told of what is committed of the entities. Called by subscriptions only.
    func watch(_ entities: Set<UUID128>, for id: Int32) {
        for entity in entities { watchers[entity, default: []].insert(id) }
        service.watched.watch(entities, self)
    }

    func unwatch(_ entities: Set<UUID128>, for id: Int32) {
        var unwatched: [UUID128] = []
        for entity in entities {
            watchers[entity]?.remove(id)
            if watchers[entity]?.isEmpty ?? false {
                watchers[entity] = nil
                unwatched.append(entity)
            }
        }
        service.watched.unwatch(unwatched, self)
    }

    /// What was committed, in order. On the loop.
    func receive(_ changes: [CommittedChange]) {
        for change in changes {
            for id in (watchers[change.entity] ?? []).sorted() { subscriptions[id]?.receive(change) }
        }
    }
}

extension WebSocketCloseCode {
    static let serverError = WebSocketCloseCode(rawValue: 1011)
    static let restart = WebSocketCloseCode(rawValue: 1012)
    /// The session is not reliable: no pong, or nothing is taken.
    static let notReliable = WebSocketCloseCode(rawValue: 4500)
}

/// Why nobody is let in.
struct WebSocketRefusal: Error {
    var reason: String
}

extension Authenticator {
    /// Who opens a session, and when the token was issued; an API key has no such time.
    func principal(
        of claimed: WebSocketAuthentication, now: Int64
    ) async throws -> (Principal, issuedAt: Int64?) {
        do {
            if let key = claimed.apiKey, !key.isEmpty { return (try await principal(key: key, now: now), nil) }
        } catch let error as APIError {
            throw WebSocketRefusal(reason: error.message)
        }
        let claims: TokenCodec.AccessClaims
        do throws(TokenError) {
            claims = try codec.readAccess(claimed.token ?? "", now: now)
        } catch {
            switch error {
            case .malformed: throw WebSocketRefusal(reason: "Invalid JWT token: ")
            case .badSignature, .wrongKind: throw WebSocketRefusal(reason: "Token is invalid")
            case .expired: throw WebSocketRefusal(reason: "JWT Token expired")
            }
        }
        let principal = claims.principal
        guard !revocations.isRevoked(user: principal.userID, session: principal.sessionID, issuedAt: claims.issuedAt)
        else { throw WebSocketRefusal(reason: "Token is outdated") }
        return (principal, claims.issuedAt)
    }
}
