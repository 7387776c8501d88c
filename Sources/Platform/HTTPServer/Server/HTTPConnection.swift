internal import Bytes
internal import Metrics
internal import Reactor
internal import Synchronization

/// The server side of one connection: takes requests from its input, keeps the order of their answers, and watches over
/// its deadlines. Owned by its loop; only what stands behind a reply may be called from other threads.
///
/// Input goes head, body, head, ... until a request that closes the connection or is refused; after that what arrives
/// is dropped. Answers go out in the order of `exchanges`, whichever is there first.
final class HTTPConnection: ConnectionHandler, @unchecked Sendable {
    // @unchecked: everything but `cancelledBelow` is touched on `loop` only; calls from elsewhere hop there.

    enum Input {
        case head
        case body
        /// No further request is taken.
        case discarding
        /// Another protocol has taken over.
        case handedOver(any ConnectionHandler)
    }

    /// What the deadline stands for.
    enum Phase {
        /// Nothing of a request is there, nobody waits for an answer.
        case idle
        /// Part of a head is there.
        case head
        /// Part of a body is missing.
        case body
        /// An answer is missing; no deadline but that of the oldest request.
        case waiting
        /// Answered for the last time; the client may still read.
        case lingering
    }

    let loop: EventLoop
    let server: ServerLoop
    /// nil after it was closed or handed over.
    var connection: Connection?
    /// Set while another protocol has the connection.
    var handedOverConnection: Connection?

    var input = Input.head
    var scanner = HeadScanner()
    var incoming: IncomingBody?
    /// Empty lines in front of a request line.
    var skippedLines = 0
    var isPaused = false
    var isParsing = false
    /// Whether the input was refused, so that more of it may be on its way when the last answer goes out.
    var isRefused = false

    var exchanges: [Exchange] = []
    /// Of the first exchange; the others count on from it.
    var firstTicket: UInt64 = 0
    /// Status of the streaming response that is being sent.
    var streamedStatus = 200
    /// Nobody waits any more for requests with smaller tickets.
    let cancelledBelow = Atomic<UInt64>(0)

    var phase = Phase.idle
    var deadline: MonotonicTime
    /// Bytes written since the start, those among them that had left at the last look, and when they last grew.
    var writtenBytes = 0
    var deliveredBytes = 0
    var lastProgress: MonotonicTime

    private lazy var peer = connection?.peerDescription ?? ""

    init(on connection: Connection, of server: ServerLoop) {
        loop = connection.loop
        self.server = server
        self.connection = connection
        lastProgress = connection.loop.now
        deadline = connection.loop.now + server.configuration.headTimeout
        connection.highWaterMark = server.configuration.maximumPendingOutputBytes
        connection.lowWaterMark = server.configuration.maximumPendingOutputBytes / 4
    }

    var peerDescription: String { peer }

    /// Whether the output may grow.
    var hasRoom: Bool {
        guard let connection else { return false }
        return connection.pendingOutputBytes <= server.configuration.maximumPendingOutputBytes
    }

    func write(_ body: (inout ByteBuffer) -> Void) {
        guard let connection else { return }
        var added = 0
        connection.write { output in
            let before = output.count
            body(&output)
            added = output.count - before
        }
        writtenBytes += added
        server.counts.sentBytes += added
    }

    /// Ends the connection at once.
    func abort() {
        connection?.abort(.shutdown)
    }

    // MARK: - Events of the connection

    func connection(_ c: Connection, received bytes: Span<UInt8>) -> Int {
        bytes.withUnsafeBytes { take($0) }
    }

    func connectionDidDrain(_ c: Connection) {
        switch exchanges.first?.state {
        case .streaming(let stream)?: stream.drained()
        case .sending(let response, let offset)?: send(response, from: offset)
        case .waiting?, .ready?: break
        case nil: if phase == .lingering, loop.now >= deadline { closeWhenSent() }
        }
        resumeIfPossible()
    }

    /// A client that closed may have closed half only: whoever waits is told, and answers are still sent.
    func connectionInputEnded(_ c: Connection) {
        guard !exchanges.isEmpty, phase != .lingering else { return c.close(.peerClosed) }
        cancelAll()
        dropIncoming()
        input = .discarding
        exchanges[exchanges.count - 1].keepsAlive = false
    }

    func connectionDidClose(_ c: Connection, reason: CloseReason) {
        guard connection != nil else { return }
        connection = nil
        cancelAll()
        dropIncoming()
        server.heldBodyBytes -= exchanges.reduce(0) { $0 + $1.bodyBytes }
        if case .streaming(let stream)? = exchanges.first?.state { stream.disconnected() }
        exchanges = []
        server.closed(self)
    }

    private func cancelAll() {
        cancelledBelow.store(.max, ordering: .relaxed)
        for index in exchanges.indices where exchanges[index].isWaiting {
            server.metrics.brokenConnections.increment()
            let onCancel = exchanges[index].onCancel
            exchanges[index].onCancel = nil
            onCancel?()
        }
    }

    /// Gives up the body that is being read.
    func dropIncoming() {
        guard let incoming else { return }
        server.heldBodyBytes -= incoming.bytes.count
        self.incoming = nil
    }
}
