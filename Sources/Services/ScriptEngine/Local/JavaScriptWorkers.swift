import CLinux
import Glibc
public import Logging
public import Metrics
import Reactor
import Synchronization

/// JavaScript in worker processes: each event loop that calls scripts has workers of its own, started with its first call.
/// To be called on event loops.
public final class JavaScriptWorkers: JavaScriptRunner {
    private let setup: WorkerSetup
    private let pools = Mutex<[ObjectIdentifier: LoopBound<WorkerPool>]>([:])

    /// - Parameters:
    ///   - executable: The worker's; `nil` for `js-executor` beside the running executable.
    ///   - quickWorkers: Workers that each event loop keeps for calls that are short.
    public init(
        settings: LocalJavaScriptSettings, executable: String? = nil, quickWorkers: Int = 1, logger: Logger,
        metrics: MetricsRegistry
    ) {
        setup = WorkerSetup(
            settings: settings, executable: executable ?? Self.besideThis, quickWorkers: quickWorkers,
            counts: WorkerCounts(maximum: settings.workers, metrics: metrics), logger: logger)
    }

    deinit {
        for pool in pools.withLock({ Array($0.values) }) { pool.loop.execute { pool.withValue { $0.close() } } }
    }

    /// `js-executor` in the folder of the running executable.
    private static var besideThis: String {
        var path = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        let count = readlink("/proc/self/exe", &path, Int(PATH_MAX))
        let text = String(decoding: path.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let folder = text.lastIndex(of: "/").map { String(text[..<$0]) } ?? ""
        return "\(folder)/js-executor"
    }

    public func compile(_ program: JavaScriptProgram) async throws(ScriptError) {
        _ = try await call(.compile, program).get()
    }

    public func invoke(
        _ program: JavaScriptProgram, _ arguments: [String], limit: Duration?
    ) async throws(ScriptError) -> String? {
        let milliseconds = limit.map { UInt32(clamping: Int(max(1, $0 / .milliseconds(1)))) } ?? 0
        return try await call(.invoke(arguments, limit: milliseconds), program).get()
    }

    public func release(_ program: JavaScriptProgram) {
        for pool in pools.withLock({ Array($0.values) }) {
            pool.loop.execute { pool.withValue { $0.release(program) } }
        }
    }

    private func call(_ kind: WorkerCall.Kind, _ program: JavaScriptProgram) async -> WorkerCall.Outcome {
        let pool = pool()
        return await withUnsafeContinuation { continuation in
            pool.withValue { pool in
                pool.add(kind, of: program) { continuation.resume(returning: $0) }
            }
        }
    }

    private func pool() -> LoopBound<WorkerPool> {
        guard let loop = EventLoop.current else { preconditionFailure("scripts are called on event loops") }
        return pools.withLock { pools in
            if let pool = pools[ObjectIdentifier(loop)] { return pool }
            let pool = LoopBound(WorkerPool(loop: loop, setup: setup), on: loop)
            pools[ObjectIdentifier(loop)] = pool
            return pool
        }
    }
}
