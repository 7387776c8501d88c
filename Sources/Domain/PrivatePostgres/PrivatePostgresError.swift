#if canImport(Glibc)
internal import Glibc
#endif

/// Why a private server could not be started. Each message says what to do about it.
public enum PrivatePostgresError: Error, Sendable, CustomStringConvertible {
    case binariesMissing(searched: String)
    /// The folder was initialised by a major version whose binaries are not installed.
    case versionMissing(folder: String, version: String)
    case serverUserMissing(name: String)
    /// The folder belongs to somebody else, and this process may not act for them.
    case foreignFolder(path: String, ownerID: UInt32)
    /// The user that runs the server may not pass through a parent of its folder.
    case notTraversable(path: String, user: String)
    /// Another process of ours runs a server on this folder.
    case inUse(path: String)
    case system(operation: String, path: String, code: Int32)
    /// A program of the server's did not do its work; `log` is the end of what it said.
    case programFailed(program: String, status: Int32, log: String)
    case notReady(after: Duration, lastError: String)

    public var description: String {
        switch self {
        case .binariesMissing(let searched):
            "no PostgreSQL server found in \(searched): install the package postgresql, or set PG_BIN"
        case .versionMissing(let folder, let version):
            "\(folder) belongs to PostgreSQL \(version), whose server is not installed: install postgresql-\(version)"
        case .serverUserMissing(let name):
            "PostgreSQL does not run as root and there is no user \(name): install the package postgresql"
        case .foreignFolder(let path, let ownerID):
            "\(path) belongs to the user with id \(ownerID): run as that user or as root, or choose another folder"
        case .notTraversable(let path, let user):
            "user \(user), who runs PostgreSQL, may not pass through \(path): "
                + "chmod o+x it, or choose a data folder elsewhere"
        case .inUse(let path): "\(path) is in use by another process"
        case .system(let operation, let path, let code):
            "cannot \(operation) \(path): \(String(cString: strerror(code)))"
        case .programFailed(let program, let status, let log): "\(program) ended with status \(status): \(log)"
        case .notReady(let after, let lastError): "PostgreSQL accepted no connection within \(after): \(lastError)"
        }
    }
}
