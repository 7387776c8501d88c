import Bytes
import CLinux
import Glibc

/// A stream socket owned by one loop for life: TCP or Unix, plain or TLS. Used on that loop only.
///
///     resolving ─> connecting ─> handshaking ─> open ─> closing ─> lingering ─> closed
///                       └─────────────────────> │ ^        │           ^           ^
///     accepted ──────────────────────────────────┘ └─ handler hears of the end ────┘ (from any state by abort)
///
/// `closing` sends what is waiting, `lingering` has sent the end of the stream and waits for the peer's, so that the last
/// answer is not lost by a reset. The socket is watched edge-triggered, once for both directions, and never re-armed.
public final class Connection {
    enum Phase: UInt8 { case greeting, resolving, connecting, handshaking, open, closing, lingering, closed }

    struct Flags: OptionSet {
        let rawValue: UInt16
        /// The owner does not want input.
        static let paused = Flags(rawValue: 1)
        /// The socket may have input that no event will tell of.
        static let inputReady = Flags(rawValue: 2)
        /// Kept input is to be presented again without new input.
        static let represent = Flags(rawValue: 4)
        /// On the loop's list of connections to read from.
        static let resumeScheduled = Flags(rawValue: 8)
        /// On the loop's list of connections to flush.
        static let dirty = Flags(rawValue: 16)
        /// The socket takes no more output until an event says so.
        static let outputBlocked = Flags(rawValue: 32)
        /// Waiting output has been above the high-water mark.
        static let aboveHighWater = Flags(rawValue: 64)
        /// The kernel told of the peer's end of stream.
        static let endSeen = Flags(rawValue: 128)
        /// The end of the stream was read.
        static let inputEnded = Flags(rawValue: 256)
        /// Sending failed; the connection ends when the input is read.
        static let outputBroken = Flags(rawValue: 512)
        /// TLS cannot write before it has read, or read before it has written.
        static let writeWantsInput = Flags(rawValue: 1024)
        static let readWantsOutput = Flags(rawValue: 2048)
        /// Opened by ``Connection/connect(to:on:tls:handler:timeout:)``.
        static let isClient = Flags(rawValue: 4096)
    }

    public let loop: EventLoop
    public let id: ConnectionID
    /// Who gets the bytes. Replaced inside ``ConnectionHandler/connection(_:received:)``, the new handler is presented the
    /// bytes that the old one did not consume.
    public var handler: (any ConnectionHandler)?
    /// Bounds of this connection; those of the listener's options to begin with.
    public var limits: ConnectionLimits

    /// See ``ConnectionLimits``.
    public var highWaterMark: Int {
        get { limits.highWaterMark }
        set { limits.highWaterMark = newValue }
    }
    public var lowWaterMark: Int {
        get { limits.lowWaterMark }
        set { limits.lowWaterMark = newValue }
    }
    public var outputLimit: Int {
        get { limits.outputLimit }
        set { limits.outputLimit = newValue }
    }

    var descriptor: Int32
    var phase: Phase
    var flags: Flags = []
    var peer: needletail_peer
    var closeReason: CloseReason = .requested
    /// Input that the handler has not consumed.
    var kept = ByteBuffer()
    /// Output that the socket has not taken; without memory when there is none.
    var output = ByteBuffer()
    var tls: TLSSession?
    var tlsFailureText: String?
    /// What remains to be tried while connecting.
    var attempt: ConnectAttempt?
    /// Called when the header of a proxy has told who the client is.
    var greeted: (() -> Void)?
    /// Ends connecting, the handshake, or lingering.
    var deadline: LoopTimer?

    /// How long ``close(_:)`` waits for the peer to take its output and to close. Default: 1 s.
    public var lingerTimeout: Duration = .seconds(1)

    init(loop: EventLoop, descriptor: Int32, peer: needletail_peer, limits: ConnectionLimits, phase: Phase) {
        self.loop = loop
        self.descriptor = descriptor
        self.peer = peer
        self.limits = limits
        self.phase = phase
        id = loop.slots.reserve()
        loop.slots.set(.connection(self), at: id)
        loop.counters.connections += 1
    }

    /// Neither closed nor closing: what is written is sent, and what arrives is presented.
    public var isOpen: Bool { phase.rawValue < Phase.closing.rawValue }

    // MARK: - The peer

    /// `address:port`, `[address]:port`, or `unix`. Allocates.
    public var peerDescription: String {
        guard peer.length > 0 else { return "unix" }
        let text = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 48) { room in
            needletail_peer_text(&peer, room.baseAddress, socklen_t(room.count))
            return String(cString: room.baseAddress!)
        }
        return peer.length == 4 ? "\(text):\(peer.port)" : "[\(text)]:\(peer.port)"
    }

    /// The peer's address without port: 4 or 16 bytes in network order, none for a Unix socket.
    public var peerAddressBytes: [UInt8] {
        withUnsafeBytes(of: peer.words) { [UInt8]($0.prefix(Int(peer.length))) }
    }

    /// The peer's TCP port, 0 for a Unix socket.
    public var peerPort: Int { Int(peer.port) }

    // MARK: - TLS

    /// Whether the stream is encrypted.
    public var isSecure: Bool { tls != nil }

    /// What went wrong when the connection ended with ``CloseReason/tlsFailure``.
    public var tlsFailure: String? { tls?.failure ?? tlsFailureText }

    /// The certificates that the peer presented, its own first, as DER; empty without TLS or without certificate. Copies.
    public var peerCertificateChain: [[UInt8]] { tls?.peerCertificateChain ?? [] }

    /// The protocol chosen by ALPN.
    public var applicationProtocol: String? { tls?.applicationProtocol }

    // MARK: - Events

    /// Takes what the kernel tells of the socket.
    @inline(__always)
    func handle(_ events: UInt32) {
        switch phase {
        case .open:
            let inputEvents = NEEDLETAIL_EPOLLIN | NEEDLETAIL_EPOLLRDHUP | NEEDLETAIL_EPOLLHUP | NEEDLETAIL_EPOLLERR
            let endEvents = NEEDLETAIL_EPOLLRDHUP | NEEDLETAIL_EPOLLHUP | NEEDLETAIL_EPOLLERR
            if events & endEvents != 0 { flags.insert(.endSeen) }
            if events & inputEvents != 0 { inputIsReady(failed: events & NEEDLETAIL_EPOLLERR != 0) }
            if events & NEEDLETAIL_EPOLLOUT != 0, !flags.isDisjoint(with: [.outputBlocked, .readWantsOutput]) {
                outputIsReady()
            }
        case .connecting: connectIsReady()
        case .handshaking: continueHandshake()
        case .greeting: continueGreeting()
        case .closing, .lingering: handleWhileClosing(events)
        case .resolving, .closed: break
        }
    }
}
