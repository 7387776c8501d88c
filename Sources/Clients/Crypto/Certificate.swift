import COpenSSL

/// An X.509 certificate that a client presented.
public struct Certificate: Sendable {
    /// DER.
    public let bytes: [UInt8]

    /// `nil` when the bytes are no certificate.
    public init?(der bytes: [UInt8]) {
        self.bytes = bytes
        guard withParsed({ _ in true }) == true else { return nil }
    }

    /// Base64 of the DER bytes on one line: what stored credentials hold (`device-api.md` 1.2).
    public var text: String { Base64.encode(bytes) }

    /// The key under which its credentials are found.
    public var hash: String { Digest.sha3_256Hex(text) }

    /// With header, footer and lines of 64 characters.
    public var pem: String {
        var pem = "-----BEGIN CERTIFICATE-----\n"
        var rest = text[...]
        while !rest.isEmpty {
            pem += rest.prefix(64) + "\n"
            rest = rest.dropFirst(64)
        }
        return pem + "-----END CERTIFICATE-----\n"
    }

    /// Whether now lies between the dates of its validity.
    public var isWithinValidity: Bool {
        withParsed { certificate in
            X509_cmp_current_time(X509_get0_notBefore(certificate)) < 0
                && X509_cmp_current_time(X509_get0_notAfter(certificate)) > 0
        } ?? false
    }

    /// Whether the key of `issuer` signed it.
    public func isSigned(by issuer: Certificate) -> Bool {
        withParsed { certificate in
            issuer.withParsed { other in
                guard let key = X509_get0_pubkey(other) else { return false }
                defer { ERR_clear_error() }
                return X509_verify(certificate, key) == 1
            } ?? false
        } ?? false
    }

    private func withParsed<R>(_ body: (OpaquePointer) -> R) -> R? {
        let certificate = bytes.withUnsafeBufferPointer { buffer -> OpaquePointer? in
            var start = buffer.baseAddress
            return d2i_X509(nil, &start, buffer.count)
        }
        ERR_clear_error()
        guard let certificate else { return nil }
        defer { X509_free(certificate) }
        return body(certificate)
    }
}

/// A chain of certificates, the client's own first.
public enum CertificateChain {
    /// Whether each certificate is signed by the next one, as far as there is a next one.
    public static func isConsistent(_ chain: [[UInt8]], maximumLength: Int = 10) -> Bool {
        guard !chain.isEmpty, chain.count <= maximumLength else { return false }
        var previous: Certificate?
        for bytes in chain {
            guard let certificate = Certificate(der: bytes) else { return false }
            if let previous, !previous.isSigned(by: certificate) { return false }
            previous = certificate
        }
        return true
    }
}
