import Bytes
import Glibc
import Reactor
import TestSupport
import Testing

@Suite struct CloseTests {
    @Test func closeSendsWhatIsWaitingFirst() async throws {
        try await withLoops(2) { loops in
            let server = try ScriptedServer(on: loops[0]) { _, connection, bytes in
                connection.write([UInt8](repeating: 5, count: 3_000_000))
                connection.close(.protocolError)
                connection.write([6])
                return bytes.count
            }
            let client = try await server.connect(from: loops[1])
            await client.withConnection { $0.write([1]) }
            try await eventually { client.record.closes == [.peerClosed] }
            #expect(client.record.received == [UInt8](repeating: 5, count: 3_000_000))
            #expect(client.record.inputEnds == 1)
            #expect(server.handlers[0].record.closes == [.protocolError])
        }
    }

    @Test func theAnswerSurvivesAClientThatGoesOnSending() async throws {
        try await withLoops(2) { loops in
            let server = try ScriptedServer(on: loops[0]) { _, connection, bytes in
                connection.write([7])
                connection.close(.protocolError)
                return bytes.count
            }
            let client = try await server.connect(from: loops[1], endsWithPeer: false)
            await client.withConnection { $0.write([UInt8](repeating: 1, count: 300_000)) }
            try await eventually { client.record.received == [7] }
        }
    }

    @Test func aPeerThatClosesIsHeardOnce() async throws {
        try await withLoop { loop in
            let server = try ScriptedServer(on: loop, ScriptedHandler.collect)
            let client = try RawSocket(port: server.port)
            client.send([1, 2])
            client.close()
            let handler = try await server.onlyHandler()
            try await eventually { handler.record.closes == [.peerClosed] }
            #expect(handler.record.received == [1, 2])
            #expect(handler.record.inputEnds == 1)
            try await eventually { loop.statistics.connections == 0 }
        }
    }

    @Test func aHalfClosedPeerStillGetsItsAnswer() async throws {
        try await withLoops(2) { loops in
            let server = try ScriptedServer(on: loops[0], endsWithPeer: false, ScriptedHandler.collect)
            let client = try RawSocket(port: server.port)
            defer { client.close() }
            shutdown(client.descriptor, Int32(SHUT_WR))
            let handler = try await server.onlyHandler()
            try await eventually { handler.record.inputEnds == 1 }
            await handler.withConnection { $0.write([8]) }
            var byte: UInt8 = 0
            #expect(recv(client.descriptor, &byte, 1, 0) == 1)
            #expect(byte == 8)
            await handler.withConnection { $0.close(.requested) }
            try await eventually { handler.record.closes == [.requested] }
        }
    }

    @Test func aResetIsToldAsReset() async throws {
        try await withLoop { loop in
            let server = try ScriptedServer(on: loop, ScriptedHandler.collect)
            let client = try RawSocket(port: server.port)
            let handler = try await server.onlyHandler()
            client.reset()
            try await eventually { handler.record.closes == [.reset] }
        }
    }

    @Test func aResetIsToldToAPausedOwner() async throws {
        try await withLoop { loop in
            let server = try ScriptedServer(on: loop, prepare: { $0.pauseReading() }, ScriptedHandler.collect)
            let client = try RawSocket(port: server.port)
            let handler = try await server.onlyHandler()
            client.reset()
            try await eventually { handler.record.closes == [.reset] }
        }
    }

    @Test func inputThatCameBeforeABrokenSendIsRead() async throws {
        try await withLoop { loop in
            // Reading starts only when the peer is gone and sending fails.
            let server = try ScriptedServer(on: loop, prepare: { $0.pauseReading() }, ScriptedHandler.collect)
            let client = try RawSocket(port: server.port)
            let handler = try await server.onlyHandler()
            client.send([1, 2, 3])
            client.close()
            await handler.withConnection { connection in
                connection.resumeReading()
                connection.write([9])
            }
            try await eventually { handler.record.closes.count == 1 }
            #expect(handler.record.received == [1, 2, 3])
        }
    }

    @Test func abortIsAtOnceAndToldLater() async throws {
        try await withLoop { loop in
            let server = try ScriptedServer(on: loop, ScriptedHandler.collect)
            let client = try await server.connect(from: loop)
            let handler = try await server.onlyHandler()
            let (isOpen, toldInside) = await handler.withConnection { connection in
                connection.abort(.timeout)
                connection.abort(.reset)
                return (connection.isOpen, handler.record.closes)
            }
            #expect(!isOpen)
            #expect(toldInside.isEmpty)
            try await eventually { handler.record.closes == [.timeout] }
            try await eventually { client.record.closes == [.peerClosed] }
        }
    }

    @Test func aPeerThatDoesNotCloseIsLeftAfterTheLingerTime() async throws {
        try await withLoop { loop in
            let server = try ScriptedServer(
                on: loop, prepare: { $0.lingerTimeout = .milliseconds(50) }, ScriptedHandler.collect)
            let client = try RawSocket(port: server.port)
            defer { client.close() }
            let handler = try await server.onlyHandler()
            await handler.withConnection { $0.close(.requested) }
            try await eventually { handler.record.closes == [.requested] }
            try await eventually { loop.statistics.connections == 0 }
        }
    }

    @Test func aClosedConnectionIsNotFoundByItsID() async throws {
        try await withLoop { loop in
            let server = try ScriptedServer(on: loop, ScriptedHandler.collect)
            _ = try await server.connect(from: loop)
            let first = try await server.onlyHandler()
            let id = await first.withConnection { $0.id }
            #expect(await loop.perform { loop.connection(for: id) != nil })
            await first.withConnection { $0.abort(.requested) }
            #expect(await loop.perform { loop.connection(for: id) == nil })
            // The slot is used again, under another id.
            for _ in 0..<5 { _ = try await server.connect(from: loop) }
            try await eventually { server.handlers.count == 6 }
            #expect(await loop.perform { loop.connection(for: id) == nil })
            let others = await loop.perform {
                var ids: Set<ConnectionID> = []
                loop.forEachConnection { ids.insert($0.id) }
                return ids
            }
            #expect(!others.contains(id))
            #expect(others.contains { $0.slot == id.slot })
        }
    }

    @Test func aRefusedConnectionIsClosedAtOnce() async throws {
        try await withLoop { loop in
            let listener = try Listener.open(.tcp(host: "127.0.0.1", port: 0), on: loop) { _ in nil }
            let client = ScriptedHandler(on: loop)
            try await open(.tcp(host: "127.0.0.1", port: listener.localPort), client)
            try await eventually { client.record.closes.count == 1 }
            #expect(loop.statistics.connectionsAccepted == 1)
        }
    }
}
