import Cluster
import Testing

@Suite struct ReachabilityJudgeTests {
    private func time(_ seconds: Int64) -> BootTime { BootTime(nanoseconds: seconds * 1_000_000_000) }

    @Test func whoIsCutOffForLongWithdrawsOnceAndRejoins() {
        var judge = ReachabilityJudge(patience: .seconds(60), at: time(0))
        var verdicts: [ReachabilityJudge.Verdict] = []
        for second in stride(from: Int64(10), through: 100, by: 10) {
            verdicts.append(judge.observe(false, from: time(second - 5), to: time(second)))
        }
        #expect(verdicts == [.stay, .stay, .stay, .stay, .stay, .withdraw, .stay, .stay, .stay, .stay])
        let back = judge.observe(true, from: time(105), to: time(106))
        #expect(back == .rejoin)
        let after = judge.observe(true, from: time(110), to: time(111))
        #expect(after == .stay)
    }

    @Test func aShortOutageChangesNothing() {
        var judge = ReachabilityJudge(patience: .seconds(60), at: time(0))
        for second in stride(from: Int64(10), through: 500, by: 10) {
            let verdict = judge.observe(second % 50 == 0, from: time(second - 1), to: time(second))
            #expect(verdict == .stay)
        }
    }

    @Test func aPauseOfTheProcessIsNoOutage() {
        var judge = ReachabilityJudge(patience: .seconds(60), at: time(0))
        let verdict = judge.observe(false, from: time(5), to: time(500))
        #expect(verdict == .stay)
    }
}
