import CLinux
import Glibc
import Synchronization

/// Settings of a listener and of the connections it accepts.
public struct ListenerOptions: Sendable {
    /// Connections that may wait for being accepted; the system's `somaxconn` cuts it off. Default: 4096.
    public var backlog = 4096
    /// Whether several sockets, one per loop, share the port and the kernel spreads connections over them. Default: yes.
    public var reusePort = true
    /// Whether the kernel probes silent peers (its defaults: after two hours). Default: yes.
    public var keepsAlive = true
    /// Connections taken in one tick. Default: 64.
    public var acceptLimitPerTick = 64
    /// From accept to the end of the TLS handshake; then the connection is aborted. Default: 10 s.
    public var handshakeTimeout: Duration = .seconds(10)
    /// Kernel buffer sizes in bytes; `nil` lets the kernel tune them.
    public var receiveBufferBytes: Int?
    public var sendBufferBytes: Int?
    /// Descriptors, below the limit of the process, that connections leave to everybody else: databases, files, and the
    /// runtime, which ends the process when it gets none. At most a quarter of the limit. Default: 64.
    public var reservedDescriptors = 64
    /// Whether every connection begins with the header of a proxy (PROXY protocol, version 1 or 2), which then is the
    /// connection's peer. Default: no.
    public var expectsProxyHeader = false
    /// Bounds of every accepted connection.
    public var limits = ConnectionLimits()

    public init() {}
}

/// One accepting socket on one loop. Used from any thread; what it does happens on its loop.
public final class Listener: @unchecked Sendable {
    // @unchecked: constants, and state that only the loop's thread touches: calls from elsewhere are submitted to it.

    public let loop: EventLoop
    public let address: SocketAddress
    /// The TCP port that is listened on, also when the address said 0. 0 for a Unix socket.
    public let localPort: Int

    private let options: ListenerOptions
    private let tls: TLSContext?
    private var descriptor: Int32
    private var accept: ((Connection) -> (any ConnectionHandler)?)?
    private var id: ConnectionID?
    private var isWatched = false
    private var isPausedByOwner = false
    private var isPausedByShortage = false
    /// Accepting pauses while the lowest free descriptor is not below it.
    private let descriptorCeiling: Int32

    /// How long accepting pauses when descriptors or memory have run out.
    private static let shortagePause: Duration = .milliseconds(100)

    private init(
        _ address: SocketAddress, on loop: EventLoop, options: ListenerOptions, tls: TLSContext?,
        accept: @escaping (Connection) -> (any ConnectionHandler)?
    ) throws(ReactorError) {
        self.loop = loop
        self.address = address
        self.options = options
        self.tls = tls
        self.accept = accept
        descriptorCeiling = needletail_descriptor_limit().reserving(options.reservedDescriptors)
        descriptor = try listeningSocket(address, options)
        localPort = Int(needletail_local_port(descriptor))
    }

    /// Starts listening on `loop`. Any thread; resolves names, so it may block.
    ///
    /// For N loops open N listeners on one port (port 0: open the first, then use its ``localPort``). `accept` is called on
    /// the loop for every new connection and returns its handler; `nil` closes it at once. A Unix socket left over by a
    /// process that is gone is replaced, and removed again by ``close()``.
    public static func open(
        _ address: SocketAddress, on loop: EventLoop, options: ListenerOptions = ListenerOptions(),
        tls: TLSContext? = nil, accept: @escaping (Connection) -> (any ConnectionHandler)?
    ) throws(ReactorError) -> Listener {
        let listener = try Listener(address, on: loop, options: options, tls: tls, accept: accept)
        listener.perform { listener in
            listener.id = loop.slots.reserve()
            loop.slots.set(.listener(listener), at: listener.id!)  // Reserved one line above.
            listener.watch()
        }
        return listener
    }

