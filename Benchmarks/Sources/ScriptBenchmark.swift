import JSON
import JavaScript
import Logging
import Metrics
import Model
import Reactor
import ScriptEngine
import Synchronization

/// Calls a second of a script that transforms a message: in this process, and through a worker with many calls on their way.
enum ScriptBenchmark {
    private static let body =
        "msg.fahrenheit = msg.temperature * 1.8 + 32; "
        + "return {msg: msg, metadata: metadata, msgType: msgType};"
    private static let message = ScriptMessage(
        data: #"{"temperature":21.5,"humidity":60,"leakage":false,"batteryLevel":81}"#,
        metadata: ["deviceName": "Device 1", "deviceType": "default", "ts": "1732000000000"],
        type: "POST_TELEMETRY_REQUEST")
    private static let callsOnTheirWay = 1_000

    static func run(for duration: Duration) async throws {
        try direct(duration)
        try await throughWorker(duration)
    }

    private final class Progress: Sendable {
        let finished = Atomic(0)
        let isOver = Atomic(false)
    }

    private static func direct(_ duration: Duration) throws {
        let group = JavaScriptGroup()
        group.setTimeLimit(seconds: 8)
        let program = JavaScriptProgram(ScriptSource(tenant: .system, body: body), hash: "", functionName: "f")
        let function = try JavaScriptFunction("f", program: program.text, in: group)
        let arguments = [message.data, JavaScriptText.metadata(message.metadata), message.type].map {
            Array($0.utf8) + [0]
        }
        let clock = ContinuousClock()
        var result: [UInt8] = []
        func calls(until deadline: ContinuousClock.Instant) throws -> Int {
            var count = 0
            while clock.now < deadline {
                for _ in 0..<100 {
                    result.removeAll(keepingCapacity: true)
                    _ = try arguments[0].withUnsafeBytes { a in
                        try arguments[1].withUnsafeBytes { b in
                            try arguments[2].withUnsafeBytes { c in
                                try function.call(
                                    [a, b, c].map { UnsafeRawBufferPointer(rebasing: $0.dropLast()) }, into: &result)
                            }
                        }
                    }
                }
                count += 100
            }
            return count
        }
        _ = try calls(until: clock.now + duration / 10)
        let began = clock.now
        let count = try calls(until: began + duration)
        Output.line(
            name: "transform script in JavaScriptCore itself", unit: "calls/s",
            perSecond: Double(count) / (clock.now - began).inSeconds)
    }

    private static func throughWorker(_ duration: Duration) async throws {
        let loop = try EventLoop(name: "scripts", index: 0)
        loop.start()
        let metrics = MetricsRegistry()
        let workers = JavaScriptWorkers(settings: LocalJavaScriptSettings(), logger: .disabled, metrics: metrics)
        let engine = ScriptEngine(evaluators: [LocalJavaScript(workers)], metrics: metrics)
        let progress = Progress()
        let script = try await Task(executorPreference: loop) {
            try await engine.prepare(ScriptSource(tenant: .system, body: body), .javaScript)
        }.value
        _ = try await Task(executorPreference: loop) { try await script.call(message) }.value
        let callers = Task(executorPreference: loop) {
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<callsOnTheirWay {
                    group.addTask(executorPreference: loop) {
                        while !progress.isOver.load(ordering: .relaxed), (try? await script.call(message)) != nil {
                            progress.finished.wrappingAdd(1, ordering: .relaxed)
                        }
                    }
                }
            }
        }
        let clock = ContinuousClock()
        try await clock.sleep(for: duration / 10)
        let before = progress.finished.load(ordering: .relaxed)
        let began = clock.now
        try await clock.sleep(for: duration)
        let count = progress.finished.load(ordering: .relaxed) - before
        let took = clock.now - began
        progress.isOver.store(true, ordering: .relaxed)
        await callers.value
        loop.stop()
        loop.join()
        Output.line(
            name: "transform script through a worker", unit: "calls/s", perSecond: Double(count) / took.inSeconds)
    }
}
