internal import Logging

#if canImport(Glibc)
internal import Glibc
#endif

/// A folder prepared for a server: who runs it, with which programs, and where its socket is.
struct ServerPlace: Sendable {
    var layout: ServerLayout
    var identity: ServerIdentity
    var binaries: ServerBinaries
    var socketFolder: String

    var connectionInfo: String { ServerLayout.connectionInfo(socketFolder: socketFolder) }

    private static let folderName = "postgres"

    /// Makes or checks the folders and, in a new one, the cluster.
    static func prepare(below dataDirectory: String, logger: Logger) throws(PrivatePostgresError) -> ServerPlace {
        try FileSystem.makeFolders(dataDirectory, mode: 0o755)
        let layout = ServerLayout(root: try FileSystem.resolved(dataDirectory) + "/" + folderName)
        let identity = try ServerIdentity.choose(forFolder: layout.root)
        try FileSystem.makePrivateFolder(layout.root, for: identity)
        try FileSystem.makePrivateFolder(layout.logFolder, for: identity)
        let binaries = try findBinaries(for: layout)
        var place = ServerPlace(layout: layout, identity: identity, binaries: binaries, socketFolder: "")
        if FileSystem.exists(layout.versionFile) {
            try place.repairOwner()
        } else {
            try place.initialise(logger: logger)
        }
        place.socketFolder = try layout.socketFolder(for: identity)
        return place
    }

    /// The place in a folder that was initialised before, as far as reading goes.
    static func existing(below dataDirectory: String) -> ServerPlace? {
        guard let root = realpath(dataDirectory, nil) else { return nil }
        defer { free(root) }
        let layout = ServerLayout(root: String(cString: root) + "/" + folderName)
        guard FileSystem.exists(layout.versionFile) else { return nil }
        let owner = FileSystem.status(of: layout.root)?.st_uid ?? 0
        let identity = ServerIdentity(userID: owner, groupID: 0, name: "\(owner)")
        return ServerPlace(
            layout: layout, identity: identity, binaries: ServerBinaries(folder: ""), socketFolder: layout.runFolder)
    }

    private static func findBinaries(for layout: ServerLayout) throws(PrivatePostgresError) -> ServerBinaries {
        guard let text = FileSystem.read(layout.versionFile) else {
            if let binaries = ServerBinaries.find() { return binaries }
            throw .binariesMissing(searched: ServerBinaries.debianFolder)
        }
        let version = String(text.prefix { $0.isNumber })
        if let binaries = ServerBinaries.find(majorVersion: version) { return binaries }
        throw .versionMissing(folder: layout.data, version: version)
    }

    /// A cluster that root restored or copied belongs to root, and the server would refuse it.
    private func repairOwner() throws(PrivatePostgresError) {
        guard geteuid() == 0, let status = FileSystem.status(of: layout.data), status.st_uid != identity.userID else {
            return
        }
        try FileSystem.setOwnerRecursively(of: layout.data, to: identity)
    }

    /// Initialises the cluster beside its final place, so that an interrupted attempt leaves nothing half-made there.
    private func initialise(logger: Logger) throws(PrivatePostgresError) {
        logger.info("initialising private PostgreSQL", ["postgres.folder": .string(layout.data)])
        FileSystem.removeRecursively(layout.unfinishedData)
        try ServerProgram.run(
            [
                binaries.initdb, "--pgdata", layout.unfinishedData, "--username", ServerLayout.userName,
                "--encoding", "UTF8", "--locale", "C.UTF-8", "--auth", "trust", "--no-instructions",
            ], as: identity, in: layout.root, logFile: layout.initLogFile)
        if rename(layout.unfinishedData, layout.data) != 0 {
            throw .system(operation: "rename to", path: layout.data, code: errno)
        }
    }

    /// Holds off other processes of ours from this folder, as long as the descriptor is open.
    func takeLock() throws(PrivatePostgresError) -> Int32 {
        let descriptor = open(layout.lockFile, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw .system(operation: "open", path: layout.lockFile, code: errno) }
        if flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            close(descriptor)
            throw .inUse(path: layout.root)
        }
        return descriptor
    }

    func removeShortSocketFolder() { layout.removeShortSocketFolder(for: identity) }

    /// Keeps the server's log bounded. The server appends, so it goes on at the start of the emptied file; what it
    /// writes between copying and emptying is lost.
    func trimLog(limit: Int) {
        guard let status = FileSystem.status(of: layout.logFile), Int(status.st_size) > limit,
            let text = FileSystem.read(layout.logFile, limit: limit)
        else { return }
        do throws(PrivatePostgresError) {
            try FileSystem.write(text, to: layout.logFile + ".1", for: identity)
        } catch {
            // Without space for the copy the log is emptied all the same.
        }
        truncate(layout.logFile, 0)
    }
}
