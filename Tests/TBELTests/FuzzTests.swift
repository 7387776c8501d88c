import JSON
import TBEL
import Testing

/// Scripts that chance has made end with a result or an error, and with nothing else.
struct FuzzTests {
    /// The same numbers every time.
    private struct Chance {
        var state: UInt64

        mutating func next(below bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(truncatingIfNeeded: state >> 33) % bound
        }
    }

    private static let seeds = [
        "var s = 0; for (var i = 0; i < 9; i++) { s += msg.l[i % 3]; } return {a: s, b: [s, \"x\" + s]};",
        "function f(a, b) { if (a > b) { return a; } else return f(b, a + 1); } f(msg.i, 3)",
        "foreach (e : msg) { if (e.value == null) { break; } e.key.toUpperCase() # e.value; }",
        "switch (msg.s) { case \"abc\": msg.l.sort(); case 2: return msg.l; default: return ~5 & 0xFF << 2; }",
        "var m = {}; m.put(\"a\", [1, 2.5, null]); m[\"b\"] = m.?c.d; m.a.splice(1, 1, 'y'); m.toSortedByKey()",
        "msg.s.replaceAll(\"(a|b)+\", \"$1\").split(\"\").join('-') ~= \"[a-c\\\\-]*\" ? 1 : (int) \"5\"",
        "var d = new Date(2023, 1, 31); d.addMonths(msg.i); d.toISOString() + String.format(\"%5.2f|%x\", 2.5, 255)",
        "while (msg.i++ < 5) { msg.l.push(msg.i ** 2); } do { msg.l.pop(); } until (msg.l.size() == 0); msg.l",
        "toFlatMap(msg); parseBytesToInt(hexToBytes(\"0A0B\"), 0, 2, false) / parseInt(\"0x1F\") or empty",
    ]

    private static let words = [
        "(", ")", "{", "}", "[", "]", ";", ",", ":", ".", ".?", "=", "==", "+", "-", "*", "/", "%", "**", "++", "&&",
        "||", "!", "~", "#", "?", "<<", ">>>",
        "var ", "if ", "else ", "for ", "foreach ", "while ", "do ", "return ", "break;", "switch ", "case ",
        "function f", "new ", "null", "true", "msg", "msg.l", "0", "1",
        "-1", "2147483647", "9223372036854775807", "1e308", "\"\"", "\"a\"", "'é😀'", "f(", "Math.", "Date", "isdef ",
        " instanceof ", " contains ", "(int) ", "\n", "\\", "\"", "0x", "1.5f",
    ]

    @Test(arguments: 0..<4)
    func scriptsMadeByChance(_ round: Int) throws {
        var chance = Chance(state: UInt64(round) &* 7_919 &+ 1)
        for _ in 0..<1_500 {
            var script = Array(FuzzTests.seeds[chance.next(below: FuzzTests.seeds.count)].unicodeScalars)
            for _ in 0...chance.next(below: 4) {
                let at = chance.next(below: script.count + 1)
                switch chance.next(below: 4) {
                case 0:
                    script.insert(
                        contentsOf: FuzzTests.words[chance.next(below: FuzzTests.words.count)].unicodeScalars, at: at)
                case 1: script.removeSubrange(at..<min(script.count, at + 1 + chance.next(below: 6)))
                case 2:
                    let end = min(script.count, at + chance.next(below: 30))
                    script.insert(contentsOf: Array(script[at..<end]), at: chance.next(below: script.count + 1))
                default: if at < script.count { script[at] = Unicode.Scalar(UInt8(32 + chance.next(below: 95))) }
                }
            }
            var text = String.UnicodeScalarView()
            text.append(contentsOf: script)
            do {
                let compiled = try TBELScript(String(text), arguments: ["msg", "metadata", "msgType"])
                let limits = TBELLimits(time: .milliseconds(20), memory: 1 << 20)
                _ = try compiled.run([message, [:], "T"], limits: limits, clock: StillClock(advances: true))
            } catch {
                #expect(!error.message.isEmpty)
            }
        }
    }
}
