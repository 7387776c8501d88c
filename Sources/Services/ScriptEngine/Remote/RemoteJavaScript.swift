import Crypto
public import JSON
import Messages
import Model
public import Queue
import Synchronization

/// Scripts in JavaScript, run by executors that are asked through a queue (`rule-engine.md` 6.3). Safe from any thread.
///
/// The same script of a tenant is the same for executors wherever it is used, and they forget it when its last handle of this
/// process is let go of; who needs it still sends its text again.
public final class RemoteJavaScript: ScriptEvaluator {
    private struct State {
        var programs: [ScriptHandle: JavaScriptProgram] = [:]
        /// Handles of each hash.
        var uses: [String: Int] = [:]
    }

    private let runner: RemoteRunner
    private let state = Mutex(State())

    public init(executors: any ScriptExecutors, settings: RemoteJavaScriptSettings) {
        runner = RemoteRunner(executors: executors, settings: settings)
    }

    public var language: ScriptLanguage { .javaScript }

    public func compile(_ source: ScriptSource) async throws(ScriptError) -> ScriptHandle {
        let program = Self.program(source)
        try await runner.compile(program, within: nil)
        return keep(program)
    }

    /// Where no executor answers, the first that does compiles the script when it runs: it is sent its text then.
    public func compile(_ source: ScriptSource, within limit: Duration) async throws(ScriptError) -> ScriptHandle {
        let program = Self.program(source)
        do {
            try await runner.compile(program, within: limit)
        } catch .unavailable {
            // What runs it says so.
        }
        return keep(program)
    }

    private static func program(_ source: ScriptSource) -> JavaScriptProgram {
        let hash = hash(source)
        return JavaScriptProgram(source, hash: hash, functionName: "invokeInternal_\(hash)")
    }

    private func keep(_ program: JavaScriptProgram) -> ScriptHandle {
        let handle = ScriptHandle()
        state.withLock { state in
            state.programs[handle] = program
            state.uses[program.hash, default: 0] += 1
        }
        return handle
    }

    public func invoke(_ script: ScriptHandle, _ message: ScriptMessage) async throws(ScriptError) -> JSONValue {
        guard let program = state.withLock({ $0.programs[script] }) else { throw .notFound }
        let arguments = [message.data, JavaScriptText.metadata(message.metadata), message.type]
        guard let text = try await runner.invoke(program, arguments, limit: nil) else { return .null }
        return try JavaScriptText.value(text)
    }

    public func release(_ script: ScriptHandle) {
        let last = state.withLock { state -> JavaScriptProgram? in
            guard let program = state.programs.removeValue(forKey: script) else { return nil }
            state.uses[program.hash]? -= 1
            guard state.uses[program.hash] == 0 else { return nil }
            state.uses[program.hash] = nil
            return program
        }
        if let last { runner.release(last) }
    }

    /// Of the tenant, the body and what it calls its arguments, in the form of the reference platform: the tenant's halves least
    /// significant byte first, texts as UTF-16.
    static func hash(_ source: ScriptSource) -> String {
        func bytes(_ word: UInt64) -> [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(8 * $0)) } }
        let names = source.argumentNames
        let text = names == .message ? source.body : "\(names.data),\(names.metadata),\(names.type)\n\(source.body)"
        let units = text.utf16.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] }
        return Checksum.murmur3x128.digits(of: bytes(source.tenant.uuid.high) + bytes(source.tenant.uuid.low) + units)
    }
}
