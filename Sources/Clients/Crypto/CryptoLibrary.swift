internal import COpenSSL

/// The cryptographic library that is linked.
public enum CryptoLibrary {
    /// For example `OpenSSL 3.0.15 3 Sep 2024`.
    public static var version: String { String(cString: OpenSSL_version(OPENSSL_VERSION)) }
}
