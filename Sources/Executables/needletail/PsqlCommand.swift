import Configuration
import Glibc
import PrivatePostgres
import ProcessRuntime

/// `needletail psql`: the interactive terminal of PostgreSQL on the private database of a running instance.
enum PsqlCommand {
    static let command = Command(
        "psql", summary: "psql on the private database of a running instance",
        discussion: "What follows -- goes to psql, for example: needletail psql -- -c 'SELECT count(*) FROM ts_kv'.",
        options: [
            .string(
                "data", placeholder: "DIR", default: "./data", environment: "NEEDLETAIL_DATA",
                help: "the data folder of the instance")
        ],
        operands: "ARGS")

    static func run(_ arguments: ParsedArguments) -> Int32 {
        let data = arguments.string("data") ?? "./data"
        guard let conninfo = PrivatePostgresServer.connectionInfo(ofServerIn: data) else {
            Output.error("no private database runs on \(data)")
            return 1
        }
        let words = ["psql", "-d", conninfo] + arguments.operands
        var pointers: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) }
        pointers.append(nil)
        execvp("psql", pointers)
        Output.error("psql cannot be started: \(String(cString: strerror(errno))); package postgresql-client has it")
        return 127
    }
}
