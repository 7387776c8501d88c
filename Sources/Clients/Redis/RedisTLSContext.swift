import COpenSSL
import Glibc

/// What all TLS connections of a client share. Safe from any thread once made.
final class RedisTLSContext: Sendable {
    // An SSL_CTX that is no longer changed may be used by any thread (OpenSSL's openssl-threads(7)).
    nonisolated(unsafe) private let raw: OpaquePointer

    init(_ configuration: RedisConfiguration.TLS) throws(RedisError) {
        ERR_clear_error()
        guard let raw = SSL_CTX_new(TLS_client_method()) else { throw .unavailable(reason: "no TLS context") }
        self.raw = raw
        needletail_ssl_context_configure(raw)
        _ = needletail_ssl_context_set_minimum_version(raw, TLS1_2_VERSION)
        SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nil)
        if let file = configuration.authoritiesFile {
            guard SSL_CTX_load_verify_locations(raw, file, nil) == 1 else { throw Self.unusable(file, "authorities") }
        } else {
            _ = SSL_CTX_set_default_verify_paths(raw)
        }
        guard let file = configuration.keyFile else { return }
        guard SSL_CTX_use_certificate_chain_file(raw, file) == 1 else { throw Self.unusable(file, "certificate") }
        guard let bio = BIO_new_file(file, "r") else { throw Self.unusable(file, "key") }
        defer { BIO_free(bio) }
        guard let key = needletail_pem_private_key(bio, configuration.keyPassword) else {
            throw Self.unusable(file, "key (or its password)")
        }
        defer { EVP_PKEY_free(key) }
        guard SSL_CTX_use_PrivateKey(raw, key) == 1 else { throw Self.unusable(file, "key") }
    }

    deinit { SSL_CTX_free(raw) }

    /// A client's session over `descriptor`, which accepts a certificate of that host only.
    func makeSession(_ descriptor: Int32, host: String) -> OpaquePointer? {
        guard let session = SSL_new(raw) else { return nil }
        // An address is compared with the certificate's addresses, a name with its names.
        if X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), host) != 1 {
            _ = needletail_ssl_set_server_name(session, host)
            SSL_set1_host(session, host)
        }
        SSL_set_fd(session, descriptor)
        return session
    }

    /// Why a handshake failed.
    static func failure(_ session: OpaquePointer) -> String {
        let verdict = SSL_get_verify_result(session)
        if verdict != Int(X509_V_OK) { return String(cString: X509_verify_cert_error_string(verdict)) }
        return queued() ?? "the server does not speak TLS, or closed the connection"
    }

    private static func unusable(_ file: String, _ what: String) -> RedisError {
        .unavailable(reason: "\(file) holds no usable \(what): \(queued() ?? "unreadable")")
    }

    private static func queued() -> String? {
        let code = ERR_get_error()
        guard code != 0 else { return nil }
        return ERR_reason_error_string(code).map { String(cString: $0) }
    }
}
