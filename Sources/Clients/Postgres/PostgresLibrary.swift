internal import CPostgres

/// The client library that is linked.
public enum PostgresLibrary {
    /// For example `15.8`.
    public static var version: String {
        let number = Int(PQlibVersion())
        return "\(number / 10_000).\(number % 10_000)"
    }
}