    /// Asks before the first of several listeners whether the address is nobody's yet: with ``ListenerOptions/reusePort`` the
    /// kernel would let two processes have it, and give each some of the connections. Any thread; resolves names.
    ///
    /// - Throws: `EADDRINUSE` when somebody listens there.
    public static func checkThatNobodyListens(on address: SocketAddress) throws(ReactorError) {
        guard case .tcp = address else { return }
        var resolved = try address.resolved(passive: true)[0]
        let socket = needletail_stream_socket(&resolved)
        guard socket >= 0 else { throw .last("socket") }
        defer { _ = Glibc.close(socket) }
        guard needletail_set_option(socket, SOL_SOCKET, SO_REUSEADDR, 1) == 0 else {
            throw .last("setsockopt SO_REUSEADDR")
        }
        guard needletail_bind(socket, &resolved) == 0 else { throw .last("bind \(address)") }
    }

    /// New connections wait in the kernel until ``resumeAccepting()``.
    public func pauseAccepting() {
        perform { listener in
            listener.isPausedByOwner = true
            listener.watch()
        }
    }

    public func resumeAccepting() {
        perform { listener in
            listener.isPausedByOwner = false
            listener.watch()
        }
    }

    /// Stops listening; accepted connections stay. Called again, nothing happens.
    public func close() {
        perform { listener in
            guard listener.descriptor >= 0 else { return }
            if let id = listener.id { listener.loop.slots.release(id) }
            listener.id = nil
            listener.accept = nil
            _ = Glibc.close(listener.descriptor)
            listener.descriptor = -1
            if case .unix(let path) = listener.address { unlink(path) }
        }
    }

    /// Runs `body` on the loop: now, when this is its thread or it has not been started, else in a moment.
    private func perform(_ body: @escaping @Sendable (Listener) -> Void) {
        if loop.isCurrent { body(self) } else { loop.execute { body(self) } }
    }

    /// Tells the kernel whether to tell of new connections.
    private func watch() {
        let wanted = descriptor >= 0 && !isPausedByOwner && !isPausedByShortage
        guard let id, wanted != isWatched, descriptor >= 0 else { return }
        let code =
            wanted
            ? needletail_epoll_add(loop.epoll, descriptor, NEEDLETAIL_EPOLLIN, id.eventData)
            : needletail_epoll_remove(loop.epoll, descriptor)
        if code == 0 { isWatched = wanted } else { pauseForShortage() }
    }

    private func pauseForShortage() {
        guard !isPausedByShortage else { return }
        loop.counters.acceptFailures += 1
        isPausedByShortage = true
        if isWatched { watch() }
        retryLater()
    }

    private func retryLater() {
        loop.schedule(after: Self.shortagePause) {
            guard self.descriptor >= 0 else { return }
            let free = needletail_lowest_free_descriptor(self.descriptor)
            guard free >= 0, free < self.descriptorCeiling else {
                self.retryLater()
                return
            }
            self.isPausedByShortage = false
            self.watch()
        }
    }

    // MARK: - Accepting

    func acceptReady() {
        for _ in 0..<options.acceptLimitPerTick {
            guard descriptor >= 0, isWatched else { return }
            var peer = needletail_peer()
            let socket = needletail_accept(descriptor, &peer)
            if socket >= 0 {
                take(socket, peer)
                if socket >= descriptorCeiling { pauseForShortage() }
                continue
            }
            switch errno {
            case EAGAIN:
                return
            case EMFILE, ENFILE, ENOBUFS, ENOMEM:
                pauseForShortage()
                return
            default:
                continue  // The connection broke while it waited.
            }
        }
    }

    private func take(_ socket: Int32, _ peer: needletail_peer) {
        let connection = Connection(
            loop: loop, descriptor: socket, peer: peer, limits: options.limits, phase: tls == nil ? .open : .handshaking
        )
        let events = NEEDLETAIL_EPOLLIN | NEEDLETAIL_EPOLLOUT | NEEDLETAIL_EPOLLRDHUP | NEEDLETAIL_EPOLLET
        guard needletail_epoll_add(loop.epoll, socket, events, connection.id.eventData) == 0 else {
            connection.abort(.reset)
            pauseForShortage()
            return
        }
        loop.counters.connectionsAccepted += 1
        guard options.expectsProxyHeader else { return welcome(connection) }
        connection.deadline = loop.schedule(after: options.handshakeTimeout) { connection.abort(.timeout) }
        connection.awaitProxyHeader { [weak self] in
            connection.deadline?.cancel()
            guard let self else { return connection.abort(.shutdown) }
            connection.phase = tls == nil ? .open : .handshaking
            welcome(connection)
            // What came behind the header is told by no event.
            if tls == nil, connection.phase == .open { connection.becomeOpen() }
        }
    }

