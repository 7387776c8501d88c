import TBEL

/// Scripts by handle, compiled once for all handles of the same source. At most ``capacity`` stay compiled; the one that
/// was not used for the longest time is compiled again when it is called.
struct CompiledScripts: ~Copyable {
    private final class Entry {
        let source: ScriptSource
        var script: TBELScript?
        var handles = 0
        var lastUse: UInt64 = 0
        /// Whether a run of it took too long for an event loop.
        var isSlow = false

        init(_ source: ScriptSource) { self.source = source }
    }

    struct Found {
        var source: ScriptSource
        /// `nil` when it had to make room.
        var script: TBELScript?
        var isSlow: Bool
    }

    private let capacity: Int
    private var byHandle: [ScriptHandle: Entry] = [:]
    private var bySource: [ScriptSource: Entry] = [:]
    private var uses: UInt64 = 0
    private var compiled = 0

    init(capacity: Int) { self.capacity = capacity }

    func script(for source: ScriptSource) -> TBELScript? { bySource[source]?.script }

    mutating func add(_ script: TBELScript, _ source: ScriptSource) -> ScriptHandle {
        let entry = bySource[source] ?? Entry(source)
        bySource[source] = entry
        entry.handles += 1
        let handle = ScriptHandle()
        byHandle[handle] = entry
        keep(script, entry)
        return handle
    }

    mutating func find(_ handle: ScriptHandle) -> Found? {
        guard let entry = byHandle[handle] else { return nil }
        uses += 1
        entry.lastUse = uses
        return Found(source: entry.source, script: entry.script, isSlow: entry.isSlow)
    }

    mutating func keep(_ script: TBELScript, _ handle: ScriptHandle) {
        if let entry = byHandle[handle] { keep(script, entry) }
    }

    func markSlow(_ handle: ScriptHandle) { byHandle[handle]?.isSlow = true }

    mutating func release(_ handle: ScriptHandle) {
        guard let entry = byHandle.removeValue(forKey: handle) else { return }
        entry.handles -= 1
        guard entry.handles == 0 else { return }
        bySource[entry.source] = nil
        if entry.script != nil { compiled -= 1 }
    }

    private mutating func keep(_ script: TBELScript, _ entry: Entry) {
        uses += 1
        entry.lastUse = uses
        guard entry.script == nil else { return }
        entry.script = script
        compiled += 1
        guard compiled > capacity else { return }
        let oldest = bySource.values.filter { $0.script != nil && $0 !== entry }.min { $0.lastUse < $1.lastUse }
        if let oldest {
            oldest.script = nil
            compiled -= 1
        }
    }
}
