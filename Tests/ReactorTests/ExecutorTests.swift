import Reactor
import TestSupport
import Testing

/// An actor that lives on a loop.
private actor LoopActor {
    let loop: EventLoop
    private var value = 0

    init(_ loop: EventLoop) { self.loop = loop }

    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    func increment() -> (value: Int, isOnLoop: Bool) {
        value += 1
        return (value, loop.isCurrent)
    }

    /// Waits in the middle, and comes back to the loop.
    func incrementTwice(around other: LoopActor) async -> Bool {
        value += 1
        _ = await other.increment()
        value += 1
        return loop.isCurrent
    }
}

private func currentIs(_ loop: EventLoop) async -> Bool {
    EventLoop.current === loop
}

@Suite struct ExecutorTests {
    @Test func aTaskThatPrefersTheLoopRunsOnIt() async throws {
        try await withLoop { loop in
            let seen = await Task(executorPreference: loop) {
                let before = loop.isCurrent
                await Task.yield()
                let inside = await currentIs(loop)
                return [before, inside, loop.isCurrent]
            }.value
            #expect(seen == [true, true, true])
            #expect(!loop.isCurrent)
        }
    }

    @Test func aTaskMovesBetweenLoopsAndBack() async throws {
        try await withLoops(2) { loops in
            let seen = await Task(executorPreference: loops[0]) {
                let other = await withTaskExecutorPreference(loops[1]) { await currentIs(loops[1]) }
                return (other, loops[0].isCurrent)
            }.value
            #expect(seen == (true, true))
        }
    }

    @Test func anActorOnTheLoopIsIsolatedByIt() async throws {
        try await withLoops(2) { loops in
            let one = LoopActor(loops[0])
            let other = LoopActor(loops[1])
            #expect(await one.increment() == (1, true))
            #expect(await one.incrementTwice(around: other))
            #expect(await one.increment() == (4, true))
            #expect(await other.increment() == (2, true))
        }
    }

    @Test func manyTasksFinish() async throws {
        try await withLoops(2) { loops in
            let sum = await withTaskGroup(of: Int.self) { group in
                for number in 0..<1000 {
                    group.addTask(executorPreference: loops[number % 2]) {
                        await Task.yield()
                        return number
                    }
                }
                return await group.reduce(0, +)
            }
            #expect(sum == 499_500)
        }
    }

    @Test func aTaskWakesConnectionsOfItsLoop() async throws {
        try await withLoop { loop in
            let server = try ScriptedServer(on: loop, ScriptedHandler.collect)
            let client = try await server.connect(from: loop)
            let handler = try await server.onlyHandler()
            let id = await handler.withConnection { $0.id }
            await Task(executorPreference: loop) {
                await Task.yield()
                loop.connection(for: id)?.write([4, 2])
            }.value
            try await eventually { client.record.received == [4, 2] }
        }
    }
}
