import JSON
import TBEL
import Testing

/// A clock that stands still, or advances a millisecond with every look.
final class StillClock: TBELClock, @unchecked Sendable {
    private var time: UInt64 = 0
    private let advances: Bool

    init(advances: Bool = false) { self.advances = advances }

    func milliseconds() -> Int64 { 1_693_962_245_345 }

    func nanoseconds() -> UInt64 {
        if advances { time += 1_000_000 }
        return time
    }
}

/// What scripts of the tables are given.
let message: JSONValue = [
    "i": 1, "d": 2.5, "s": "abc", "n": "12", "b": true, "l": [3, 1, 2], "m": ["k": 1], "L": 3_000_000_000, "z": nil,
]

/// The result of a script as JSON text, or its error as `! text`.
func run(_ script: String, limits: TBELLimits = TBELLimits(), clock: any TBELClock = StillClock()) -> String {
    do {
        let script = try TBELScript(script, arguments: ["msg", "metadata", "msgType"])
        return try script.run([message, ["k": "v"], "T"], limits: limits, clock: clock).serializedString
    } catch {
        return "! \(error.text)"
    }
}

/// A script and what it gives.
struct Row: Sendable, CustomTestStringConvertible {
    var script: String
    var result: String

    init(_ script: String, _ result: String) {
        self.script = script
        self.result = result
    }

    var testDescription: String { script }
}
