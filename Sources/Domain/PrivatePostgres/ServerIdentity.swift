#if canImport(Glibc)
internal import Glibc
#endif

/// The user that runs the server. PostgreSQL refuses to run as root.
struct ServerIdentity: Sendable, Equatable {
    var userID: uid_t
    var groupID: gid_t
    var name: String

    /// The user that Debian's package makes for the server.
    static let debianUser = "postgres"

    /// Who runs the server over `folder`: an ordinary user for themselves; root for the owner of a folder that
    /// exists, otherwise for the user `postgres`.
    static func choose(forFolder folder: String) throws(PrivatePostgresError) -> ServerIdentity {
        let owner = FileSystem.status(of: folder)?.st_uid
        let caller = geteuid()
        guard caller == 0 else {
            if let owner, owner != caller { throw .foreignFolder(path: folder, ownerID: owner) }
            return ServerIdentity(userID: caller, groupID: getegid(), name: name(of: caller) ?? "\(caller)")
        }
        if let owner, owner != 0, let entry = getpwuid(owner) {
            let name = String(cString: entry.pointee.pw_name)
            return ServerIdentity(userID: owner, groupID: entry.pointee.pw_gid, name: name)
        }
        guard let entry = getpwnam(debianUser) else { throw .serverUserMissing(name: debianUser) }
        return ServerIdentity(userID: entry.pointee.pw_uid, groupID: entry.pointee.pw_gid, name: debianUser)
    }

    private static func name(of user: uid_t) -> String? {
        getpwuid(user).map { String(cString: $0.pointee.pw_name) }
    }

    /// The first parent of `path` that this user may not pass through, judged by mode bits.
    func obstacle(onWayTo path: String) -> String? {
        var parents: [String] = []
        var rest = path[...]
        while let slash = rest.lastIndex(of: "/") {
            rest = rest[..<slash]
            parents.append(rest.isEmpty ? "/" : String(rest))
        }
        return parents.reversed().first { parent in
            guard let status = FileSystem.status(of: parent) else { return false }
            let bit: mode_t = status.st_uid == userID ? 0o100 : status.st_gid == groupID ? 0o010 : 0o001
            return status.st_mode & bit == 0
        }
    }
}
