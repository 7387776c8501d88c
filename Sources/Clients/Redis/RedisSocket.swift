import COpenSSL
import Glibc

/// A TCP connection, plain or by TLS, used by one thread at a time. Every call blocks until its deadline at most.
final class RedisSocket {
    private let descriptor: Int32
    private var tls: OpaquePointer?

    /// Connects to the first address of the host that answers.
    init(connecting address: RedisAddress, tls context: RedisTLSContext?, deadline: Int64) throws(RedisError) {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(address.host, String(address.port), &hints, &found)
        guard code == 0, let first = found else {
            throw .unavailable(reason: "\(address): \(String(cString: gai_strerror(code)))")
        }
        defer { freeaddrinfo(first) }
        var next: UnsafeMutablePointer<addrinfo>? = first
        var reason = "no address"
        while let entry = next {
            switch Self.connect(entry.pointee, deadline: deadline) {
            case .success(let descriptor):
                self.descriptor = descriptor
                if let context { try startTLS(context, address, deadline: deadline) }
                return
            case .failure(let failure): reason = failure.reason
            }
            next = entry.pointee.ai_next
        }
        throw .unavailable(reason: "\(address): \(reason)")
    }

    deinit {
        if let tls { SSL_free(tls) }
        close(descriptor)
    }

    private struct ConnectFailure: Error {
        let reason: String
    }

    private static func connect(_ entry: addrinfo, deadline: Int64) -> Result<Int32, ConnectFailure> {
        let flags = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = socket(entry.ai_family, flags, 0)
        guard descriptor >= 0 else { return .failure(ConnectFailure(reason: String(cString: strerror(errno)))) }
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
        var problem: Int32 = 0
        if Glibc.connect(descriptor, entry.ai_addr, entry.ai_addrlen) != 0 {
            problem = errno
            if problem == EINPROGRESS {
                guard wait(descriptor, for: POLLOUT, deadline: deadline) else {
                    close(descriptor)
                    return .failure(ConnectFailure(reason: "no connection in time"))
                }
                var size = socklen_t(MemoryLayout<Int32>.size)
                getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &problem, &size)
            }
        }
        guard problem == 0 else {
            close(descriptor)
            return .failure(ConnectFailure(reason: String(cString: strerror(problem))))
        }
        return .success(descriptor)
    }

    /// Whether the descriptor became ready.
    private static func wait(_ descriptor: Int32, for events: Int32, deadline: Int64) -> Bool {
        while true {
            let left = deadline - RedisClock.now()
            guard left > 0 else { return false }
            var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
            let count = poll(&entry, 1, Int32(clamping: left / 1_000_000 + 1))
            if count > 0 { return true }
            if count < 0, errno != EINTR { return false }
        }
    }

    private func startTLS(_ context: RedisTLSContext, _ address: RedisAddress, deadline: Int64) throws(RedisError) {
        guard let session = context.makeSession(descriptor, host: address.host) else {
            throw .unavailable(reason: "\(address): TLS cannot be set up")
        }
        tls = session
        while true {
            ERR_clear_error()
            let code = SSL_connect(session)
            if code == 1 { return }
            guard let events = Self.interest(SSL_get_error(session, code)) else {
                throw .unavailable(reason: "\(address): TLS: \(RedisTLSContext.failure(session))")
            }
            guard Self.wait(descriptor, for: events, deadline: deadline) else {
                throw .unavailable(reason: "\(address): no TLS handshake in time")
            }
        }
    }

    /// What to wait for; `nil` for a failure.
    private static func interest(_ code: Int32) -> Int32? {
        switch code {
        case SSL_ERROR_WANT_READ: POLLIN
        case SSL_ERROR_WANT_WRITE: POLLOUT
        default: nil
        }
    }

    /// Sends all of it.
    func write(_ bytes: [UInt8], deadline: Int64) throws(RedisError) {
        var sent = 0
        while sent < bytes.count {
            let (count, events) = bytes.withUnsafeBytes { buffer in
                writeSome(UnsafeRawBufferPointer(rebasing: buffer[sent...]))
            }
            if count > 0 {
                sent += count
                continue
            }
            guard let events else { throw .connectionLost(reason: "closed by the server") }
            guard Self.wait(descriptor, for: events, deadline: deadline) else {
                throw .connectionLost(reason: "nothing could be sent in time")
            }
        }
    }

    private func writeSome(_ bytes: UnsafeRawBufferPointer) -> (count: Int, events: Int32?) {
        if let tls {
            ERR_clear_error()
            let code = SSL_write(tls, bytes.baseAddress, Int32(clamping: bytes.count))
            return code > 0 ? (Int(code), nil) : (0, Self.interest(SSL_get_error(tls, code)))
        }
        let count = send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
        if count > 0 { return (count, nil) }
        return (0, errno == EAGAIN || errno == EINTR ? POLLOUT : nil)
    }

    /// Hands what has arrived to `body`, after waiting for it.
    func read(deadline: Int64, _ body: (UnsafeRawBufferPointer) -> Void) throws(RedisError) {
        while true {
            let (count, events) = withUnsafeTemporaryAllocation(byteCount: 16_384, alignment: 16) { buffer in
                let outcome = readSome(buffer)
                if outcome.count > 0 { body(UnsafeRawBufferPointer(rebasing: buffer[..<outcome.count])) }
                return outcome
            }
            if count > 0 { return }
            guard let events else { throw .connectionLost(reason: "closed by the server") }
            guard Self.wait(descriptor, for: events, deadline: deadline) else {
                throw .connectionLost(reason: "no answer in time")
            }
        }
    }

    private func readSome(_ buffer: UnsafeMutableRawBufferPointer) -> (count: Int, events: Int32?) {
        if let tls {
            ERR_clear_error()
            let code = SSL_read(tls, buffer.baseAddress, Int32(clamping: buffer.count))
            return code > 0 ? (Int(code), nil) : (0, Self.interest(SSL_get_error(tls, code)))
        }
        let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
        if count > 0 { return (count, nil) }
        return (0, count < 0 && (errno == EAGAIN || errno == EINTR) ? POLLIN : nil)
    }
}
