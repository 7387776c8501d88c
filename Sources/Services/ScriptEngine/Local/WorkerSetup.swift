import CLinux
import CScriptWorker
import Glibc
import Logging

/// How the workers of a process are started, and what their ends mean. Safe from any thread.
struct WorkerSetup: Sendable {
    let settings: LocalJavaScriptSettings
    let executable: String
    /// Workers of one event loop that no call keeps to itself.
    let quickWorkers: Int
    let counts: WorkerCounts
    let logger: Logger

    var arguments: [String] {
        let time = settings.processorTime / .milliseconds(1)
        return [executable, "--worker", String(Int(time)), String(settings.memory)]
    }

    /// Nothing of the process's own, which may hold passwords.
    var environment: [String] {
        var variables = [
            "PATH=/usr/bin:/bin", "LANG=C.UTF-8",
            // What the library takes for the machine's memory: how much garbage it lets grow.
            "JSC_forceRAMSize=\(settings.memory)", "JSC_numberOfGCMarkers=1",
        ]
        for name in ["TZ", "LD_LIBRARY_PATH"] {
            if let value = getenv(name) { variables.append("\(name)=\(String(cString: value))") }
        }
        return variables
    }

    /// Why a worker that ran nothing yet is gone.
    func explanation(of end: WorkerProcess.End) -> String {
        switch end {
        case .notStarted(ENOENT), .notStarted(EACCES), .notStarted(ENOTDIR):
            "JavaScript needs the worker \(executable), which cannot be run"
        case .notStarted(let code):
            "JavaScript's worker \(executable) cannot be started: \(String(cString: strerror(code)))"
        case .exited(127):
            "JavaScript's worker \(executable) finds no library: is libjavascriptcoregtk-4.1-0 installed?"
        case .exited(let status):
            "JavaScript's worker \(executable) does not start: exit status \(status)"
        case .signalled(let number):
            "JavaScript's worker \(executable) does not start: signal \(number)"
        }
    }

    /// What the call is told that a worker ended with.
    func error(of end: WorkerProcess.End) -> ScriptError {
        switch end {
        case .exited(Int32(NEEDLETAIL_WORKER_MEMORY)):
            .tooLarge("Script exceeds the memory limit of \(settings.memory) bytes")
        case .exited(Int32(NEEDLETAIL_WORKER_TIME)): .timeout
        case .exited(let status): .crashed("Script ended its worker: exit status \(status)")
        case .signalled(let number): .crashed("Script ended its worker: signal \(number)")
        case .notStarted(let code): .unavailable(explanation(of: .notStarted(code)))
        }
    }
}

/// The two ends of a worker's stream, and the page between.
struct WorkerEnds {
    let parent: Int32
    let child: Int32
    let page: OpaquePointer
    let pageDescriptor: Int32

    /// `nil` and `errno` when the system gives none.
    static func make() -> WorkerEnds? {
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            return nil
        }
        var descriptor: Int32 = -1
        guard fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0, let page = needletail_worker_page_create(&descriptor) else {
            let code = errno
            for end in ends { close(end) }
            errno = code
            return nil
        }
        return WorkerEnds(parent: ends[0], child: ends[1], page: page, pageDescriptor: descriptor)
    }
}
