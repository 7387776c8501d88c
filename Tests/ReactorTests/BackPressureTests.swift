import Bytes
import Reactor
import TestSupport
import Testing

@Suite struct BackPressureTests {
    @Test func aPausedServerPresentsNothingUntilItResumes() async throws {
        try await withLoops(2) { loops in
            let server = try ScriptedServer(on: loops[0], prepare: { $0.pauseReading() }, ScriptedHandler.collect)
            let client = try await server.connect(from: loops[1])
            let chunk = [UInt8](repeating: 1, count: 4_000_000)
            await client.withConnection { $0.write(chunk) }
            let handler = try await server.onlyHandler()
            // The kernel's buffers are full, and the rest waits with the sender.
            try await eventually { loops[1].statistics.bytesSent > 0 }
            #expect(handler.record.offered.isEmpty)
            #expect(await client.withConnection { $0.pendingOutputBytes } > 0)
            await handler.withConnection { $0.resumeReading() }
            try await eventually { handler.record.received.count == chunk.count }
        }
    }

    @Test func resumingPresentsKeptInputBeforeReadingMore() async throws {
        try await withLoop { loop in
            let server = try ScriptedServer(on: loop) { handler, connection, bytes in
                connection.pauseReading()
                return handler.keep(bytes.extracting(0..<1))
            }
            let client = try await server.connect(from: loop)
            await client.withConnection { $0.write([1, 2, 3]) }
            let handler = try await server.onlyHandler()
            try await eventually { handler.record.received == [1] }
            await client.withConnection { $0.write([4]) }
            for count in 2...4 {
                await handler.withConnection { $0.resumeReading() }
                try await eventually { handler.record.received.count == count }
            }
            #expect(handler.record.received == [1, 2, 3, 4])
        }
    }

    @Test func aClientThatReadsAgainDrainsTheOutput() async throws {
        try await withLoops(2) { loops in
            let server = try ScriptedServer(on: loops[0], ScriptedHandler.collect)
            let client = try await server.connect(from: loops[1])
            try await eventually { client.record.connects == 1 }
            await client.withConnection { $0.pauseReading() }
            let handler = try await server.onlyHandler()
            let isHigh = await handler.withConnection { connection in
                connection.write([UInt8](repeating: 2, count: 10_000_000))
                return connection.isAboveHighWater
            }
            #expect(isHigh)
            #expect(handler.record.drains == 0)
            await client.withConnection { $0.resumeReading() }
            try await eventually { client.record.received.count == 10_000_000 }
            try await eventually { handler.record.drains == 1 }
            #expect(await handler.withConnection { $0.pendingOutputBytes } == 0)
        }
    }

    @Test func aClientThatNeverReadsIsCutOffAtTheOutputLimit() async throws {
        try await withLoops(2) { loops in
            let server = try ScriptedServer(
                on: loops[0], prepare: { $0.outputLimit = 1_000_000 }, ScriptedHandler.collect)
            let client = try await server.connect(from: loops[1])
            try await eventually { client.record.connects == 1 }
            await client.withConnection { $0.pauseReading() }
            let handler = try await server.onlyHandler()
            let largest = await handler.withConnection { connection in
                var largest = 0
                for _ in 0..<200 where connection.isOpen {
                    connection.write([UInt8](repeating: 3, count: 100_000))
                    largest = max(largest, connection.pendingOutputBytes)
                }
                return largest
            }
            try await eventually { handler.record.closes == [.slowConsumer] }
            #expect(largest <= 1_100_000)
            #expect(loops[0].statistics.slowConsumers == 1)
            // Its reset reaches a client that is not reading.
            try await eventually { client.record.closes == [.reset] }
        }
    }

    @Test func oneBusyConnectionDoesNotStarveAnother() async throws {
        try await withLoops(2) { loops in
            let server = try ScriptedServer(on: loops[0], ScriptedHandler.echo)
            let busy = try await server.connect(from: loops[1])
            let modest = try await server.connect(from: loops[1])
            await busy.withConnection { $0.write([UInt8](repeating: 4, count: 12_000_000)) }
            for round in 1...20 {
                await modest.withConnection { $0.write([9]) }
                try await eventually { modest.record.received.count == round }
            }
            try await eventually { busy.record.received.count == 12_000_000 }
        }
    }
}
