public import JSON
import Synchronization
import TBEL

/// Scripts in TBEL, run in this process (`rule-engine.md` 6.4).
///
/// Nearly every run takes microseconds and is done at once on the event loop of its caller. One that takes longer than
/// ``quickTime`` is given up there and begun anew on a thread of its own: a script changes nothing outside itself, so
/// nobody notices, and no loop stands still. From then on the script goes to a thread at once.
public final class LocalTBEL: ScriptEvaluator {
    public let language = ScriptLanguage.tbel

    private let limits: TBELLimits
    private let lane: SlowLane
    private let scripts: Mutex<CompiledScripts>

    private static let quickTime: Duration = .milliseconds(2)
    /// Longer scripts are compiled on a thread of their own.
    private static let quickSource = 5_000

    public init(_ settings: TBELSettings) {
        limits = TBELLimits(time: settings.timeout == .zero ? nil : settings.timeout, memory: settings.memory)
        lane = SlowLane(width: settings.threads)
        scripts = Mutex(CompiledScripts(capacity: settings.cachedScripts))
    }

    public func compile(_ source: ScriptSource) async throws(ScriptError) -> ScriptHandle {
        let known = scripts.withLock { $0.script(for: source) }
        let script = if let known { known } else { try await made(of: source) }
        return scripts.withLock { $0.add(script, source) }
    }

    public func invoke(_ handle: ScriptHandle, _ message: ScriptMessage) async throws(ScriptError) -> JSONValue {
        guard let found = scripts.withLock({ $0.find(handle) }) else { throw .notFound }
        var script = found.script
        if script == nil {
            // It was not used for so long that it had to make room.
            let made = try await made(of: found.source)
            scripts.withLock { $0.keep(made, handle) }
            script = made
        }
        let arguments = try Self.arguments(message, of: found.source)
        guard let script else { throw .notFound }
        if !found.isSlow {
            var quick = limits
            let limit = min(limits.time ?? Self.quickTime, Self.quickTime)
            quick.time = limit
            do {
                return try script.run(given: arguments, limits: quick)
            } catch {
                guard error.kind == .timeout, limit != limits.time else { throw Self.error(error) }
            }
            scripts.withLock { $0.markSlow(handle) }
        }
        let limits = limits
        let outcome = await lane.run { Self.outcome(script, arguments, limits) }
        switch outcome {
        case .success(let value): return value
        case .failure(let error): throw error
        case nil: throw .unavailable("Too many scripts in TBEL wait for a thread!")
        }
    }

    public func release(_ handle: ScriptHandle) {
        scripts.withLock { $0.release(handle) }
    }

    // MARK: Parts

    private static func outcome(
        _ script: TBELScript, _ arguments: [TBELArgument], _ limits: TBELLimits
    ) -> Result<JSONValue, ScriptError> {
        do {
            return .success(try script.run(given: arguments, limits: limits, clock: ThreadTimeClock()))
        } catch {
            return .failure(Self.error(error))
        }
    }

    private func made(of source: ScriptSource) async throws(ScriptError) -> TBELScript {
        let compiled: Result<TBELScript, ScriptError>?
        if source.body.utf8.count <= Self.quickSource {
            compiled = Self.compiled(source)
        } else {
            compiled = await lane.run { Self.compiled(source) }
        }
        switch compiled {
        case .success(let script): return script
        case .failure(let error): throw error
        case nil: throw .unavailable("Too many scripts in TBEL wait for a thread!")
        }
    }

    private static func compiled(_ source: ScriptSource) -> Result<TBELScript, ScriptError> {
        let names = source.argumentNames
        do {
            return .success(
                try TBELScript(source.body, arguments: source.ownArguments ?? [names.data, names.metadata, names.type]))
        } catch {
            return .failure(Self.error(error))
        }
    }

    /// The data as what it is in JSON, the metadata as a map of texts, the type as a text; no data is an empty map.
    private static func arguments(
        _ message: ScriptMessage, of source: ScriptSource
    ) throws(ScriptError) -> [TBELArgument] {
        if let names = source.ownArguments {
            precondition(names.count == message.ownArguments.count, "a script was given other arguments than it has")
            return message.ownArguments.map(TBELArgument.init)
        }
        let data: JSONValue
        do {
            data = message.data.isEmpty ? [:] : try JSONValue.parse(message.data)
        } catch {
            throw .runtime("The data of the message is no JSON: \(error)")
        }
        let metadata = JSONObject(message.metadata.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) })
        return [.value(data), .value(.object(metadata)), .value(.string(message.type))]
    }

    private static func error(_ error: TBELError) -> ScriptError {
        switch error.kind {
        case .syntax: .compilation(error.message)
        case .runtime: .runtime(error.message)
        case .timeout: .timeout
        case .memory: .tooLarge("Script memory overflow!")
        }
    }
}

extension TBELArgument {
    fileprivate init(_ argument: ScriptArgument) {
        switch argument {
        case .value(let value): self = .value(value)
        case .series(let start, let end, let points):
            self = .series(start: start, end: end, points.map { TBELPoint(time: $0.time, value: $0.value) })
        case .map(let members):
            self = .map(members.map { TBELMember($0.key, TBELArgument($0.value)) })
        }
    }
}
