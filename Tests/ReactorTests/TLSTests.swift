import Bytes
import Reactor
import Synchronization
import TestSupport
import Testing

@Suite struct TLSTests {
    let certificates: Certificates

    init() throws {
        certificates = try Certificates.shared.get()
    }

    private func configuration(_ name: String = "first") -> TLSConfiguration {
        TLSConfiguration(
            certificateChain: .file(certificates.certificate(name)), privateKey: .file(certificates.key(name)))
    }

    private func client(
        trusting name: String = "first", as serverName: String = "first.test",
        presenting own: String? = nil, protocols: [String] = []
    ) throws -> TLSClient {
        var configuration = TLSClientConfiguration(trust: .authorities(.file(certificates.certificate(name))))
        if let own {
            configuration.certificateChain = .file(certificates.certificate(own))
            configuration.privateKey = .file(certificates.key(own))
        }
        configuration.applicationProtocols = protocols
        return try TLSClient(serverName: serverName, configuration: configuration)
    }

    @Test(arguments: [TLSVersion.v1_2, .v1_3]) func echoes(_ minimum: TLSVersion) async throws {
        var configuration = configuration()
        configuration.minimumVersion = minimum
        let context = try TLSContext(configuration)
        let trusting = try client()
        try await withLoop { loop in
            let server = try ScriptedServer(on: loop, tls: context, ScriptedHandler.echo)
            let client = try await server.connect(from: loop, tls: trusting)
            await client.withConnection { $0.write(Array("hello".utf8)) }
            try await eventually { client.record.received == Array("hello".utf8) }
            #expect(client.record.connects == 1)
            #expect(await client.withConnection { $0.isSecure })
            #expect(await client.withConnection { $0.peerCertificateChain.count } == 1)
        }
    }

    @Test func megabytesGoBothWaysAtOnce() async throws {
        let context = try TLSContext(configuration())
        let trusting = try client(as: "127.0.0.1")
        var random = SeededRandom(seed: 5)
        let payload = random.bytes(3_000_000)
        try await withLoops(2) { loops in
            let server = try ScriptedServer(on: loops[0], tls: context, ScriptedHandler.echo)
            let client = try await server.connect(from: loops[1], tls: trusting)
            await client.withConnection { $0.write(payload) }
            try await eventually { client.record.received.count == payload.count }
            #expect(client.record.received == payload)
        }
    }

    @Test func aPausedReaderLosesNothing() async throws {
        let context = try TLSContext(configuration())
        let trusting = try client()
        try await withLoops(2) { loops in
            let server = try ScriptedServer(on: loops[0], tls: context) { handler, connection, bytes in
                connection.pauseReading()
                return handler.keep(bytes.extracting(0..<min(5000, bytes.count)))
            }
            let client = try await server.connect(from: loops[1], tls: trusting)
            var random = SeededRandom(seed: 6)
            let payload = random.bytes(200_000)
            await client.withConnection { $0.write(payload) }
            let handler = try await server.onlyHandler()
            try await eventually {
                await handler.withConnection { $0.resumeReading() }
                return handler.record.received.count == payload.count
            }
            #expect(handler.record.received == payload)
        }
    }

    @Test func closeSendsWhatIsWaitingFirst() async throws {
        let context = try TLSContext(configuration())
        let trusting = try client()
        try await withLoops(2) { loops in
            let server = try ScriptedServer(on: loops[0], tls: context) { _, connection, bytes in
                connection.write([UInt8](repeating: 5, count: 1_000_000))
                connection.close(.requested)
                return bytes.count
            }
            let client = try await server.connect(from: loops[1], tls: trusting)
            await client.withConnection { $0.write([1]) }
            try await eventually { client.record.closes == [.peerClosed] }
            #expect(client.record.received.count == 1_000_000)
            #expect(server.handlers[0].record.closes == [.requested])
        }
    }

