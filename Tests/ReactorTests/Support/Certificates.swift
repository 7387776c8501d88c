import Glibc
import TestSupport

/// Certificates made by the openssl command, in a folder of their own.
struct Certificates: Sendable {
    let folder: String

    /// Made once per process.
    static let shared = Result { try Certificates() }

    private init() throws {
        folder = makeTemporaryFolder()
        let folder = folder
        atExit { removeFolder(folder) }
        for name in ["first", "second", "client"] {
            try run(
                "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=\(name)"
                    + " -addext subjectAltName=DNS:\(name).test,IP:127.0.0.1"
                    + " -keyout \(folder)/\(name).key -out \(folder)/\(name).pem")
        }
        try run("openssl pkcs8 -topk8 -passout pass:secret -in \(folder)/first.key -out \(folder)/first.encrypted.key")
    }

    func certificate(_ name: String) -> String { "\(folder)/\(name).pem" }
    func key(_ name: String) -> String { "\(folder)/\(name).key" }

    private func run(_ command: String) throws {
        guard system(command + " >/dev/null 2>&1") == 0 else { throw CommandFailed(command: command) }
    }

    struct CommandFailed: Error { let command: String }
}
