import Kafka
import KafkaQueue
import Messages
import Queue
import Synchronization
import TestSupport
import Testing

/// Executors of scripts behind Kafka, and who asks them.
@Suite(.serialized) struct ScriptServingTests {
    private let key = ScriptKey(hash: "h", functionName: "f")

    private func invoke(_ text: String) -> ScriptRequest {
        .invoke(key, arguments: [text], milliseconds: 1000, body: nil)
    }

    /// A node that asks, and servers of the same topic; ended after `body`.
    private func withExecutors(
        _ backend: Backend, count: Int = 1, maximumPending: Int = 100, maximumInWork: Int = 10,
        handler: @escaping KafkaScriptServer.Handler,
        _ body: (KafkaScriptExecutors, [KafkaScriptServer]) async throws -> Void
    ) async throws {
        try await withHub(backend) { hub in
            let node = try KafkaNode(hub: hub, serviceID: "t1")
            let executors = KafkaScriptExecutors(node: node, maximumPending: maximumPending)
            try await executors.ensureTopics()
            try await node.start()
            let servers = try (0..<count).map { _ in
                try KafkaScriptServer(hub: hub, maximumInWork: maximumInWork, handler: handler)
            }
            for server in servers { try await server.start() }
            try await body(executors, servers)
            for server in servers { await server.stop() }
            await node.stop()
        }
    }

    @Test(arguments: Backend.all)
    func everyRequestIsAnsweredToWhoeverAsked(_ backend: Backend) async throws {
        try await withExecutors(backend, count: 2) { request, left in
            guard case .invoke(_, let arguments, _, _) = request, left > .zero else {
                return .failed(.runtime, details: "other")
            }
            return .result(arguments[0] + "!")
        } _: { executors, _ in
            let texts = (0..<100).map(String.init)
            let answers = await withTaskGroup(of: (String, ScriptReply?).self) { group in
                for text in texts {
                    group.addTask { (text, try? await executors.ask(invoke(text), within: .seconds(60))) }
                }
                return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
            }
            for text in texts { #expect(answers[text] == .result(text + "!")) }
            #expect(executors.pendingCount == 0)
        }
    }

    @Test func aRequestThatNobodyAnswersFailsInTimeAndItsLateAnswerIsLeftOut() async throws {
        let gate = Flag()
        try await withExecutors(.mock) { _, _ in
            while !gate.isSet { try? await Task.sleep(for: .milliseconds(10)) }
            return .result("late")
        } _: { executors, servers in
            await #expect(throws: ScriptRequestError.noAnswer) {
                _ = try await executors.ask(invoke("a"), within: .milliseconds(100))
            }
            gate.set()
            // It was begun or not, in time or not: whatever comes is for nobody.
            try await eventually("nothing in work") { servers[0].inWork == 0 }
            #expect(try await executors.ask(invoke("b"), within: .seconds(60)) == .result("late"))
        }
    }

    @Test func anExecutorThatComesLaterSkipsWhatNobodyWaitsFor() async throws {
        try await withHub { hub in
            let node = try KafkaNode(hub: hub, serviceID: "t1")
            let executors = KafkaScriptExecutors(node: node, maximumPending: 100)
            try await executors.ensureTopics()
            try await node.start()
            await #expect(throws: ScriptRequestError.noAnswer) {
                _ = try await executors.ask(invoke("old"), within: .milliseconds(1))
            }
            let seen = Arrivals<String>()
            let server = try KafkaScriptServer(hub: hub, maximumInWork: 10) { request, _ in
                if case .invoke(_, let arguments, _, _) = request { seen.add(arguments[0]) }
                return .result("")
            }
            try await server.start()
            // To every partition, so that whatever was before it was seen.
            let answered = await withTaskGroup(of: Bool.self) { group in
                for _ in 0..<50 {
                    group.addTask { (try? await executors.ask(invoke("new"), within: .seconds(60))) == .result("") }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(answered == 50)
            #expect(Set(seen.elements) == ["new"])
            await server.stop()
            await node.stop()
        }
    }

    @Test func noMoreRequestsWaitThanMay() async throws {
        let gate = Flag()
        try await withExecutors(.mock, maximumPending: 2) { _, _ in
            while !gate.isSet { try? await Task.sleep(for: .milliseconds(10)) }
            return .result("")
        } _: { executors, _ in
            async let first = executors.ask(invoke("a"), within: .seconds(60))
            async let second = executors.ask(invoke("b"), within: .seconds(60))
            try await eventually("two wait") { executors.pendingCount == 2 }
            await #expect(throws: ScriptRequestError.tooMany) {
                _ = try await executors.ask(invoke("c"), within: .seconds(60))
            }
            gate.set()
            #expect(try await [first, second] == [.result(""), .result("")])
        }
    }

    @Test func moreRequestsThanMayBeInWorkWaitAndAreAnsweredAllTheSame() async throws {
        let most = Mutex((now: 0, ever: 0))
        try await withExecutors(.mock, maximumInWork: 3) { _, _ in
            most.withLock {
                $0.now += 1
                $0.ever = max($0.ever, $0.now)
            }
            try? await Task.sleep(for: .milliseconds(5))
            most.withLock { $0.now -= 1 }
            return .result("x")
        } _: { executors, _ in
            let count = await withTaskGroup(of: Bool.self) { group in
                for number in 0..<40 {
                    group.addTask {
                        (try? await executors.ask(invoke("\(number)"), within: .seconds(60))) == .result("x")
                    }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(count == 40)
            #expect(most.withLock { $0.ever } <= 3)
        }
    }

    /// The mock does not divide a group anew when a member leaves.
    @Test(arguments: Backend.all.filter { $0 == .real })
    func anExecutorThatStopsLeavesItsPartitionsToTheOthers(_ backend: Backend) async throws {
        try await withExecutors(backend, count: 2) { _, _ in
            .result("")
        } _: { executors, servers in
            _ = try await executors.ask(invoke("a"), within: .seconds(60))
            await servers[0].stop()
            let answered = await withTaskGroup(of: Bool.self) { group in
                for _ in 0..<40 {
                    // Less than the group would need to find out by itself.
                    group.addTask { (try? await executors.ask(invoke("a"), within: .seconds(30))) == .result("") }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(answered == 40)
        }
    }

    @Test func aResultThatNoRecordTakesIsAFailureThatSaysSo() async throws {
        try await withExecutors(.mock) { _, _ in
            .result(String(repeating: "x", count: 1_100_000))
        } _: { executors, _ in
            let reply = try await executors.ask(invoke("a"), within: .seconds(60))
            guard case .failed(.tooLarge, let details) = reply else {
                Issue.record("\(reply)")
                return
            }
            #expect(details.contains("larger"))
        }
    }
}
