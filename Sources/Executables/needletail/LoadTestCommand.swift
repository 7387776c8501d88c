import Configuration
import Glibc
import LoadTester

/// `needletail loadtest`.
enum LoadTestCommand {
    static let command = LoadTestOptions.command

    /// Runs to the end and returns the exit status.
    static func run(_ arguments: ParsedArguments) async -> Int32 {
        do {
            return await LoadTest(options: try LoadTestOptions(arguments)).run()
        } catch {
            let text = "needletail loadtest: \(error)\n"
            text.withCString { _ = write(STDERR_FILENO, $0, strlen($0)) }
            return 2
        }
    }
}
