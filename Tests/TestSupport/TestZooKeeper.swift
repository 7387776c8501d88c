public import Glibc
import Synchronization

/// A real ZooKeeper server for tests, in a temporary folder; ends with the test process. Debian's packages `zookeeper` and a
/// Java runtime.
public final class TestZooKeeper: Sendable {
    private static let library = "/usr/share/java/zookeeper.jar"

    public static let isAvailable = access(library, R_OK) == 0 && access("/usr/bin/java", X_OK) == 0

    /// The tick: sessions time out after 2 to 20 of them.
    public static let tickMilliseconds = 200

    public let port: Int
    private let folder: String
    private let process = Mutex<pid_t?>(nil)

    /// `host:port` for clients.
    public var address: String { "127.0.0.1:\(port)" }

    /// Starts a server, which takes connections about a second later.
    public init() {
        port = FreePort.next()
        folder = makeTemporaryFolder()
        writeFile(
            folder + "/zoo.cfg",
            """
            tickTime=\(Self.tickMilliseconds)
            dataDir=\(folder)/data
            clientPort=\(port)
            clientPortAddress=127.0.0.1
            admin.enableServer=false
            maxClientCnxns=0
            """)
        start()
        atExit { [self] in
            kill()
            removeFolder(folder)
        }
    }

    /// Starts the server again with the data it had.
    public func start() {
        process.withLock { process in
            precondition(process == nil, "the server runs")
            process = spawn(
                "/usr/bin/java",
                [
                    "-Xmx96m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", Self.library,
                    "org.apache.zookeeper.server.quorum.QuorumPeerMain", folder + "/zoo.cfg",
                ])
        }
    }

    /// kill -9.
    public func kill() {
        process.withLock { process in
            guard let number = process else { return }
            Glibc.kill(number, SIGKILL)
            var status: Int32 = 0
            waitpid(number, &status, 0)
            process = nil
        }
    }

    public func stop() { signal(SIGSTOP) }
    public func resume() { signal(SIGCONT) }

    private func signal(_ signal: Int32) {
        process.withLock { process in
            guard let number = process else { return }
            Glibc.kill(number, signal)
        }
    }
}

/// Ports that nobody listens on.
public enum FreePort {
    /// A port below those that the system gives to clients, so that no connection takes it before the server does, and
    /// low enough for servers that open a second one 10 000 above it.
    public static func next() -> Int {
        for _ in 0..<1000 {
            let port = Int.random(in: 12_000..<32_000)
            if isFree(port) { return port }
        }
        preconditionFailure("no free port")
    }

    private static func isFree(_ port: Int) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}

/// Starts a program whose output is dropped; returns its number.
public func spawn(_ program: String, _ arguments: [String]) -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
    let all = [program] + arguments
    var pointers: [UnsafeMutablePointer<CChar>?] = all.map { strdup($0) }
    pointers.append(nil)
    defer { for pointer in pointers { free(pointer) } }
    var number = pid_t()
    let code = posix_spawn(&number, all[0], &actions, nil, pointers, environ)
    precondition(code == 0, "\(program): \(String(cString: strerror(code)))")
    return number
}

/// Writes a small file.
public func writeFile(_ path: String, _ text: String) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    precondition(descriptor >= 0, path)
    let bytes = Array(text.utf8)
    precondition(write(descriptor, bytes, bytes.count) == bytes.count, path)
    close(descriptor)
}
