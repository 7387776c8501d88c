internal import CLinux

#if canImport(Glibc)
internal import Glibc
#endif

/// Running one of the server's programs as the server's user.
enum ServerProgram {
    /// Starts a program and returns its process id.
    ///
    /// - Parameters:
    ///   - folder: Its working directory.
    ///   - output: Descriptor for standard output and errors.
    static func start(
        _ arguments: [String], as identity: ServerIdentity, in folder: String, output: Int32
    ) throws(PrivatePostgresError) -> pid_t {
        // Messages in English and times in UTC whatever the caller's environment: other code reads them.
        let environment = ["PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "TZ=UTC"]
        let result = withCStrings(arguments) { argv in
            withCStrings(environment) { envp in
                needletail_spawn_as(identity.userID, identity.groupID, folder, argv, envp, output)
            }
        }
        let program = arguments[0]
        switch UInt32(result.step) {
        case NEEDLETAIL_SPAWN_OK.rawValue:
            return result.pid
        case NEEDLETAIL_SPAWN_DIRECTORY.rawValue:
            if let obstacle = identity.obstacle(onWayTo: folder) {
                throw .notTraversable(path: obstacle, user: identity.name)
            }
            throw .system(operation: "enter", path: folder, code: result.error)
        case NEEDLETAIL_SPAWN_IDENTITY.rawValue:
            throw .system(operation: "become user \(identity.name) for", path: program, code: result.error)
        default:
            throw .system(operation: "run", path: program, code: result.error)
        }
    }

    /// Runs a program to its end; throws with the end of its output when its exit status is not zero. Blocks.
    static func run(
        _ arguments: [String], as identity: ServerIdentity, in folder: String, logFile: String
    ) throws(PrivatePostgresError) {
        let output = open(logFile, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard output >= 0 else { throw .system(operation: "write", path: logFile, code: errno) }
        defer { close(output) }
        let child = try start(arguments, as: identity, in: folder, output: output)
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
        guard status == 0 else {
            throw .programFailed(
                program: arguments[0], status: exitCode(status), log: FileSystem.read(logFile, limit: 2000) ?? "")
        }
    }

    /// The exit status, or 128 and the signal's number, of a status from `waitpid`.
    static func exitCode(_ status: Int32) -> Int32 {
        status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + (status & 0x7F)
    }

    /// Lends a NULL-terminated array of C strings.
    private static func withCStrings<R>(
        _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> R
    ) -> R {
        var pointers: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) }
        pointers.append(nil)
        defer { for pointer in pointers { free(pointer) } }
        return pointers.withUnsafeBufferPointer { buffer in
            // The array holds at least its terminator, so it has an address.
            body(buffer.baseAddress.unsafelyUnwrapped)
        }
    }
}
