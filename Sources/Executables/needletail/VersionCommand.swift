import Configuration
import Crypto
import JSON
import Postgres
import ProcessRuntime

/// `needletail version`.
enum VersionCommand {
    static let command = Command("version", summary: "print the version, the commit and the libraries' versions")

    static func run() -> Int32 {
        Output.line("needletail \(BuildInformation.version) (\(BuildInformation.commit))")
        Output.line("libpq \(PostgresLibrary.version), \(CryptoLibrary.version), simdjson \(JSONLibrary.version)")
        return 0
    }
}
