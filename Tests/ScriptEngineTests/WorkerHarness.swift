import Glibc
import Logging
import Metrics
import Model
import Reactor

@testable import ScriptEngine

/// JavaScript in real workers, called on one loop.
final class WorkerHarness: Sendable {
    let loop: EventLoop
    let workers: JavaScriptWorkers
    let metrics = MetricsRegistry()

    init(
        processorTime: Duration = .seconds(20), memory: Int = 104_857_600, requestTimeout: Duration = .zero,
        workers count: Int = 8, executable: String? = nil
    ) throws {
        loop = try EventLoop(name: "scripts", index: 0)
        loop.start()
        var settings = LocalJavaScriptSettings()
        settings.processorTime = processorTime
        settings.memory = memory
        settings.requestTimeout = requestTimeout
        settings.workers = count
        workers = JavaScriptWorkers(settings: settings, executable: executable, logger: .disabled, metrics: metrics)
    }

    func stop() {
        loop.stop()
        loop.join()
    }

    static func program(_ body: String, hash: String = UUID128.random().text) -> JavaScriptProgram {
        JavaScriptProgram(hash: hash, functionName: "f", text: "function f(a, b, c) {\(body)\n}")
    }

    /// Calls a program on the loop.
    func call(
        _ program: JavaScriptProgram, _ arguments: [String] = ["", "", ""], limit: Duration? = nil
    ) async -> Result<String?, ScriptError> {
        let workers = workers
        return await Task(executorPreference: loop) { () async -> Result<String?, ScriptError> in
            do throws(ScriptError) {
                return .success(try await workers.invoke(program, arguments, limit: limit))
            } catch {
                return .failure(error)
            }
        }.value
    }

    func compile(_ program: JavaScriptProgram) async -> ScriptError? {
        let workers = workers
        return await Task(executorPreference: loop) { () async -> ScriptError? in
            do throws(ScriptError) {
                try await workers.compile(program)
                return nil
            } catch {
                return error
            }
        }.value
    }

    /// The value of a metric; 0 when there is none.
    func metric(_ name: String) -> Double {
        for line in metrics.render().split(separator: "\n") where line.hasPrefix(name + " ") {
            return Double(line.dropFirst(name.count + 1)) ?? 0
        }
        return 0
    }
}
