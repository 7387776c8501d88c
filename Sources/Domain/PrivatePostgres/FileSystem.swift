#if canImport(Glibc)
internal import Glibc
#endif

/// The few calls on files that keeping a server needs, with errors that name the path.
enum FileSystem {
    typealias Failure = PrivatePostgresError

    static func status(of path: String) -> stat? {
        var status = stat()
        return lstat(path, &status) == 0 ? status : nil
    }

    static func exists(_ path: String) -> Bool { status(of: path) != nil }

    /// The names in a folder, none when it cannot be read.
    static func entries(of path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }

    /// Makes a folder and its parents; parents that exist are left as they are.
    static func makeFolders(_ path: String, mode: mode_t) throws(Failure) {
        if let status = status(of: path), status.st_mode & S_IFMT != S_IFLNK {
            guard status.st_mode & S_IFMT == S_IFDIR else {
                throw .system(operation: "make folder", path: path, code: ENOTDIR)
            }
            return
        }
        if let slash = path.lastIndex(of: "/"), slash > path.startIndex {
            try makeFolders(String(path[..<slash]), mode: 0o755)
        }
        if mkdir(path, mode) != 0, errno != EEXIST {
            throw .system(operation: "make folder", path: path, code: errno)
        }
    }

    /// Makes one folder that only `identity` may enter, or makes an existing one so.
    static func makePrivateFolder(_ path: String, for identity: ServerIdentity) throws(Failure) {
        if mkdir(path, 0o700) != 0, errno != EEXIST {
            throw .system(operation: "make folder", path: path, code: errno)
        }
        try setOwner(of: path, to: identity)
        if chmod(path, 0o700) != 0 { throw .system(operation: "chmod", path: path, code: errno) }
    }

    static func setOwner(of path: String, to identity: ServerIdentity) throws(Failure) {
        guard geteuid() == 0 else { return }
        if lchown(path, identity.userID, identity.groupID) != 0 {
            throw .system(operation: "chown", path: path, code: errno)
        }
    }

    /// Gives a whole tree to `identity`. Symbolic links are changed, not followed.
    static func setOwnerRecursively(of path: String, to identity: ServerIdentity) throws(Failure) {
        try setOwner(of: path, to: identity)
        guard let status = status(of: path), status.st_mode & S_IFMT == S_IFDIR else { return }
        for name in entries(of: path) { try setOwnerRecursively(of: path + "/" + name, to: identity) }
    }

    /// The text of a small file, `nil` when it cannot be read. At most the last `limit` bytes.
    static func read(_ path: String, limit: Int = 65_536) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        let size = Int(lseek(descriptor, 0, SEEK_END))
        lseek(descriptor, off_t(max(0, size - limit)), SEEK_SET)
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16_384)
        while bytes.count < limit {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            guard count > 0 else { break }
            bytes.append(contentsOf: chunk[..<count])
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Replaces a file in one step.
    static func write(_ text: String, to path: String, for identity: ServerIdentity) throws(Failure) {
        let temporary = path + ".new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw .system(operation: "write", path: temporary, code: errno) }
        var text = text
        let written = text.withUTF8 { Glibc.write(descriptor, $0.baseAddress, $0.count) == $0.count }
        let code = errno
        close(descriptor)
        guard written else { throw .system(operation: "write", path: temporary, code: code) }
        try setOwner(of: temporary, to: identity)
        if rename(temporary, path) != 0 { throw .system(operation: "replace", path: path, code: errno) }
    }

    /// Removes a tree; what cannot be removed stays.
    static func removeRecursively(_ path: String) {
        guard let status = status(of: path) else { return }
        if status.st_mode & S_IFMT == S_IFDIR {
            for name in entries(of: path) { removeRecursively(path + "/" + name) }
            rmdir(path)
        } else {
            unlink(path)
        }
    }

    /// The absolute form of a path that exists, without links.
    static func resolved(_ path: String) throws(Failure) -> String {
        guard let text = realpath(path, nil) else {
            throw .system(operation: "resolve", path: path, code: errno)
        }
        defer { free(text) }
        return String(cString: text)
    }
}
