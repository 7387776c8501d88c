import Messages
import Queue

/// Runs programs in executors that are asked through a queue (`rule-engine.md` 6.3): by hash, and with the text where the one
/// that took the request does not know it.
final class RemoteRunner: JavaScriptRunner {
    private let executors: any ScriptExecutors
    private let settings: RemoteJavaScriptSettings

    init(executors: any ScriptExecutors, settings: RemoteJavaScriptSettings) {
        self.executors = executors
        self.settings = settings
    }

    func compile(_ program: JavaScriptProgram) async throws(ScriptError) { try await compile(program, within: nil) }

    /// - Parameter limit: what is waited at most, where that is less than executors have for it.
    func compile(_ program: JavaScriptProgram, within limit: Duration?) async throws(ScriptError) {
        let limit = min(limit ?? settings.compileTimeout, settings.compileTimeout)
        let reply = try await ask(.compile(program.key, body: program.text), within: limit)
        guard case .compiled = reply else { throw Self.error(reply) }
    }

    func invoke(
        _ program: JavaScriptProgram, _ arguments: [String], limit: Duration?
    ) async throws(ScriptError) -> String? {
        let milliseconds = Int(clamping: (limit ?? settings.executionTimeout).wholeMilliseconds)
        func request(_ body: String?) -> ScriptRequest {
            .invoke(program.key, arguments: arguments, milliseconds: milliseconds, body: body)
        }
        var reply = try await ask(request(nil), within: settings.requestTimeout)
        if case .failed(.notFound, _) = reply {
            reply = try await ask(request(program.text), within: settings.requestTimeout)
        }
        guard case .result(let text) = reply else { throw Self.error(reply) }
        return text.isEmpty ? nil : text
    }

    /// Only one executor hears of it; the others forget what they have not used for long.
    func release(_ program: JavaScriptProgram) {
        let (executors, limit) = (executors, settings.requestTimeout)
        Task.detached { _ = try? await executors.ask(.release(program.key), within: limit) }
    }

    private func ask(_ request: ScriptRequest, within limit: Duration) async throws(ScriptError) -> ScriptReply {
        do {
            return try await executors.ask(request, within: limit)
        } catch {
            // A script whose executors are gone did nothing wrong.
            switch error {
            case .tooMany: throw .unavailable("Too many requests to executors of scripts wait!")
            case .noAnswer:
                throw .unavailable("No executor of scripts answered in \(limit.wholeMilliseconds) ms!")
            case .notSent(let text): throw .unavailable("Executors of scripts cannot be reached: \(text)")
            }
        }
    }

    private static func error(_ reply: ScriptReply) -> ScriptError {
        guard case .failed(let failure, let details) = reply else {
            return .unavailable("An executor of scripts answered something else!")
        }
        return switch failure {
        case .compilation: .compilation(details)
        case .runtime: .runtime(details)
        case .timeout: .timeout
        case .notFound: .notFound
        case .tooLarge: .tooLarge(details)
        case .crashed: .crashed(details)
        case .unavailable: .unavailable(details)
        }
    }
}

extension JavaScriptProgram {
    var key: ScriptKey { ScriptKey(hash: hash, functionName: functionName) }
}

extension Duration {
    fileprivate var wholeMilliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }
}
