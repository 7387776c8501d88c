/// A JSON web token in its compact form (RFC 7515), taken apart or put together; what its claims mean is the caller's
/// business. Only HMAC-SHA-512 is known: whoever reads a header must refuse every other algorithm.
public struct SignedToken: Sendable {
    /// The JSON of the header as it was sent.
    public let header: [UInt8]
    /// The JSON of the claims as it was sent. Believe it only when ``isSigned(with:)``.
    public let payload: [UInt8]
    private let signature: [UInt8]
    private let signingInput: [UInt8]

    /// Takes `token` apart; `nil` when it is not three parts of URL-safe base64.
    ///
    /// The third part may be empty: an unsigned token is well formed, but never ``isSigned(with:)``.
    public init?(_ token: some StringProtocol) {
        let parts = Substring(token).utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3, !parts[0].isEmpty,
            let header = Base64.decode(Substring(parts[0]), .urlSafe),
            let payload = Base64.decode(Substring(parts[1]), .urlSafe),
            let signature = Base64.decode(Substring(parts[2]), .urlSafe)
        else { return nil }
        self.header = header
        self.payload = payload
        self.signature = signature
        signingInput = Array(parts[0]) + [UInt8(ascii: ".")] + Array(parts[1])
    }

    /// Whether the signature is that of HMAC-SHA-512 under `key`; takes as long for every wrong one.
    public func isSigned(with key: [UInt8]) -> Bool {
        constantTimeEqual(Digest.hmacSHA512(signingInput, key: key), signature)
    }

    /// The compact form of a token with header `{"alg":"HS512"}` over the claims `payload`, JSON in UTF-8.
    public static func sign(payload: [UInt8], key: [UInt8]) -> String {
        let header = Base64.encode(Array(#"{"alg":"HS512"}"#.utf8), .urlSafe)
        let input = header + "." + Base64.encode(payload, .urlSafe)
        return input + "." + Base64.encode(Digest.hmacSHA512(Array(input.utf8), key: key), .urlSafe)
    }
}
