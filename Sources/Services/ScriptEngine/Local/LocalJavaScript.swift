public import JSON
import Model
import Synchronization

/// Scripts in JavaScript, run by workers of this process. To be called on event loops.
public final class LocalJavaScript: ScriptEvaluator {
    private let runner: any JavaScriptRunner
    private let programs = Mutex<[ScriptHandle: JavaScriptProgram]>([:])

    public init(_ runner: any JavaScriptRunner) {
        self.runner = runner
    }

    public var language: ScriptLanguage { .javaScript }

    public func compile(_ source: ScriptSource) async throws(ScriptError) -> ScriptHandle {
        let handle = ScriptHandle()
        let name = handle.id.text.replacing("-", with: "_")
        let program = JavaScriptProgram(source, hash: handle.id.text, functionName: "invokeInternal_\(name)")
        do throws(ScriptError) {
            try await runner.compile(program)
        } catch {
            runner.release(program)
            guard case .compilation(let text) = error else { throw error }
            throw .compilation("Can't compile script: \(text)")
        }
        programs.withLock { $0[handle] = program }
        return handle
    }

    public func invoke(_ script: ScriptHandle, _ message: ScriptMessage) async throws(ScriptError) -> JSONValue {
        guard let program = programs.withLock({ $0[script] }) else { throw .notFound }
        let arguments = [message.data, JavaScriptText.metadata(message.metadata), message.type]
        guard let text = try await runner.invoke(program, arguments, limit: nil) else { return .null }
        return try JavaScriptText.value(text)
    }

    public func release(_ script: ScriptHandle) {
        guard let program = programs.withLock({ $0.removeValue(forKey: script) }) else { return }
        runner.release(program)
    }
}

/// How messages and results look to programs in JavaScript.
public enum JavaScriptText {
    /// Metadata as a JSON object, keys in order.
    public static func metadata(_ metadata: [String: String]) -> String {
        var writer = JSONWriter()
        writer.object { writer in
            for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
                writer.key(key)
                writer.value(value)
            }
        }
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    /// The result of a program.
    public static func value(_ text: String) throws(ScriptError) -> JSONValue {
        do throws(JSONError) {
            return try JSONValue.parse(text)
        } catch {
            throw .runtime("The script's result is no JSON: \(error)")
        }
    }
}
