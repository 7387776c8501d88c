import Glibc
import Synchronization

/// A real Redis server for tests, in a temporary folder; ends with the test process. Debian's package `redis-server`.
public final class TestRedis: Sendable {
    private static let program = "/usr/bin/redis-server"

    public static let isAvailable = access(program, X_OK) == 0 && access("/usr/bin/openssl", X_OK) == 0

    public let port: Int
    public let folder: String
    private let arguments: [String]
    private let process = Mutex<pid_t?>(nil)

    /// Starts a server.
    ///
    /// - Parameters:
    ///   - arguments: Settings as `--name`, `value`.
    ///   - tls: Whether it speaks TLS only, with a certificate for 127.0.0.1 signed by `ca.pem` of its folder.
    ///   - isSentinel: Whether it is a sentinel, whose settings are `sentinel`.
    public init(_ arguments: [String] = [], tls: Bool = false, sentinel: String? = nil) {
        port = FreePort.next()
        folder = makeTemporaryFolder()
        var all: [String] = []
        if let sentinel {
            writeFile(folder + "/sentinel.conf", "port \(port)\nbind 127.0.0.1\ndir \(folder)\n" + sentinel)
            all = [folder + "/sentinel.conf", "--sentinel"]
        } else {
            all = ["--bind", "127.0.0.1", "--dir", folder, "--save", ""]
            all += tls ? ["--port", "0", "--tls-port", String(port)] : ["--port", String(port)]
        }
        if tls {
            makeCertificates(in: folder)
            all += [
                "--tls-cert-file", folder + "/server.pem", "--tls-key-file", folder + "/server.key",
                "--tls-ca-cert-file", folder + "/ca.pem",
            ]
        }
        self.arguments = all + arguments
        start()
        atExit { [self] in
            kill()
            removeFolder(folder)
        }
    }

    public func start() {
        process.withLock { process in
            precondition(process == nil, "the server runs")
            process = spawn(Self.program, arguments)
        }
    }

    /// kill -9; what it kept is gone.
    public func kill() {
        process.withLock { process in
            guard let number = process else { return }
            Glibc.kill(number, SIGKILL)
            var status: Int32 = 0
            waitpid(number, &status, 0)
            process = nil
        }
    }

    public func stop() { process.withLock { if let number = $0 { Glibc.kill(number, SIGSTOP) } } }
    public func resume() { process.withLock { if let number = $0 { Glibc.kill(number, SIGCONT) } } }
}

/// Makes `ca.pem`, `server.pem`, `server.key` and `client.pem`, which holds certificate and key, with the password `secret`.
private func makeCertificates(in folder: String) {
    func openssl(_ arguments: String) { run("/usr/bin/openssl", arguments.split(separator: " ").map(String.init)) }
    let name = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -subj /CN="
    openssl("req -x509 -nodes -days 2 \(name)ca -keyout \(folder)/ca.key -out \(folder)/ca.pem")
    writeFile(folder + "/san", "subjectAltName=IP:127.0.0.1")
    openssl("req -nodes \(name)server -keyout \(folder)/server.key -out \(folder)/server.csr")
    openssl(
        "x509 -req -days 2 -in \(folder)/server.csr -CA \(folder)/ca.pem -CAkey \(folder)/ca.key -CAcreateserial"
            + " -extfile \(folder)/san -out \(folder)/server.pem")
    openssl("req -passout pass:secret \(name)client -keyout \(folder)/client.key -out \(folder)/client.csr")
    openssl(
        "x509 -req -days 2 -in \(folder)/client.csr -CA \(folder)/ca.pem -CAkey \(folder)/ca.key -CAcreateserial"
            + " -out \(folder)/client.crt")
    run("/bin/sh", ["-c", "cat \(folder)/client.crt \(folder)/client.key > \(folder)/client.pem"])
}

/// Runs a program to its end.
public func run(_ program: String, _ arguments: [String]) {
    let number = spawn(program, arguments)
    var status: Int32 = 0
    waitpid(number, &status, 0)
    precondition(status == 0, "\(program) \(arguments) ended with \(status)")
}
