#if canImport(Glibc)
internal import Glibc
#endif

/// Where a private server keeps what, below the data folder that the user named.
///
///     DIR/postgres               0700, the server's user
///     DIR/postgres/data          the cluster (PGDATA)
///     DIR/postgres/run           the Unix socket
///     DIR/postgres/log           what the server says
///     DIR/postgres/lock          held by the process that runs the server
///     DIR/postgres/socket-folder names the socket's folder when the path above is too long for a socket
///
/// Access is decided by the folder alone: `DIR/postgres` can be entered by the server's user and root only, the socket
/// has mode 0700 as well, nothing listens on the network, and the server trusts whoever reaches the socket. A password
/// would have to lie in that same folder and so would protect nothing; peer authentication would lock root out, who
/// runs the server for another user.
struct ServerLayout: Sendable {
    /// `DIR/postgres`, absolute.
    var root: String

    var data: String { root + "/data" }
    /// Where a new cluster grows; renamed to `data` when it is complete.
    var unfinishedData: String { root + "/data.new" }
    var versionFile: String { data + "/PG_VERSION" }
    var settingsFile: String { data + "/postgresql.conf" }
    var accessFile: String { data + "/pg_hba.conf" }
    var postmasterFile: String { data + "/postmaster.pid" }
    var runFolder: String { root + "/run" }
    var logFolder: String { root + "/log" }
    var logFile: String { logFolder + "/server.log" }
    var initLogFile: String { logFolder + "/initdb.log" }
    var lockFile: String { root + "/lock" }
    var socketFolderFile: String { root + "/socket-folder" }

    static let port = 5432
    static let userName = "needletail"
    static let databaseName = "needletail"

    /// What `sun_path` holds, less its terminating zero.
    static let longestSocketPath = 107

    static func socketPath(in folder: String) -> String { "\(folder)/.s.PGSQL.\(port)" }

    static func fits(_ folder: String) -> Bool { socketPath(in: folder).utf8.count <= longestSocketPath }

    /// libpq's connection string for a socket in `folder`.
    static func connectionInfo(socketFolder folder: String, database: String = databaseName) -> String {
        var quoted = ""
        for character in folder {
            if character == "'" || character == "\\" { quoted.append("\\") }
            quoted.append(character)
        }
        return "host='\(quoted)' port=\(port) user=\(userName) dbname=\(database)"
    }

    // MARK: - The socket's folder

    /// The folder for the socket: `run`, or a short one elsewhere when its path would be too long.
    ///
    /// A short folder is remembered in `socket-folder`, and used again only while it still is a folder of the
    /// server's user that nobody else may enter: somebody else could have made one of that name meanwhile.
    func socketFolder(for identity: ServerIdentity) throws(PrivatePostgresError) -> String {
        if Self.fits(runFolder) {
            try FileSystem.makePrivateFolder(runFolder, for: identity)
            return runFolder
        }
        if let known = rememberedSocketFolder(for: identity) { return known }
        let parent = geteuid() == 0 && FileSystem.exists("/run") ? "/run" : "/tmp"
        var template = Array("\(parent)/needletail-XXXXXX\0".utf8CString.dropLast())
        guard mkdtemp(&template) != nil else {
            throw .system(operation: "make folder", path: "\(parent)/needletail-XXXXXX", code: errno)
        }
        let folder = String(decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        try FileSystem.setOwner(of: folder, to: identity)
        try FileSystem.write(folder + "\n", to: socketFolderFile, for: identity)
        return folder
    }

    /// The short folder of an earlier start, if it is still fit for use.
    func rememberedSocketFolder(for identity: ServerIdentity) -> String? {
        guard let line = FileSystem.read(socketFolderFile)?.split(separator: "\n").first else { return nil }
        let folder = String(line)
        guard let status = FileSystem.status(of: folder), status.st_mode & S_IFMT == S_IFDIR,
            status.st_uid == identity.userID, status.st_mode & 0o077 == 0
        else { return nil }
        return folder
    }

    /// Removes a short folder after the server has ended.
    func removeShortSocketFolder(for identity: ServerIdentity) {
        if let folder = rememberedSocketFolder(for: identity) { FileSystem.removeRecursively(folder) }
        unlink(socketFolderFile)
    }
}
