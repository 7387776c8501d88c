import COpenSSL
import Synchronization

/// The certificate, key and rules of a TLS server. Safe from any thread.
public final class TLSContext: Sendable {
    private let current: Mutex<ContextHandle>

    public init(_ configuration: TLSConfiguration) throws(TLSError) {
        current = Mutex(try ContextHandle(server: configuration))
    }

    /// Replaces everything for connections accepted from now on; the others keep what they have. When it throws, nothing
    /// has changed.
    public func reload(_ configuration: TLSConfiguration) throws(TLSError) {
        let handle = try ContextHandle(server: configuration)
        current.withLock { $0 = handle }
    }

    func makeSession(on descriptor: Int32) -> TLSSession? {
        let handle = current.withLock { $0 }
        guard let session = TLSSession(handle, descriptor: descriptor) else { return nil }
        SSL_set_accept_state(session.ssl)
        return session
    }
}

/// The rules of TLS clients of one server. Safe from any thread.
public final class TLSClient: Sendable {
    private let handle: ContextHandle
    private let trust: TLSTrust
    /// The name or numeric address that the server's certificate must carry; a name is also sent (SNI).
    public let serverName: String

    public init(
        serverName: String, configuration: TLSClientConfiguration = TLSClientConfiguration()
    ) throws(TLSError) {
        handle = try ContextHandle(client: configuration)
        trust = configuration.trust
        self.serverName = serverName
    }

    private init(_ other: TLSClient, serverName: String) {
        handle = other.handle
        trust = other.trust
        self.serverName = serverName
    }

    /// The same rules for another server, without loading anything again.
    public func forServer(_ name: String) -> TLSClient {
        TLSClient(self, serverName: name)
    }

    func makeSession(on descriptor: Int32) -> TLSSession? {
        guard let session = TLSSession(handle, descriptor: descriptor) else { return nil }
        SSL_set_connect_state(session.ssl)
        let parameters = SSL_get0_param(session.ssl)
        let isNumeric = X509_VERIFY_PARAM_set1_ip_asc(parameters, serverName) == 1
        if !isNumeric {
            // The name is not sent with a dot at its end (RFC 6066 section 3).
            _ = needletail_ssl_set_server_name(session.ssl, serverName)
            if trust != .anybody, SSL_set1_host(session.ssl, serverName) != 1 { return nil }
        }
        return session
    }
}
