internal import CScriptWorker
internal import JavaScript
internal import ScriptWire

/// The scripts that a worker has compiled, by the numbers that its parent gave them. Of too many, the ones that were used
/// least recently go; the parent compiles them again when they are asked for.
final class CompiledScripts {
    /// Most scripts that are kept.
    static let capacity = 1_000
    /// Longest result, in bytes.
    static let maximumResult = 16 << 20

    private struct Entry {
        let function: JavaScriptFunction
        var lastUse: UInt64
    }

    private let group = JavaScriptGroup()
    private let limits: ScriptWorker.Limits
    private var entries: [UInt64: Entry] = [:]
    private var uses: UInt64 = 0

    init(limits: ScriptWorker.Limits) {
        self.limits = limits
        group.setTimeLimit(seconds: Double(limits.time) / 1_000)
    }

    var count: Int { entries.count }

    /// Makes the library read everything that it reads later only if it is used: files cannot be opened then.
    func warmUp() {
        let program = """
            function warm() {
                try { nothing } catch (e) { String(e.stack) }
                return [new Date().toString(), new Date().toLocaleString(), (1.5).toLocaleString(),
                    "b".localeCompare("a"), /a+(?=b)/iu.test("xab"), "İ".toLowerCase(), "é".normalize("NFD"),
                    JSON.stringify({a: [1, "x", null]}), Math.random(),
                    new Intl.DateTimeFormat("en", {timeZone: "Europe/Berlin"}).format(0)].length
            }
            """
        var bytes: [UInt8] = []
        guard let function = try? JavaScriptFunction("warm", program: program, in: group) else { return }
        _ = try? function.call([], into: &bytes)
    }

    func compile(_ script: UInt64, _ functionName: String, _ program: String) -> (ScriptWire.Failure, String)? {
        do throws(JavaScriptError) {
            group.setTimeLimit(seconds: Double(limits.time) / 1_000)
            let function = try JavaScriptFunction(functionName, program: program, in: group)
            uses += 1
            entries[script] = Entry(function: function, lastUse: uses)
            if entries.count > Self.capacity { forget(keeping: Self.capacity * 9 / 10) }
            return nil
        } catch {
            switch error {
            case .syntax(let text), .thrown(let text): return (.compilation, text)
            case .timeLimit: return (.timeout, "")
            case .noFunction(let name): return (.compilation, "no function \(name)")
            }
        }
    }

    /// Calls a script; its result is appended to `bytes`.
    func invoke(
        _ script: UInt64, limit: UInt32, _ arguments: [UnsafeRawBufferPointer], into bytes: inout [UInt8]
    ) -> (hasResult: Bool, failure: (ScriptWire.Failure, String)?) {
        uses += 1
        guard let index = entries.index(forKey: script) else { return (false, (.notFound, "")) }
        entries.values[index].lastUse = uses
        group.setTimeLimit(seconds: Double(limit == 0 ? limits.time : min(limits.time, Int(limit))) / 1_000)
        let start = bytes.count
        do throws(JavaScriptError) {
            let hasResult = try entries.values[index].function.call(arguments, into: &bytes)
            guard bytes.count - start <= Self.maximumResult else {
                return (false, (.tooLarge, "Script invocation result exceeds \(Self.maximumResult) bytes"))
            }
            return (hasResult, nil)
        } catch {
            switch error {
            case .thrown(let text), .syntax(let text): return (false, (.runtime, text))
            case .timeLimit: return (false, (.timeout, ""))
            case .noFunction(let name): return (false, (.runtime, "no function \(name)"))
            }
        }
    }

    func release(_ script: UInt64) {
        entries[script] = nil
    }

    /// Makes room when what is kept has grown too large. To be called between calls.
    ///
    /// - Returns: Whether the worker can go on; otherwise it should end and be replaced.
    func limitMemory() -> Bool {
        var memory = Int(needletail_worker_memory())
        while memory > limits.memory {
            guard let function = entries.values.first?.function else { return false }
            function.collectGarbage()
            memory = Int(needletail_worker_memory())
            guard memory > limits.memory else { break }
            guard entries.count > 1 else { return false }
            forget(keeping: entries.count / 2)
        }
        needletail_worker_limit_memory(Int64(memory + limits.memory))
        return true
    }

    private func forget(keeping kept: Int) {
        let order = entries.sorted { $0.value.lastUse < $1.value.lastUse }
        for (script, _) in order.prefix(max(0, entries.count - kept)) { entries[script] = nil }
    }
}