    private func welcome(_ connection: Connection) {
        guard let handler = accept?(connection) else {
            connection.abort(.requested)
            return
        }
        connection.handler = handler
        if let tls, connection.phase == .handshaking {
            connection.deadline = loop.schedule(after: options.handshakeTimeout) { connection.abort(.timeout) }
            connection.startHandshake(tls.makeSession(on: connection.descriptor))
        }
    }
}

extension Int32 {
    /// A limit of descriptors without those that are reserved.
    fileprivate func reserving(_ count: Int) -> Int32 {
        self - Swift.min(Int32(clamping: count), self / 4)
    }
}

/// A bound and listening socket. What is set on it is inherited by the sockets it accepts.
private func listeningSocket(_ address: SocketAddress, _ options: ListenerOptions) throws(ReactorError) -> Int32 {
    var resolved = try address.resolved(passive: true)[0]
    let socket = needletail_stream_socket(&resolved)
    guard socket >= 0 else { throw .last("socket") }
    do throws(ReactorError) {
        try configure(socket, address, options)
        try bind(socket, address, &resolved)
        guard listen(socket, Int32(clamping: options.backlog)) == 0 else {
            throw ReactorError.last("listen \(address)")
        }
        return socket
    } catch {
        _ = Glibc.close(socket)
        throw error
    }
}

private func configure(
    _ socket: Int32, _ address: SocketAddress, _ options: ListenerOptions
) throws(ReactorError) {
    func set(_ level: Int32, _ option: Int32, _ value: Int32, _ name: String) throws(ReactorError) {
        guard needletail_set_option(socket, level, option, value) == 0 else { throw .last("setsockopt \(name)") }
    }
    if let bytes = options.receiveBufferBytes { try set(SOL_SOCKET, SO_RCVBUF, Int32(clamping: bytes), "SO_RCVBUF") }
    if let bytes = options.sendBufferBytes { try set(SOL_SOCKET, SO_SNDBUF, Int32(clamping: bytes), "SO_SNDBUF") }
    guard case .tcp = address else { return }
    try set(SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR")
    if options.reusePort { try set(SOL_SOCKET, SO_REUSEPORT, 1, "SO_REUSEPORT") }
    if options.keepsAlive {
        // A peer that vanished without a word is noticed within four minutes, whether or not something was sent to it.
        try set(SOL_SOCKET, SO_KEEPALIVE, 1, "SO_KEEPALIVE")
        try set(Int32(IPPROTO_TCP), TCP_KEEPIDLE, 120, "TCP_KEEPIDLE")
        try set(Int32(IPPROTO_TCP), TCP_KEEPINTVL, 30, "TCP_KEEPINTVL")
        try set(Int32(IPPROTO_TCP), TCP_KEEPCNT, 4, "TCP_KEEPCNT")
        try set(Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, 240_000, "TCP_USER_TIMEOUT")
    }
    try set(Int32(IPPROTO_TCP), TCP_NODELAY, 1, "TCP_NODELAY")
}

private func bind(
    _ socket: Int32, _ address: SocketAddress, _ resolved: inout needletail_address
) throws(ReactorError) {
    if needletail_bind(socket, &resolved) == 0 { return }
    let error = ReactorError.last("bind \(address)")
    guard errno == EADDRINUSE, case .unix(let path) = address, isAbandoned(&resolved) else { throw error }
    unlink(path)
    guard needletail_bind(socket, &resolved) == 0 else { throw .last("bind \(address)") }
}

/// Whether nobody listens on the Unix socket any more.
private func isAbandoned(_ address: inout needletail_address) -> Bool {
    let probe = needletail_stream_socket(&address)
    guard probe >= 0 else { return false }
    defer { _ = Glibc.close(probe) }
    return needletail_connect(probe, &address) != 0 && errno == ECONNREFUSED
}
