import Glibc
import Reactor
import TestSupport
import Testing

@Suite struct ConnectTests {
    @Test func aRefusedConnectIsTold() async throws {
        try await withLoop { loop in
            let server = try ScriptedServer(on: loop, ScriptedHandler.collect)
            let port = server.port
            server.listener.close()
            _ = await loop.perform {}
            let client = ScriptedHandler(on: loop)
            try await open(.tcp(host: "127.0.0.1", port: port), client)
            try await eventually { client.record.closes == [.connectFailed(ECONNREFUSED)] }
            #expect(client.record.connects == 0)
        }
    }

    @Test func aMissingUnixSocketIsTold() async throws {
        try await withLoop { loop in
            let client = ScriptedHandler(on: loop)
            try await open(.unix(path: "/nonexistent/socket"), client)
            try await eventually { client.record.closes == [.connectFailed(ENOENT)] }
        }
    }

    @Test func aNameIsResolvedElsewhere() async throws {
        try await withLoop { loop in
            let server = try ScriptedServer(on: loop, ScriptedHandler.echo)
            let client = ScriptedHandler(on: loop)
            // Not the literal that needs no resolution.
            try await open(.tcp(host: "LOCALHOST", port: server.port), client)
            await client.withConnection { $0.write([1]) }
            try await eventually { client.record.received == [1] }
        }
    }

    @Test func aNameWithoutAddressIsTold() async throws {
        try await withLoop { loop in
            let client = ScriptedHandler(on: loop)
            try await open(.tcp(host: "no-such-name.invalid", port: 1), client)
            try await eventually(within: .seconds(30)) { client.record.closes == [.connectFailed(EHOSTUNREACH)] }
        }
    }

    @Test(arguments: [
        SocketAddress.tcp(host: "127.0.0.1", port: 65_536), .tcp(host: "", port: 1), .unix(path: ""),
        .unix(path: String(repeating: "x", count: 108)),
    ])
    func anImpossibleAddressIsRefused(_ address: SocketAddress) async throws {
        try await withLoop { loop in
            let client = ScriptedHandler(on: loop)
            await #expect(throws: ReactorError.invalidAddress(address.description)) { try await open(address, client) }
        }
    }

    @Test func aPortInUseIsRefused() async throws {
        try await withLoop { loop in
            var options = ListenerOptions()
            options.reusePort = false
            let first = try ScriptedServer(on: loop, options: options, ScriptedHandler.collect)
            let error = #expect(throws: ReactorError.self) {
                _ = try ScriptedServer(
                    on: loop, address: .tcp(host: "127.0.0.1", port: first.port), options: options,
                    ScriptedHandler.collect)
            }
            #expect(error?.code == EADDRINUSE)
        }
    }

    @Test func anAddressThatSomebodyListensOnIsTold() async throws {
        try await withLoop { loop in
            let server = try ScriptedServer(on: loop, ScriptedHandler.collect)
            let error = #expect(throws: ReactorError.self) {
                try Listener.checkThatNobodyListens(on: .tcp(host: "127.0.0.1", port: server.port))
            }
            #expect(error?.code == EADDRINUSE)
            try Listener.checkThatNobodyListens(on: .tcp(host: "127.0.0.1", port: 0))
        }
    }

    @Test func listenersOfSeveralLoopsShareAPort() async throws {
        try await withLoops(3) { loops in
            let first = try ScriptedServer(on: loops[0], ScriptedHandler.echo)
            let address = SocketAddress.tcp(host: "127.0.0.1", port: first.port)
            let second = try ScriptedServer(on: loops[1], address: address, ScriptedHandler.echo)
            var clients: [ScriptedHandler] = []
            for _ in 0..<64 { clients.append(try await first.connect(from: loops[2])) }
            for client in clients {
                await client.withConnection { $0.write([1]) }
                try await eventually { client.record.received == [1] }
            }
            #expect(first.handlers.count + second.handlers.count == 64)
            #expect(!first.handlers.isEmpty && !second.handlers.isEmpty)
        }
    }

    @Test func aPausedListenerLeavesConnectionsInTheKernel() async throws {
        try await withLoop { loop in
            let server = try ScriptedServer(on: loop, ScriptedHandler.echo)
            server.listener.pauseAccepting()
            let client = try await server.connect(from: loop)
            try await eventually { client.record.connects == 1 }
            #expect(server.handlers.isEmpty)
            server.listener.resumeAccepting()
            await client.withConnection { $0.write([1]) }
            try await eventually { client.record.received == [1] }
        }
    }

    @Test func peersAreDescribed() async throws {
        try await withLoop { loop in
            let server = try ScriptedServer(on: loop, ScriptedHandler.collect)
            let client = try await server.connect(from: loop)
            let handler = try await server.onlyHandler()
            #expect(await client.withConnection { $0.peerDescription } == "127.0.0.1:\(server.port)")
            #expect(await handler.withConnection { $0.peerAddressBytes } == [127, 0, 0, 1])
            #expect(await handler.withConnection { $0.peerPort } > 0)
        }
    }
}
