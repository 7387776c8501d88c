import Model
import Synchronization

/// How often a script of a tenant failed in what counts (`rule-engine.md` 6.2), on whatever loops it runs. Safe from any
/// thread.
final class ScriptFaults: Sendable {
    private struct State {
        var errors = 0
        /// When the last of them was, in nanoseconds.
        var last: Int64 = 0
    }

    let id = UUID128.random()
    private let state = Mutex(State())

    var isNone: Bool { state.withLock { $0.errors == 0 } }

    func note(at now: Int64) {
        state.withLock { state in
            state.errors += 1
            state.last = now
        }
    }

    /// Whether it rests. The count begins anew when the rest is over.
    func isBlocked(by limits: ScriptLimits, at now: Int64) -> Bool {
        state.withLock { state in
            if state.errors > 0, now - state.last >= limits.rest.nanoseconds { state.errors = 0 }
            return state.errors >= limits.errors
        }
    }
}

/// The faults of the scripts that nodes have, by tenant, text and language, as long as somebody has them. Safe from any
/// thread.
final class SharedScriptFaults: Sendable {
    private struct Key: Hashable {
        var source: ScriptSource
        var language: ScriptLanguage
    }

    private struct Weak {
        weak var faults: ScriptFaults?
    }

    private struct State {
        var known: [Key: Weak] = [:]
        /// How many there may be until those are looked for that nobody has.
        var sweepAt = 64
    }

    private let state = Mutex(State())

    /// The record of a script.
    ///
    /// - Parameter former: A record that is over: its script was saved again.
    func faults(of source: ScriptSource, _ language: ScriptLanguage, former: ScriptFaults?) -> ScriptFaults {
        let key = Key(source: source, language: language)
        return state.withLock { state in
            if let known = state.known[key]?.faults, known !== former { return known }
            let made = ScriptFaults()
            state.known[key] = Weak(faults: made)
            if state.known.count >= state.sweepAt {
                state.known = state.known.filter { $0.value.faults != nil }
                state.sweepAt = max(64, 2 * state.known.count)
            }
            return made
        }
    }
}
