import Synchronization
import TestSupport
import Testing

@testable import ServiceHealth

/// Checks of things that may be out of reach without saying so.
struct HealthProbeTests {
    /// A check that answers when it is told to.
    private final class SlowCheck: Sendable {
        private let waiting = Mutex<[CheckedContinuation<Bool, Never>]>([])

        var running: Int { waiting.withLock { $0.count } }

        func answer() async -> Bool {
            await withCheckedContinuation { continuation in waiting.withLock { $0.append(continuation) } }
        }

        func end(_ result: Bool) {
            let all = waiting.withLock { waiting in
                defer { waiting = [] }
                return waiting
            }
            for one in all { one.resume(returning: result) }
        }
    }

    @Test func whatDoesNotAnswerInTimeDoesNotHoldAndIsAskedOnceOnly() async throws {
        let check = SlowCheck()
        let probe = HealthProbe(HealthCheck("slow") { await check.answer() })
        for _ in 0..<3 {
            let result = await probe.result(within: .milliseconds(1))
            #expect(!result)
        }
        try await eventually { check.running == 1 }
        // Who comes while it runs hears what it says.
        async let late = probe.result(within: .seconds(60))
        async let later = probe.result(within: .seconds(60))
        // It may still be on its way there, so that it starts a check of its own.
        let ending = Task {
            while !Task.isCancelled {
                check.end(true)
                await Task.yield()
            }
        }
        let results = await [late, later]
        ending.cancel()
        #expect(results == [true, true])
    }

    @Test func eachRoundOfQuestionsIsAnsweredAnew() async {
        let answers = Mutex([true, false, true])
        let probe = HealthProbe(HealthCheck("changing") { answers.withLock { $0.removeFirst() } })
        var heard: [Bool] = []
        for _ in 0..<3 { heard.append(await probe.result(within: .seconds(60))) }
        #expect(heard == [true, false, true])
    }
}
