import Glibc
import Reactor
import Synchronization
import TestSupport
import Testing

@Suite struct LoopTests {
    @Test func stopEndsConnectionsAndListeners() async throws {
        let loop = try EventLoop(name: "stopped", index: 0)
        loop.start()
        let server = try ScriptedServer(on: loop, ScriptedHandler.echo)
        let port = server.port
        let clients = try await withLoop { other in
            var clients: [ScriptedHandler] = []
            for _ in 0..<10 { clients.append(try await server.connect(from: other)) }
            try await eventually { server.handlers.count == 10 }
            loop.stop()
            loop.join()
            for client in clients { try await eventually { client.record.closes == [.peerClosed] } }
            return clients
        }
        #expect(clients.count == 10)
        for handler in server.handlers { #expect(handler.record.closes == [.shutdown]) }
        #expect(throws: ReactorError.self) { try RawSocket(port: port) }
        #expect(loop.statistics.connections == 0)
    }

    @Test func whatIsWaitingGoesOutWhenTheLoopStops() async throws {
        let loop = try EventLoop(name: "stopped", index: 0)
        loop.start()
        let server = try ScriptedServer(on: loop, ScriptedHandler.echo)
        try await withLoop { other in
            let client = try await server.connect(from: other)
            let handler = try await server.onlyHandler()
            await handler.withConnection { connection in
                connection.write([1, 2])
                loop.stop()
            }
            try await eventually { client.record.received == [1, 2] }
        }
        loop.join()
    }

    @Test func workSubmittedAfterTheEndStillRuns() async throws {
        let loop = try EventLoop(name: "ended", index: 0)
        loop.start()
        loop.stop()
        loop.join()
        #expect(await loop.perform { loop.isCurrent })
        #expect(await Task(executorPreference: loop) { loop.isCurrent }.value)
    }

    @Test func aLoopThatNeverRanCanBeStopped() throws {
        let loop = try EventLoop(name: "unused", index: 0)
        loop.stop()
        loop.join()
    }

    @Test func setUpBeforeTheStartTakesEffect() async throws {
        let journal = Journal()
        let loop = try EventLoop(name: "prepared", index: 0)
        #expect(loop.isCurrent)
        loop.addTickHook { journal.note(2) }
        loop.execute { journal.note(1) }
        let server = try ScriptedServer(on: loop, ScriptedHandler.echo)
        loop.start()
        try await withLoop { other in
            let client = try await server.connect(from: other)
            await client.withConnection { $0.write([1]) }
            try await eventually { client.record.received == [1] }
        }
        loop.stop()
        loop.join()
        #expect(journal.all.prefix(2) == [1, 2])
    }

    @Test func hooksRunAfterTheWorkOfATickAndBeforeItsOutput() async throws {
        let seen = Mutex<[Int]>([])
        try await withLoop { loop in
            let server = try ScriptedServer(on: loop, ScriptedHandler.collect)
            let client = try await server.connect(from: loop)
            try await eventually { client.record.connects == 1 }
            await client.withConnection { connection in
                loop.addTickHook { seen.withLock { $0.append(connection.pendingOutputBytes) } }
                connection.write([1, 2, 3])
            }
            let handler = try await server.onlyHandler()
            try await eventually { handler.record.received.count == 3 }
        }
        #expect(seen.withLock { $0.first } == 3)
    }

    @Test func clocksStandStillWithinATick() async throws {
        try await withLoop { loop in
            let (first, second) = await loop.perform {
                let first = loop.now
                while MonotonicTime.now() - first < .milliseconds(5) {}
                return (first, loop.now)
            }
            #expect(first == second)
            let wall = await loop.perform { loop.wallClockMilliseconds }
            #expect(abs(wall - Int64(time(nil)) * 1000) < 5000)
        }
    }

    @Test func descriptorsOfOthersAreWatched() async throws {
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        let (input, output) = (ends[0], ends[1])
        defer {
            close(input)
            close(output)
        }
        let journal = Journal()
        try await withLoop { loop in
            await loop.perform {
                var registration: DescriptorRegistration?
                registration = try? loop.register(descriptor: input, interest: .read) { ready in
                    var byte: UInt8 = 0
                    guard ready.contains(.read), read(input, &byte, 1) == 1 else { return journal.note(-1) }
                    journal.note(Int(byte))
                    if byte == 2 { registration?.deregister() }
                }
            }
            for byte in [1, 2, 3] as [UInt8] {
                var byte = byte
                #expect(write(output, &byte, 1) == 1)
            }
            try await eventually { journal.all.count == 2 }
            _ = await loop.perform {}
        }
        #expect(journal.all == [1, 2])
    }

    @Test func aRegistrationWithoutInterestIsSilent() async throws {
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        let (input, output) = (ends[0], ends[1])
        defer { close(input) }
        let journal = Journal()
        try await withLoop { loop in
            let registration = await loop.perform {
                LoopBound(
                    try? loop.register(descriptor: input, interest: []) { ready in
                        journal.note(Int(ready.rawValue))
                    }, on: loop)
            }
            close(output)
            try await Task.sleep(for: .milliseconds(20))
            #expect(journal.all.isEmpty)
            await loop.perform { registration.withValue { $0?.update(.read) } }
            try await eventually { !journal.all.isEmpty }
            await loop.perform { registration.withValue { $0?.deregister() } }
        }
    }
}
