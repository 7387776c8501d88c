#if canImport(Glibc)
internal import Glibc
#endif

/// Debian's server programs of one major version.
public struct ServerBinaries: Sendable, Equatable {
    /// The folder with `postgres` and `initdb`.
    public var folder: String

    var postgres: String { folder + "/postgres" }
    var initdb: String { folder + "/initdb" }

    /// Where Debian keeps one folder per major version.
    static let debianFolder = "/usr/lib/postgresql"

    /// The programs in `PG_BIN`, or of that major version, or of the newest one that is installed.
    ///
    /// - Returns: `nil` when there are none.
    public static func find(majorVersion: String? = nil) -> ServerBinaries? {
        if let folder = getenv("PG_BIN").map({ String(cString: $0) }), !folder.isEmpty {
            return ServerBinaries(folder: folder).ifUsable
        }
        if let majorVersion {
            return ServerBinaries(folder: "\(debianFolder)/\(majorVersion)/bin").ifUsable
        }
        let versions = FileSystem.entries(of: debianFolder).compactMap { Int($0) }.sorted(by: >)
        return versions.lazy.compactMap { ServerBinaries(folder: "\(debianFolder)/\($0)/bin").ifUsable }.first
    }

    private var ifUsable: ServerBinaries? {
        access(postgres, X_OK) == 0 && access(initdb, X_OK) == 0 ? self : nil
    }
}
