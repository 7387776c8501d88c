import COpenSSL
import Glibc

/// The TLS state of one connection: an `SSL` on its socket. Owned by the connection, used on its loop.
final class TLSSession {
    /// What a call to OpenSSL came to.
    enum Progress {
        case done(Int)
        case wantsInput
        case wantsOutput
        /// The peer ended the stream.
        case ended
        /// The socket failed with an error number; 0 when it just ended.
        case socketFailed(Int32)
        /// The peer, or we, broke off: ``failure`` says why.
        case failed
    }

    let ssl: OpaquePointer
    // The callbacks of `ssl` point at it.
    private let context: ContextHandle
    private(set) var failure: String?
    private var isUsable = true

    init?(_ context: ContextHandle, descriptor: Int32) {
        ERR_clear_error()
        guard let ssl = SSL_new(context.raw) else { return nil }
        self.context = context
        self.ssl = ssl
        guard SSL_set_fd(ssl, descriptor) == 1 else { return nil }
    }

    deinit { SSL_free(ssl) }

    func handshake() -> Progress {
        ERR_clear_error()
        return progress(of: SSL_do_handshake(ssl), count: 0)
    }

    func read(into room: UnsafeMutableRawPointer, _ capacity: Int) -> Progress {
        var count = 0
        ERR_clear_error()
        return progress(of: SSL_read_ex(ssl, room, capacity, &count), count: count)
    }

    func write(_ bytes: UnsafeRawBufferPointer) -> Progress {
        var count = 0
        ERR_clear_error()
        return progress(of: SSL_write_ex(ssl, bytes.baseAddress, bytes.count, &count), count: count)
    }

    private func progress(of code: Int32, count: Int) -> Progress {
        if code > 0 { return .done(count) }
        let systemError = errno
        switch SSL_get_error(ssl, code) {
        case SSL_ERROR_WANT_READ: return .wantsInput
        case SSL_ERROR_WANT_WRITE: return .wantsOutput
        case SSL_ERROR_ZERO_RETURN: return .ended
        case SSL_ERROR_SYSCALL:
            isUsable = false
            if let reason = takeQueuedReason() {
                failure = reason
                return .failed
            }
            return .socketFailed(systemError)
        default:
            isUsable = false
            failure = takeQueuedReason() ?? "unknown"
            return .failed
        }
    }

    /// Tells the peer that no more will come; whether it goes out is not waited for.
    func sendCloseNotify() {
        guard isUsable, SSL_is_init_finished(ssl) == 1 else { return }
        ERR_clear_error()
        _ = SSL_shutdown(ssl)
        ERR_clear_error()
        isUsable = false
    }

    // MARK: - The peer

    var peerCertificateChain: [[UInt8]] {
        guard let leaf = SSL_get0_peer_certificate(ssl) else { return [] }
        var chain = [derForm(of: leaf)]
        let others = SSL_get_peer_cert_chain(ssl)
        for index in 0..<needletail_x509_count(others) {
            // A client finds the server's own certificate in the chain, a server does not find the client's.
            guard let other = needletail_x509_at(others, index), X509_cmp(other, leaf) != 0 else { continue }
            chain.append(derForm(of: other))
        }
        return chain
    }

    var applicationProtocol: String? {
        var name: UnsafePointer<UInt8>?
        var length: UInt32 = 0
        SSL_get0_alpn_selected(ssl, &name, &length)
        guard let name, length > 0 else { return nil }
        return String(decoding: UnsafeBufferPointer(start: name, count: Int(length)), as: UTF8.self)
    }
}
