public import Bytes
internal import CLinux
internal import Glibc

/// Names a connection of one loop: a slot and its generation. A connection that is gone is not found by its id.
public struct ConnectionID: Hashable, Sendable {
    public var slot: UInt32
    public var generation: UInt32
    public init(slot: UInt32, generation: UInt32) { self.slot = slot; self.generation = generation }
}

/// Handles one connection. Every call is made on the connection's loop.
public protocol ConnectionHandler: AnyObject {
    func connectionDidConnect(_ connection: Connection)
    func connection(_ connection: Connection, received bytes: Span<UInt8>) -> Int
    func connectionDidDrain(_ connection: Connection)
    func connectionDidClose(_ connection: Connection, reason: CloseReason)
    func connectionInputEnded(_ connection: Connection)
}
extension ConnectionHandler {
    public func connectionDidConnect(_ connection: Connection) {}
    public func connectionDidDrain(_ connection: Connection) {}
    public func connectionInputEnded(_ connection: Connection) { connection.close(.peerClosed) }
}
public final class TLSContext {}

public final class Connection: Pollable {
    public unowned let loop: EventLoop
    public var handler: (any ConnectionHandler)?
    private var descriptor: Int32
    private var kept = ByteBuffer()
    private var output = ByteBuffer()
    private var isDirty = false, wantsWrite = false, isPaused = false, isClosing = false, isConnecting = false
    private var isAboveHigh = false, needsRedelivery = false, isDelivering = false
    private var closeReason: CloseReason = .requested
    public var highWaterMark = 262_144
    public var lowWaterMark = 65_536
    public var outputLimit = 16 << 20

    init(loop: EventLoop, descriptor: Int32) { self.loop = loop; self.descriptor = descriptor }
    public var id: ConnectionID { ConnectionID(slot: slot, generation: generation) }
    public var peerDescription: String { describePeer(of: descriptor) }
    public var pendingOutputBytes: Int { output.count }
    private var interest: Interest {
        var i: Interest = []
        if !isPaused { i.insert(.read) }
        if wantsWrite { i.insert(.write) }
        return i
    }
    private func updateInterest() { if descriptor >= 0 { loop.update(self, descriptor: descriptor, interest: interest) } }

    public func write(_ body: (inout ByteBuffer) -> Void) {
        guard descriptor >= 0, !isClosing else { return }
        body(&output)
        if output.count > highWaterMark { isAboveHigh = true }
        if output.count > outputLimit { loop.runSoon { [self] in abort(.slowConsumer) } }
        if !isDirty, !wantsWrite { isDirty = true; loop.markDirty(self) }
    }
    func flush() {
        isDirty = false
        guard descriptor >= 0, !isConnecting else { return }
        while !output.isEmpty {
            let n = output.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if n > 0 { output.removeFirst(n); loop.statisticsNow.bytesSent += n; continue }
            if n < 0, errno == EINTR { continue }
            if n < 0, errno == EAGAIN { break }
            abort(.reset); return
        }
        if output.isEmpty {
            output.releaseMemory()
            if wantsWrite { wantsWrite = false; updateInterest() }
            if isClosing { shutdown(descriptor, Int32(SHUT_WR)); return }
        } else if !wantsWrite { wantsWrite = true; updateInterest() }
        if isAboveHigh, output.count < lowWaterMark { isAboveHigh = false; handler?.connectionDidDrain(self) }
    }
    override func ready(_ readiness: Readiness) {
        if isConnecting { finishConnect(); return }
        if readiness.contains(.read) || readiness.contains(.error) { readable() }
        if readiness.contains(.write), descriptor >= 0 { flush() }
    }
    private func readable() {
        var budget = 4
        while budget > 0, descriptor >= 0, !isPaused || isClosing {
            budget -= 1
            let n = recv(descriptor, loop.receiveBuffer, EventLoop.receiveBufferSize, 0)
            if n > 0 {
                loop.statisticsNow.bytesReceived += n
                if isClosing { continue }
                deliver(UnsafeRawBufferPointer(start: loop.receiveBuffer, count: n))
                if n < EventLoop.receiveBufferSize { return }
            } else if n == 0 {
                if isClosing { abort(closeReason) } else if let handler { isPaused = true; updateInterest(); handler.connectionInputEnded(self) }
                return
            } else if errno == EINTR { continue
            } else if errno == EAGAIN { return
            } else { abort(isClosing ? closeReason : .reset); return }
        }
    }
    private func deliver(_ bytes: UnsafeRawBufferPointer) {
        guard let handler else { return }
        isDelivering = true
        if kept.isEmpty {
            let consumed = bytes.withMemoryRebound(to: UInt8.self) { handler.connection(self, received: $0.span) }
            if consumed < bytes.count, descriptor >= 0, !isClosing { kept.append(UnsafeRawBufferPointer(rebasing: bytes[consumed...])) }
        } else {
            kept.append(bytes)
            redeliver(handler)
        }
        isDelivering = false
    }
    private func redeliver(_ handler: any ConnectionHandler) {
        let consumed = kept.withSpan { handler.connection(self, received: $0) }
        if descriptor < 0 || isClosing { kept.releaseMemory(); return }
        kept.removeFirst(consumed)
        if kept.isEmpty { kept.releaseMemory() }
    }
    public func pauseReading() {
        guard !isPaused else { return }
        isPaused = true; updateInterest()
    }
    public func resumeReading() {
        guard isPaused, !isClosing, descriptor >= 0 else { return }
        isPaused = false; updateInterest()
        guard !kept.isEmpty, !needsRedelivery else { return }
        needsRedelivery = true
        loop.runSoon { [self] in
            needsRedelivery = false
            guard descriptor >= 0, !isPaused, !isClosing, let handler, !kept.isEmpty else { return }
            redeliver(handler)
        }
    }
    public func close(_ reason: CloseReason) {
        guard descriptor >= 0, !isClosing else { return }
        isClosing = true; closeReason = reason
        isPaused = false; updateInterest()
        tellClosed(reason)
        if output.isEmpty { shutdown(descriptor, Int32(SHUT_WR)) } else if !isDirty, !wantsWrite { isDirty = true; loop.markDirty(self) }
        loop.schedule(after: .seconds(1)) { [self] in abort(reason) }
    }
    public func abort(_ reason: CloseReason) {
        guard descriptor >= 0 else { return }
        loop.remove(self)
        Glibc.close(descriptor)
        descriptor = -1
        loop.statisticsNow.connections -= 1
        if !isDelivering { kept.releaseMemory() }
        output.releaseMemory()
        tellClosed(reason)
    }
    private func tellClosed(_ reason: CloseReason) {
        guard let told = handler else { return }
        handler = nil
        told.connectionDidClose(self, reason: reason)
    }
    public static func connect(to address: SocketAddress, on loop: EventLoop, tls: TLSContext? = nil, handler: any ConnectionHandler) throws(ReactorError) -> Connection {
        let fd = try address.withSystemAddress(passive: false) { family, sa, length throws(ReactorError) in
            let fd = socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            guard fd >= 0 else { throw ReactorError(operation: "socket", code: errno) }
            if Glibc.connect(fd, sa, length) != 0, errno != EINPROGRESS { let c = errno; Glibc.close(fd); throw ReactorError(operation: "connect \(address)", code: c) }
            return fd
        }
        var one: Int32 = 1
        setsockopt(fd, Int32(IPPROTO_TCP), TCP_NODELAY, &one, 4)
        let c = Connection(loop: loop, descriptor: fd)
        c.handler = handler; c.isConnecting = true
        try loop.add(c, descriptor: fd, interest: .write)
        loop.statisticsNow.connections += 1
        return c
    }
    private func finishConnect() {
        var code: Int32 = 0; var l = socklen_t(4)
        getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &l)
        isConnecting = false
        guard code == 0 else { abort(.connectFailed(code)); return }
        updateInterest()
        handler?.connectionDidConnect(self)
        if !output.isEmpty { flush() }
    }
}

