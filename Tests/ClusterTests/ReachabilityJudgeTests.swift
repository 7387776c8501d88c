import Cluster
import Testing

@Suite struct ReachabilityJudgeTests {
    private func time(_ seconds: Int64) -> BootTime { BootTime(nanoseconds: seconds * 1_000_000_000) }

    /// Fails once a second; returns after how many the judge withdraws.
    private func secondsUntilWithdrawal(
        _ judge: inout ReachabilityJudge, within limit: Int64, othersReach: (Int64) -> Bool
    ) -> Int64? {
        for second in 1...limit {
            var verdict = judge.observe(false, from: time(second - 1), to: time(second))
            if verdict == .stay { verdict = judge.observe(othersReach: othersReach(second), at: time(second)) }
            if verdict == .withdraw { return second }
        }
        return nil
    }

    @Test func whoIsCutOffAloneWithdrawsOnceAndRejoins() {
        var judge = ReachabilityJudge(patience: .seconds(6), at: time(0))
        let first = secondsUntilWithdrawal(&judge, within: 100) { _ in true }
        #expect(first == 6)
        let second = secondsUntilWithdrawal(&judge, within: 100) { _ in true }
        #expect(second == nil)
        let back = judge.observe(true, from: time(105), to: time(106))
        #expect(back == .rejoin)
        let after = judge.observe(true, from: time(110), to: time(111))
        #expect(after == .stay)
    }

    @Test func nobodyWithdrawsWhereNobodyReachesIt() {
        var judge = ReachabilityJudge(patience: .seconds(6), at: time(0))
        // They found out a moment later.
        let withdrew = secondsUntilWithdrawal(&judge, within: 1000) { $0 <= 2 }
        #expect(withdrew == nil)
    }

    @Test func oneThatIsAMomentLaterToFindItAgainStays() {
        var judge = ReachabilityJudge(patience: .seconds(6), at: time(0))
        let withdrew = secondsUntilWithdrawal(&judge, within: 103) { $0 > 100 }
        #expect(withdrew == nil)
        let back = judge.observe(true, from: time(103), to: time(104))
        #expect(back == .stay)
    }

    @Test func whoHasALongestPatienceWithdrawsWhateverOthersSay() {
        var judge = ReachabilityJudge(patience: .seconds(6), longest: .seconds(60), at: time(0))
        let withdrew = secondsUntilWithdrawal(&judge, within: 100) { _ in false }
        #expect(withdrew == 60)
    }

    @Test func aShortOutageChangesNothing() {
        var judge = ReachabilityJudge(patience: .seconds(6), longest: .seconds(60), at: time(0))
        for second in Int64(1)...500 {
            let verdict = judge.observe(second % 5 == 0, from: time(second - 1), to: time(second))
            #expect(verdict == .stay)
            let others = judge.observe(othersReach: true, at: time(second))
            #expect(others == .stay)
        }
    }

    @Test func aPauseOfTheProcessIsNoOutage() {
        var judge = ReachabilityJudge(patience: .seconds(6), longest: .seconds(60), at: time(0))
        let verdict = judge.observe(false, from: time(5), to: time(500))
        #expect(verdict == .stay)
        let others = judge.observe(othersReach: true, at: time(500))
        #expect(others == .stay)
    }
}
