import Bytes
import Reactor
import TestSupport
import Testing

@Suite struct StreamTests {
    @Test func echoesOverTCP() async throws {
        try await withLoop { loop in
            let server = try ScriptedServer(on: loop, ScriptedHandler.echo)
            let client = try await server.connect(from: loop)
            await client.withConnection { $0.write(Array("hello".utf8)) }
            try await eventually { client.record.received == Array("hello".utf8) }
            #expect(client.record.connects == 1)
        }
    }

    @Test func echoesOverAUnixSocketAndRemovesItsFile() async throws {
        let folder = makeTemporaryFolder()
        defer { removeFolder(folder) }
        let address = SocketAddress.unix(path: folder + "/socket")
        try await withLoop { loop in
            let server = try ScriptedServer(on: loop, address: address, ScriptedHandler.echo)
            let client = ScriptedHandler(on: loop)
            try await open(address, client)
            await client.withConnection { $0.write([1, 2, 3]) }
            try await eventually { client.record.received == [1, 2, 3] }
            #expect(await client.withConnection { $0.peerDescription } == "unix")
            server.listener.close()
            _ = await loop.perform {}
            // The path is free again.
            let next = try ScriptedServer(on: loop, address: address, ScriptedHandler.echo)
            next.listener.close()
            _ = await loop.perform {}
        }
    }

    @Test func aMegabyteComesBackUnchanged() async throws {
        var random = SeededRandom(seed: 7)
        let payload = random.bytes(1_000_000)
        try await withLoops(2) { loops in
            let server = try ScriptedServer(on: loops[0], ScriptedHandler.echo)
            let client = try await server.connect(from: loops[1])
            await client.withConnection { $0.write(payload) }
            try await eventually { client.record.received.count == payload.count }
            #expect(client.record.received == payload)
        }
    }

    @Test func manyConnectionsAreServedAtOnce() async throws {
        try await withLoops(2) { loops in
            let server = try ScriptedServer(on: loops[0], ScriptedHandler.echo)
            var clients: [ScriptedHandler] = []
            for _ in 0..<300 { clients.append(try await server.connect(from: loops[1])) }
            for (index, client) in clients.enumerated() {
                await client.withConnection { $0.write([UInt8(index % 256), UInt8(index / 256)]) }
            }
            for (index, client) in clients.enumerated() {
                try await eventually { client.record.received == [UInt8(index % 256), UInt8(index / 256)] }
            }
            #expect(loops[0].statistics.connections == 300)
            #expect(loops[0].statistics.connectionsAccepted == 300)
        }
    }

    /// Frames of one length byte and as many bytes, cut at random: each arrives whole, whatever the cuts.
    @Test(arguments: [1, 2, 3]) func whatIsNotConsumedIsPresentedAgain(seed: UInt64) async throws {
        var random = SeededRandom(seed: seed)
        var wire: [UInt8] = []
        for _ in 0..<2000 {
            let length = UInt8.random(in: 0...200, using: &random)
            wire.append(length)
            wire += random.bytes(Int(length))
        }
        try await withLoops(2) { loops in
            let server = try ScriptedServer(on: loops[0]) { handler, _, bytes in
                var offset = 0
                while offset < bytes.count, offset + 1 + Int(bytes[offset]) <= bytes.count {
                    let end = offset + 1 + Int(bytes[offset])
                    _ = handler.keep(bytes.extracting(offset..<end))
                    offset = end
                }
                return offset
            }
            let client = try await server.connect(from: loops[1])
            var rest = wire[...]
            while !rest.isEmpty {
                let piece = Array(rest.prefix(Int.random(in: 1...9000, using: &random)))
                rest = rest.dropFirst(piece.count)
                await client.withConnection { $0.write(piece) }
            }
            let handler = try await server.onlyHandler()
            try await eventually { handler.record.received.count == wire.count }
            #expect(handler.record.received == wire)
            #expect(await handler.withConnection { $0.keptInputBytes } == 0)
        }
    }

    @Test func aMessageLargerThanTheReceiveBufferIsGathered() async throws {
        var random = SeededRandom(seed: 11)
        let payload = random.bytes(700_000)
        try await withLoops(2) { loops in
            let server = try ScriptedServer(on: loops[0]) { handler, _, bytes in
                bytes.count < 700_000 ? 0 : handler.keep(bytes)
            }
            let client = try await server.connect(from: loops[1])
            await client.withConnection { $0.write(payload) }
            let handler = try await server.onlyHandler()
            try await eventually { handler.record.received.count == payload.count }
            #expect(handler.record.received == payload)
        }
    }

    @Test func aReplacedHandlerGetsWhatTheFirstLeft() async throws {
        try await withLoop { loop in
            let second = ScriptedHandler(on: loop)
            let server = try ScriptedServer(on: loop) { _, connection, _ in
                connection.handler = second
                return 2
            }
            let client = try await server.connect(from: loop)
            await client.withConnection { $0.write([1, 2, 3, 4]) }
            try await eventually { second.record.received == [3, 4] }
        }
    }

    @Test func writesOfOneTickGoOutTogetherAndInOrder() async throws {
        try await withLoops(2) { loops in
            let server = try ScriptedServer(on: loops[0], ScriptedHandler.collect)
            let client = try await server.connect(from: loops[1])
            await client.withConnection { connection in
                for byte in UInt8(0)..<100 { connection.write { $0.append(byte) } }
            }
            let handler = try await server.onlyHandler()
            try await eventually { handler.record.received == Array(0..<100) }
            #expect(handler.record.offered == [100])
        }
    }
}
