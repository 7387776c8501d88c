import Bytes
import CLinux
import Glibc
import Synchronization

/// What remains to be tried of a client's connect.
final class ConnectAttempt {
    let tls: TLSClient?
    /// The addresses of the peer's name that have not been tried.
    var addresses: ArraySlice<needletail_address> = []

    init(tls: TLSClient?) {
        self.tls = tls
    }
}

extension Connection {
    /// Opens a connection without blocking; names are resolved on another thread, and their addresses are tried in turn.
    ///
    /// On the loop. The handler hears ``ConnectionHandler/connectionDidConnect(_:)``, or that the connection closed with
    /// ``CloseReason/connectFailed(_:)`` (`ETIMEDOUT` after `timeout`) or ``CloseReason/tlsFailure``. What is written
    /// before is sent when it is up.
    ///
    /// - Throws: ``ReactorError/invalidAddress(_:)``; every other failure is told to the handler.
    @discardableResult
    public static func connect(
        to address: SocketAddress, on loop: EventLoop, tls: TLSClient? = nil, handler: any ConnectionHandler,
        timeout: Duration = .seconds(10), limits: ConnectionLimits = ConnectionLimits()
    ) throws(ReactorError) -> Connection {
        loop.preconditionOwned()
        let numeric = try address.resolvedWithoutBlocking()
        let connection = Connection(
            loop: loop, descriptor: -1, peer: needletail_peer(), limits: limits, phase: .resolving)
        connection.handler = handler
        connection.flags.insert(.isClient)
        connection.attempt = ConnectAttempt(tls: tls)
        connection.deadline = loop.schedule(after: timeout) {
            connection.abort(connection.phase == .handshaking ? .timeout : .connectFailed(ETIMEDOUT))
        }
        if let numeric {
            connection.connect(toFirstOf: [numeric])
        } else {
            let id = connection.id
            Resolver.shared.resolve(address) { result in
                loop.execute { loop.connection(for: id)?.resolved(result) }
            }
        }
        return connection
    }

    private func resolved(_ result: Result<[needletail_address], ReactorError>) {
        switch result {
        case .success(let addresses): connect(toFirstOf: addresses[...])
        case .failure: abort(.connectFailed(EHOSTUNREACH))
        }
    }

    private func connect(toFirstOf addresses: ArraySlice<needletail_address>) {
        guard let attempt, !loop.isFinished.load(ordering: .relaxed) else {
            abort(.connectFailed(ECANCELED))
            return
        }
        attempt.addresses = addresses
        var failure = EHOSTUNREACH
        while var address = attempt.addresses.popFirst() {
            guard let code = startConnecting(&address) else { return }
            failure = code
        }
        abort(.connectFailed(failure))
    }

    /// Starts one connect(2); the error number if it failed at once.
    private func startConnecting(_ address: inout needletail_address) -> Int32? {
        let socket = needletail_stream_socket(&address)
        guard socket >= 0 else { return errno }
        needletail_address_peer(&address, &peer)
        if peer.length > 0 { _ = needletail_set_option(socket, Int32(IPPROTO_TCP), TCP_NODELAY, 1) }
        let events = NEEDLETAIL_EPOLLIN | NEEDLETAIL_EPOLLOUT | NEEDLETAIL_EPOLLRDHUP | NEEDLETAIL_EPOLLET
        if needletail_connect(socket, &address) != 0, errno != EINPROGRESS, errno != EINTR {
            let code = errno
            _ = Glibc.close(socket)
            return code
        }
        guard needletail_epoll_add(loop.epoll, socket, events, id.eventData) == 0 else {
            let code = errno
            _ = Glibc.close(socket)
            return code
        }
        descriptor = socket
        phase = .connecting
        return nil
    }

    /// The kernel has finished connecting, one way or the other.
    func connectIsReady() {
        let code = needletail_take_error(descriptor)
        guard code == 0 else {
            _ = Glibc.close(descriptor)
            descriptor = -1
            let rest = attempt?.addresses ?? []
            if rest.isEmpty { abort(.connectFailed(code)) } else { connect(toFirstOf: rest) }
            return
        }
        guard let client = attempt?.tls else {
            becomeOpen()
            return
        }
        startHandshake(client.makeSession(on: descriptor))
    }

    /// The stream is up: bytes of the application flow.
    func becomeOpen() {
        phase = .open
        attempt = nil
        deadline?.cancel()
        deadline = nil
        if flags.contains(.isClient) { handler?.connectionDidConnect(self) }
        guard phase == .open else { return }
        if !output.isEmpty { markDirty() }
        // Input may have come with the event that ended the set-up.
        flags.insert(.inputReady)
        scheduleReading()
    }
}
