import COpenSSL
import Glibc

/// Owns an `SSL_CTX`, and what its callbacks point at; sessions keep it alive.
final class ContextHandle: Sendable {
    // An SSL_CTX that is no longer changed may be used by any thread (OpenSSL's openssl-threads(7)).
    nonisolated(unsafe) let raw: OpaquePointer
    private let verify: (@Sendable ([[UInt8]]) -> Bool)?
    /// ALPN's wire form: each name behind its length.
    private let protocols: [UInt8]

    init(server configuration: TLSConfiguration) throws(TLSError) {
        raw = try Self.makeContext(TLS_server_method(), configuration.minimumVersion)
        protocols = Self.wireForm(configuration.applicationProtocols)
        switch configuration.clientCertificates {
        case .ignored: verify = nil
        case .optional(let hook), .required(let hook): verify = hook
        }
        try load(configuration.certificateChain, configuration.privateKey, configuration.privateKeyPassword)
        let context = Unmanaged.passUnretained(self).toOpaque()
        if case .required = configuration.clientCertificates {
            SSL_CTX_set_verify(raw, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
        } else if verify != nil {
            SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nil)
        }
        if verify != nil {
            SSL_CTX_set_cert_verify_callback(raw, verifyByHook, context)
            // A resumed session would skip the hook.
            needletail_ssl_context_disable_tickets(raw)
        }
        if !protocols.isEmpty { SSL_CTX_set_alpn_select_cb(raw, selectProtocol, context) }
    }

    init(client configuration: TLSClientConfiguration) throws(TLSError) {
        raw = try Self.makeContext(TLS_client_method(), configuration.minimumVersion)
        protocols = Self.wireForm(configuration.applicationProtocols)
        verify = nil
        if let chain = configuration.certificateChain, let key = configuration.privateKey {
            try load(chain, key, configuration.privateKeyPassword)
        }
        switch configuration.trust {
        case .anybody:
            SSL_CTX_set_verify(raw, SSL_VERIFY_NONE, nil)
        case .system:
            SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nil)
            guard SSL_CTX_set_default_verify_paths(raw) == 1 else { throw .queued("system authorities") }
        case .authorities(let source):
            SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nil)
            try trust(source)
        }
        if !protocols.isEmpty { _ = SSL_CTX_set_alpn_protos(raw, protocols, UInt32(protocols.count)) }
    }

    deinit { SSL_CTX_free(raw) }

    private static func makeContext(
        _ method: OpaquePointer?, _ minimum: TLSVersion
    ) throws(TLSError) -> OpaquePointer {
        ERR_clear_error()
        guard let raw = SSL_CTX_new(method) else { throw .queued("SSL_CTX_new") }
        needletail_ssl_context_configure(raw)
        let version = minimum == .v1_2 ? TLS1_2_VERSION : TLS1_3_VERSION
        _ = needletail_ssl_context_set_minimum_version(raw, version)
        return raw
    }

    private static func wireForm(_ protocols: [String]) -> [UInt8] {
        protocols.flatMap { name in
            precondition((1...255).contains(name.utf8.count), "\(name) is no protocol name")
            return [UInt8(name.utf8.count)] + Array(name.utf8)
        }
    }

    // MARK: - Loading

    private func load(_ chain: PEMSource, _ key: PEMSource, _ password: String?) throws(TLSError) {
        let certificates = try chain.certificates()
        defer { for certificate in certificates { X509_free(certificate) } }
        guard SSL_CTX_use_certificate(raw, certificates[0]) == 1 else { throw .queued("certificate") }
        for certificate in certificates.dropFirst() {
            X509_up_ref(certificate)
            guard needletail_ssl_context_add_chain_certificate(raw, certificate) == 1 else {
                X509_free(certificate)
                throw .queued("certificate chain")
            }
        }
        let bio = try key.open()
        defer { BIO_free_all(bio) }
        guard let privateKey = needletail_pem_private_key(bio, password) else { throw .queued("private key") }
        defer { EVP_PKEY_free(privateKey) }
        guard SSL_CTX_use_PrivateKey(raw, privateKey) == 1, SSL_CTX_check_private_key(raw) == 1 else {
            throw .queued("private key")
        }
    }

    private func trust(_ source: PEMSource) throws(TLSError) {
        let certificates = try source.certificates()
        defer { for certificate in certificates { X509_free(certificate) } }
        let store = SSL_CTX_get_cert_store(raw)
        for certificate in certificates {
            guard X509_STORE_add_cert(store, certificate) == 1 else { throw .queued("authorities") }
        }
    }

    // MARK: - Callbacks

    /// The chain a client presented, to the hook.
    fileprivate func accepts(_ store: OpaquePointer) -> Bool {
        guard let verify, let leaf = X509_STORE_CTX_get0_cert(store) else { return false }
        var chain = [derForm(of: leaf)]
        let others = X509_STORE_CTX_get0_untrusted(store)
        for index in 0..<needletail_x509_count(others) {
            guard let other = needletail_x509_at(others, index), X509_cmp(other, leaf) != 0 else { continue }
            chain.append(derForm(of: other))
        }
        return verify(chain)
    }

    fileprivate func select(
        _ output: UnsafeMutablePointer<UnsafePointer<UInt8>?>, _ length: UnsafeMutablePointer<UInt8>,
        from offered: UnsafePointer<UInt8>, _ offeredLength: UInt32
    ) -> Int32 {
        protocols.withUnsafeBufferPointer { own in
            var chosen: UnsafeMutablePointer<UInt8>?
            let result = SSL_select_next_proto(
                &chosen, length, own.baseAddress, UInt32(own.count), offered, offeredLength)
            guard result == OPENSSL_NPN_NEGOTIATED, let chosen else { return SSL_TLSEXT_ERR_NOACK }
            // Points into `own`, which this object keeps.
            output.pointee = UnsafePointer(chosen)
            return SSL_TLSEXT_ERR_OK
        }
    }
}