public struct ListenerOptions: Sendable { public init() {} ; public var backlog: Int32 = 4096 ; public var reusePort = true }
public final class Listener: Pollable {
    private unowned let loop: EventLoop
    private var descriptor: Int32
    private let accept: (Connection) -> (any ConnectionHandler)?
    public let localPort: Int
    init(loop: EventLoop, descriptor: Int32, port: Int, accept: @escaping (Connection) -> (any ConnectionHandler)?) { self.loop = loop; self.descriptor = descriptor; localPort = port; self.accept = accept }
    public static func open(_ address: SocketAddress, on loop: EventLoop, options: ListenerOptions = .init(), tls: TLSContext? = nil, accept: @escaping (Connection) -> (any ConnectionHandler)?) throws(ReactorError) -> Listener {
        let fd = try address.withSystemAddress(passive: true) { family, sa, length throws(ReactorError) in
            let fd = socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            guard fd >= 0 else { throw ReactorError(operation: "socket", code: errno) }
            var one: Int32 = 1
            setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, 4)
            if options.reusePort { setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, 4) }
            guard bind(fd, sa, length) == 0, listen(fd, options.backlog) == 0 else { let c = errno; Glibc.close(fd); throw ReactorError(operation: "bind \(address)", code: c) }
            return fd
        }
        var a = sockaddr_in(); var l = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = withUnsafeMutablePointer(to: &a) { $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(fd, $0, &l) } }
        let listener = Listener(loop: loop, descriptor: fd, port: Int(UInt16(bigEndian: a.sin_port)), accept: accept)
        try loop.add(listener, descriptor: fd, interest: .read)
        return listener
    }
    override func ready(_ readiness: Readiness) {
        for _ in 0..<64 {
            let fd = needletail_accept4(descriptor, nil, nil, Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue))
            guard fd >= 0 else { return }
            var one: Int32 = 1
            setsockopt(fd, Int32(IPPROTO_TCP), TCP_NODELAY, &one, 4)
            let c = Connection(loop: loop, descriptor: fd)
            guard (try? loop.add(c, descriptor: fd, interest: .read)) != nil else { Glibc.close(fd); continue }
            loop.statisticsNow.connections += 1
            guard let handler = accept(c) else { c.abort(.requested); continue }
            c.handler = handler
        }
    }
    public func close() { guard descriptor >= 0 else { return }; loop.remove(self); Glibc.close(descriptor); descriptor = -1 }
}
