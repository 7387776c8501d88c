import Model
import ScriptEngine
import Testing

@Suite struct ScriptErrorTests {
    @Test func whatAScriptThrowsBringsItNoCloserToBeingBlocked() {
        #expect(!ScriptError.runtime("x").countsTowardsBlocking)
        for error in [ScriptError.timeout, .compilation("x"), .tooLarge("x"), .crashed("x")] {
            #expect(error.countsTowardsBlocking)
        }
    }

    @Test func aBlockedScriptIsNamed() {
        let script = UUID128(high: 0, low: 1)
        #expect(
            ScriptError.blocked(maximumErrors: 3, script: script).message
                == "Script invocation is blocked due to maximum error count 3, scriptId \(script)!")
    }
}