private func verifyByHook(_ store: OpaquePointer?, _ context: UnsafeMutableRawPointer?) -> Int32 {
    let handle = Unmanaged<ContextHandle>.fromOpaque(context!).takeUnretainedValue()
    if let store, handle.accepts(store) { return 1 }
    if let store { X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED) }
    return 0
}

private func selectProtocol(
    _ ssl: OpaquePointer?, _ output: UnsafeMutablePointer<UnsafePointer<UInt8>?>?,
    _ length: UnsafeMutablePointer<UInt8>?, _ offered: UnsafePointer<UInt8>?, _ offeredLength: UInt32,
    _ context: UnsafeMutableRawPointer?
) -> Int32 {
    let handle = Unmanaged<ContextHandle>.fromOpaque(context!).takeUnretainedValue()
    guard let output, let length, let offered else { return SSL_TLSEXT_ERR_NOACK }
    return handle.select(output, length, from: offered, offeredLength)
}

/// A certificate as DER.
func derForm(of certificate: OpaquePointer) -> [UInt8] {
    let length = i2d_X509(certificate, nil)
    guard length > 0 else { return [] }
    return [UInt8](unsafeUninitializedCapacity: Int(length)) { room, count in
        var end = room.baseAddress
        count = max(0, Int(i2d_X509(certificate, &end)))
    }
}

extension PEMSource {
    fileprivate func open() throws(TLSError) -> OpaquePointer {
        ERR_clear_error()
        switch self {
        case .file(let path):
            guard let bio = BIO_new_file(path, "r") else { throw .queued(path) }
            return bio
        case .text(let text):
            var text = text
            let bio = text.withUTF8 { bytes in
                let bio = BIO_new(BIO_s_mem())
                // Copies: the text does not outlive this call.
                BIO_write(bio, bytes.baseAddress, Int32(bytes.count))
                return bio
            }
            guard let bio else { throw .queued("PEM text") }
            return bio
        }
    }

    /// At least one certificate, owned by the caller.
    fileprivate func certificates() throws(TLSError) -> [OpaquePointer] {
        let bio = try open()
        defer { BIO_free_all(bio) }
        var found: [OpaquePointer] = []
        while let certificate = PEM_read_bio_X509(bio, nil, nil, nil) { found.append(certificate) }
        guard !found.isEmpty, needletail_is_end_of_pem(ERR_peek_last_error()) == 1 else {
            for certificate in found { X509_free(certificate) }
            throw .queued("certificates")
        }
        ERR_clear_error()
        return found
    }
}

extension TLSError {
    /// The first error of this thread's queue, which is emptied.
    static func queued(_ operation: String) -> TLSError {
        TLSError(operation: operation, reason: takeQueuedReason() ?? "unknown")
    }
}

/// The reason of the first error in this thread's queue, which is emptied; `nil` when there is none.
func takeQueuedReason() -> String? {
    let code = ERR_get_error()
    ERR_clear_error()
    guard code != 0 else { return nil }
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { room in
        ERR_error_string_n(code, room.baseAddress, room.count)
        return String(cString: room.baseAddress!)
    }
}