    @Test func aReloadedCertificateIsUsedByNewConnectionsOnly() async throws {
        let context = try TLSContext(configuration("first"))
        let (trustsFirst, trustsSecond) = (try client(), try client(trusting: "second", as: "second.test"))
        try await withLoop { loop in
            let server = try ScriptedServer(on: loop, tls: context, ScriptedHandler.echo)
            let old = try await server.connect(from: loop, tls: trustsFirst)
            try await eventually { old.record.connects == 1 }
            try context.reload(configuration("second"))
            #expect(throws: TLSError.self) {
                try context.reload(
                    TLSConfiguration(certificateChain: .file("/nonexistent"), privateKey: .text("")))
            }
            let new = try await server.connect(from: loop, tls: trustsSecond)
            for one in [old, new] {
                await one.withConnection { $0.write([1]) }
                try await eventually { one.record.received == [1] }
            }
        }
    }

    @Test func anUntrustedServerIsRefused() async throws {
        let context = try TLSContext(configuration())
        let mistrusting = try client(trusting: "second")
        try await withLoop { loop in
            let server = try ScriptedServer(on: loop, tls: context, ScriptedHandler.echo)
            let client = try await server.connect(from: loop, tls: mistrusting)
            try await eventually { client.record.closes == [.tlsFailure] }
            #expect(client.record.connects == 0)
            let failure = await client.withConnection { $0.tlsFailure }
            #expect(failure?.contains("verify") == true)
            try await eventually { server.handlers[0].record.closes == [.tlsFailure] }
        }
    }

    @Test func aCertificateOfAnotherNameIsRefused() async throws {
        let context = try TLSContext(configuration())
        let expecting = try client(as: "other.test")
        try await withLoop { loop in
            let server = try ScriptedServer(on: loop, tls: context, ScriptedHandler.echo)
            let client = try await server.connect(from: loop, tls: expecting)
            try await eventually { client.record.closes == [.tlsFailure] }
        }
    }

    @Test(arguments: [true, false]) func clientCertificatesAreShownToTheHook(accepts: Bool) async throws {
        let shown = Mutex<[[UInt8]]>([])
        var configuration = configuration()
        configuration.clientCertificates = .optional { chain in
            shown.withLock { $0 = chain }
            return accepts
        }
        let context = try TLSContext(configuration)
        let presenting = try client(presenting: "client")
        try await withLoop { loop in
            let server = try ScriptedServer(on: loop, tls: context, ScriptedHandler.echo)
            let client = try await server.connect(from: loop, tls: presenting)
            await client.withConnection { $0.write([1]) }
            if accepts {
                try await eventually { client.record.received == [1] }
                let seen = await server.handlers[0].withConnection { $0.peerCertificateChain }
                #expect(seen == shown.withLock { $0 })
                #expect(seen.count == 1)
            } else {
                try await eventually { client.record.closes.count == 1 }
                #expect(client.record.received.isEmpty)
                #expect(server.handlers[0].record.closes == [.tlsFailure])
            }
        }
        #expect(shown.withLock { $0.count } == 1)
    }

    @Test(arguments: [true, false]) func aMissingClientCertificateIsFineUnlessRequired(isRequired: Bool) async throws {
        var configuration = configuration()
        configuration.clientCertificates = isRequired ? .required { _ in true } : .optional { _ in false }
        let context = try TLSContext(configuration)
        let trusting = try client()
        try await withLoop { loop in
            let server = try ScriptedServer(on: loop, tls: context, ScriptedHandler.echo)
            let client = try await server.connect(from: loop, tls: trusting)
            await client.withConnection { $0.write([1]) }
            if isRequired {
                try await eventually { client.record.closes.count == 1 }
                #expect(client.record.received.isEmpty)
            } else {
                try await eventually { client.record.received == [1] }
                #expect(await server.handlers[0].withConnection { $0.peerCertificateChain }.isEmpty)
            }
        }
    }

    @Test func aProtocolIsChosenByTheServersPreference() async throws {
        var configuration = configuration()
        configuration.applicationProtocols = ["mqtt", "http/1.1"]
        let context = try TLSContext(configuration)
        let offering = try client(protocols: ["h2", "http/1.1", "mqtt"])
        try await withLoop { loop in
            let server = try ScriptedServer(on: loop, tls: context, ScriptedHandler.echo)
            let client = try await server.connect(from: loop, tls: offering)
            try await eventually { client.record.connects == 1 }
            #expect(await client.withConnection { $0.applicationProtocol } == "mqtt")
        }
    }

    @Test func anEncryptedKeyNeedsItsPassword() throws {
        var configuration = configuration()
        configuration.privateKey = .file(certificates.folder + "/first.encrypted.key")
        #expect(throws: TLSError.self) { try TLSContext(configuration) }
        configuration.privateKeyPassword = "wrong"
        #expect(throws: TLSError.self) { try TLSContext(configuration) }
        configuration.privateKeyPassword = "secret"
        _ = try TLSContext(configuration)
    }

    @Test func aKeyOfAnotherCertificateIsRefused() {
        var configuration = configuration()
        configuration.privateKey = .file(certificates.key("second"))
        #expect(throws: TLSError.self) { try TLSContext(configuration) }
    }

    @Test func plainTextOnATLSPortIsAFailedHandshake() async throws {
        let context = try TLSContext(configuration())
        try await withLoop { loop in
            let server = try ScriptedServer(on: loop, tls: context, ScriptedHandler.echo)
            let client = try RawSocket(port: server.port)
            defer { client.close() }
            client.send(Array("GET / HTTP/1.1\r\n\r\n".utf8))
            let handler = try await server.onlyHandler()
            try await eventually { handler.record.closes == [.tlsFailure] }
            #expect(loop.statistics.tlsFailures == 1)
        }
    }

    @Test func aHandshakeThatDoesNotEndIsAborted() async throws {
        let context = try TLSContext(configuration())
        var options = ListenerOptions()
        options.handshakeTimeout = .milliseconds(50)
        try await withLoop { loop in
            let server = try ScriptedServer(on: loop, options: options, tls: context, ScriptedHandler.echo)
            let client = try RawSocket(port: server.port)
            defer { client.close() }
            let handler = try await server.onlyHandler()
            try await eventually { handler.record.closes == [.timeout] }
        }
    }
}
