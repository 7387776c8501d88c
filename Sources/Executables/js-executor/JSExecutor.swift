import ExecutorRuntime
import Glibc
import ScriptWorker

@main
enum Main {
    static func main() async {
        let arguments = CommandLine.arguments
        guard arguments.count > 1, arguments[1] == "--worker" else { exit(await ExecutorCommand.run()) }
        guard let limits = ScriptWorker.Limits(arguments.dropFirst(2)) else {
            var text = "js-executor: services run it as js-executor --worker MILLISECONDS BYTES\n"
            _ = text.withUTF8 { write(STDERR_FILENO, $0.baseAddress, $0.count) }
            exit(2)
        }
        exit(ScriptWorker.run(limits))
    }
}
