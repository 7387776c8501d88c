/// PEM text, in a file or in memory.
public enum PEMSource: Sendable, Hashable {
    case file(String)
    case text(String)
}

/// The oldest version of the protocol that is spoken.
public enum TLSVersion: Sendable, Hashable {
    case v1_2
    case v1_3
}

/// What a server wants to know of its clients' certificates.
public enum ClientCertificatePolicy: Sendable {
    /// They are not asked for.
    case ignored
    /// A client may present one. `verify` is called in the handshake, on the loop, with the chain as DER, the client's own
    /// certificate first; `false` refuses the handshake. That the client holds the key is proven by the handshake itself.
    case optional(verify: @Sendable (_ chain: [[UInt8]]) -> Bool)
    /// The same, and the handshake is refused without a certificate.
    case required(verify: @Sendable (_ chain: [[UInt8]]) -> Bool)
}

/// Settings of a TLS server.
public struct TLSConfiguration: Sendable {
    /// The server's certificate and those that lead to its authority, in this order.
    public var certificateChain: PEMSource
    public var privateKey: PEMSource
    /// For an encrypted key.
    public var privateKeyPassword: String?
    public var clientCertificates: ClientCertificatePolicy = .ignored
    public var minimumVersion: TLSVersion = .v1_2
    /// Protocols for ALPN, best first; a client that offers none of them goes on without. Default: none.
    public var applicationProtocols: [String] = []

    public init(certificateChain: PEMSource, privateKey: PEMSource, privateKeyPassword: String? = nil) {
        self.certificateChain = certificateChain
        self.privateKey = privateKey
        self.privateKeyPassword = privateKeyPassword
    }
}

/// Whom a client believes.
public enum TLSTrust: Sendable, Hashable {
    /// The authorities installed on this machine.
    case system
    /// These authorities, and no others.
    case authorities(PEMSource)
    /// Anybody: the peer is not verified.
    case anybody
}

/// Settings of a TLS client.
public struct TLSClientConfiguration: Sendable {
    public var trust: TLSTrust = .system
    /// What to present when the server asks for a certificate.
    public var certificateChain: PEMSource?
    public var privateKey: PEMSource?
    public var privateKeyPassword: String?
    public var minimumVersion: TLSVersion = .v1_2
    /// Protocols for ALPN, best first.
    public var applicationProtocols: [String] = []

    public init(trust: TLSTrust = .system) {
        self.trust = trust
    }
}

/// A TLS context could not be made: a file that cannot be read, a key that does not fit, a wrong password.
public struct TLSError: Error, Hashable, Sendable, CustomStringConvertible {
    public let operation: String
    /// OpenSSL's reason.
    public let reason: String

    public var description: String { "\(operation): \(reason)" }
}
