import Testing

@testable import LoadTester

@Suite struct HistoryReaderTests {
    @Test func timeStampsAreSortedByKey() {
        let body = #"""
            {"b":[{"ts":3,"value":"{\"ts\":9}"}],"x":[{"ts":7,"value":1}],
            "a":[{"ts":1,"value":"1"},{"ts":2,"value":""}]}
            """#
        #expect(HistoryReader.timestamps(in: Array(body.utf8), keys: ["a", "b", "c"]) == [[1, 2], [3], []])
    }

    @Test(arguments: ["[]", "", "{\"a\":1}"])
    func otherAnswersAreRefused(body: String) {
        #expect(HistoryReader.timestamps(in: Array(body.utf8), keys: ["a"]) == nil)
    }
}

@Suite struct VerificationTests {
    @Test func whatIsMissingIsFound() {
        #expect(Verification.difference([1, 3, 5], [1, 2, 3, 4]) == [5])
        #expect(Verification.difference([], [1]) == [])
        #expect(Verification.difference([1, 2], []) == [1, 2])
        #expect(Verification.merge([1, 3], [2, 3]) == [1, 2, 3])
    }

    @Test func aLargeDocumentIsCheckedAtBothEnds() {
        #expect(Verification.checkedKeys(of: .smartMeter) == ["pulseCounter", "leakage", "batteryLevel"])
        #expect(Verification.checkedKeys(of: .industrialPLC) == ["line000", "line059"])
    }
}
