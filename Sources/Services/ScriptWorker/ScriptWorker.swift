internal import CLinux
internal import CScriptWorker
internal import Glibc
internal import JavaScript
internal import ScriptWire

/// The process that runs scripts for its parent: one call after the other, over a descriptor that it inherited.
///
/// It can open no file and no connection, start no process, and ends with its parent. What a script does to it, its guard
/// ends: the parent starts another.
public enum ScriptWorker {
    /// What the parent gives to each worker.
    public struct Limits: Sendable {
        /// Milliseconds of processor time for one call.
        public var time: Int
        /// Bytes that a call may add to what the worker keeps; as much may be kept.
        public var memory: Int

        public init(time: Int, memory: Int) {
            self.time = time
            self.memory = memory
        }

        /// From the arguments behind `--worker`: milliseconds and bytes.
        public init?(_ arguments: some Collection<String>) {
            let numbers = arguments.compactMap { Int($0) }
            guard arguments.count == 2, numbers.count == 2, numbers.allSatisfy({ $0 > 0 }) else { return nil }
            self.init(time: numbers[0], memory: numbers[1])
        }
    }

    /// Runs until the parent closes the connection.
    ///
    /// - Returns: The exit status of the process.
    public static func run(_ limits: Limits) -> Int32 {
        guard let page = needletail_worker_page_map(Int32(NEEDLETAIL_WORKER_PAGE)) else {
            return fail("the page of the parent", errno)
        }
        var code = needletail_worker_drop_privileges()
        guard code == 0 else { return fail("giving up privileges", code) }
        let scripts = CompiledScripts(limits: limits)
        scripts.warmUp()
        // The library's own limit comes first; the guard ends what does not listen to it.
        let time = Int64(limits.time) * 1_000_000 + 1_000_000_000
        code = needletail_worker_guard(page, time, Int64(limits.memory))
        guard code == 0 else { return fail("the guard", code) }
        code = needletail_worker_forbid()
        guard code == 0 else { return fail("giving up system calls", code) }
        _ = scripts.limitMemory()
        var connection = WorkerConnection(descriptor: Int32(NEEDLETAIL_WORKER_SOCKET))
        return connection.serve(scripts) ? 0 : 1
    }

    /// Says on standard error what is wrong.
    private static func fail(_ step: String, _ code: Int32) -> Int32 {
        var text = "js-executor: \(step): \(String(cString: strerror(code)))\n"
        _ = text.withUTF8 { write(STDERR_FILENO, $0.baseAddress, $0.count) }
        return 1
    }
}
