import Configuration
import HTTPClient
import HTTPServer
import HTTPTransport
import Logging
import Messages
import Metrics
import Model
import Queue
import Reactor
import Testing
import TransportCore

@Suite struct HTTPTransportTests {
    /// Runs the device API of one loop on a free port.
    private func withDeviceAPI(
        _ queue: RecordingQueue = RecordingQueue(), configure: (inout TransportConfiguration) -> Void = { _ in },
        _ body: (HTTPClient, HTTPServer) async throws -> Void
    ) async throws {
        var configuration = TransportConfiguration(serviceID: "test")
        configure(&configuration)
        let registry = MetricsRegistry()
        let group = try EventLoopGroup(count: 1, name: "device-api")
        defer {
            group.stop()
            group.join()
        }
        let transport = HTTPTransport(logger: .disabled, metrics: registry)
        transport.attach(
            TransportLoop(
                loop: group.loops[0], configuration: configuration, queue: queue, core: NoCoreQueue(), api: FakeAPI(),
                metrics: TransportMetrics(registry: registry, protocolName: "http", loopIndex: 0)))
        var settings = HTTPTransportConfiguration()
        settings.bindAddress = "127.0.0.1"
        settings.port = 0
        let server = HTTPServer(
            configuration: settings.server, responder: transport, logger: .disabled, metrics: registry)
        try server.open(on: group.loops)
        group.start()
        let client = try HTTPClient(
            baseURL: "http://127.0.0.1:\(server.port)", loops: group.loops, maximumConnections: 4)
        try await body(client, server)
    }

    private func post(_ client: HTTPClient, _ path: String, _ body: String) async throws -> HTTPClientResponse {
        try await client.request("POST", "/api/v1/" + path, body: [UInt8](body.utf8))
    }

    @Test func telemetryAndAttributesReachTheQueue() async throws {
        let queue = RecordingQueue()
        try await withDeviceAPI(queue) { client, _ in
            for (path, body) in [
                ("tok-1/telemetry", #"{"t":1,"n":null}"#),
                ("tok-1/telemetry", #"[{"a":1},{"ts":17,"values":{"b":2,"c":3}}]"#),
                ("tok-2/attributes", #"{"a":1,"b":2}"#),
            ] {
                let answer = try await post(client, path, body)
                #expect(answer.status == 200)
                #expect(answer.body.isEmpty)
                #expect(answer.field("content-type") == nil)
            }
            #expect(queue.received.map(\.device) == ["tok-1", "tok-1", "tok-1", "tok-2"])
            #expect(queue.received.map(\.pointCount) == [1, 1, 2, 2])
            #expect(queue.received[2].timestamp == 17)
            #expect(queue.received.map(\.kind) == [.telemetry, .telemetry, .telemetry, .attributes])
        }
    }

    @Test func theAnswerComesWhenTheUplinkIsDurable() async throws {
        let queue = RecordingQueue(acknowledgesAtOnce: false)
        try await withDeviceAPI(queue) { client, _ in
            await #expect(throws: HTTPClientError.timeout) {
                _ = try await client.request(
                    "POST", "/api/v1/tok-1/telemetry", body: [UInt8](#"{"a":1}"#.utf8), timeout: .milliseconds(50))
            }
            async let second = post(client, "tok-1/telemetry", #"{"a":2}"#)
            while queue.received.count < 2 { await Task.yield() }
            for entry in queue.received { queue.acknowledge(entry) }
            let answer = try await second
            #expect(answer.status == 200)
        }
    }

    @Test func emptyPayloadsThatAreValidAreAcknowledged() async throws {
        try await withDeviceAPI { client, _ in
            for body in ["{}", "[]"] {
                let answer = try await post(client, "tok-1/telemetry", body)
                #expect(answer.status == 200)
            }
        }
    }

    @Test(arguments: [
        ("telemetry", "5", "Can't parse value: 5"), ("telemetry", #""x""#, #"Can't parse value: "x""#),
        ("attributes", "[]", "Can't parse value: []"), ("telemetry", #"{"ts":"x","values":{"q":1}}"#, ""),
    ])
    func anInvalidPayloadIsAnswered500(_ resource: String, _ body: String, _ text: String) async throws {
        let queue = RecordingQueue()
        try await withDeviceAPI(queue) { client, _ in
            let answer = try await post(client, "tok-1/" + resource, body)
            #expect(answer.status == 500)
            #expect(answer.bodyText == text)
            #expect(queue.received.isEmpty)
        }
    }

    @Test func whatIsNotJSONIsAnswered500() async throws {
        try await withDeviceAPI { client, _ in
            let answer = try await post(client, "tok-1/telemetry", "{\"a\":")
            #expect(answer.status == 500)
            #expect(answer.bodyText.hasPrefix("Invalid JSON"))
        }
    }

    @Test func aMissingBodyIsAnswered400() async throws {
        try await withDeviceAPI { client, _ in
            let answer = try await post(client, "tok-1/telemetry", "")
            #expect(answer.status == 400)
            #expect(answer.bodyText.contains(#""errorCode":31"#))
        }
    }

    @Test func anUnknownTokenIsAnswered401() async throws {
        try await withDeviceAPI { client, _ in
            let answer = try await post(client, "wrong/telemetry", #"{"a":1}"#)
            #expect(answer.status == 401)
            #expect(answer.body.isEmpty)
        }
    }

    @Test func credentialsThatCannotBeCheckedAreAnswered500() async throws {
        try await withDeviceAPI { client, _ in
            let answer = try await post(client, "down/telemetry", #"{"a":1}"#)
            #expect(answer.status == 500)
            #expect(answer.body.isEmpty)
        }
    }

    @Test func otherPathsAndMethodsAreRefusedWithoutLookingAtTheToken() async throws {
        try await withDeviceAPI { client, _ in
            let unknown = try await post(client, "tok-1/nonsense", #"{"a":1}"#)
            #expect(unknown.status == 404)
            #expect(unknown.bodyText.contains(#""message":"No static resource api/v1/tok-1/nonsense.","errorCode":32"#))
            let wrong = try await client.request("GET", "/api/v1/tok-1/telemetry")
            #expect(wrong.status == 405)
            #expect(wrong.field("allow") == "POST")
            #expect(wrong.bodyText.contains(#""message":"Request method 'GET' is not supported","errorCode":31"#))
            for path in ["/", "/api/v1/", "/api/v1/tok-1", "/api/v1//telemetry", "/api/v1/tok-1/telemetry/"] {
                let answer = try await client.request("POST", path, body: [0x7B, 0x7D])
                #expect(answer.status == 404)
            }
        }
    }

    @Test func escapesInTheTokenAreDecoded() async throws {
        let queue = RecordingQueue()
        try await withDeviceAPI(queue) { client, _ in
            _ = try await post(client, "tok%2D1%2F%20/telemetry", #"{"a":1}"#)
            #expect(queue.received.map(\.device) == ["tok-1/ "])
        }
    }

    @Test func payloadsOverTheLimitAreAnswered413() async throws {
        try await withDeviceAPI { client, _ in
            let answer = try await client.request(
                "POST", "/api/v1/tok-1/rpc", body: [UInt8](repeating: 0x20, count: 65_537))
            #expect(answer.status == 413)
            #expect(answer.bodyText == #""Payload size exceeds the limit of 65536 bytes""#)
            #expect(answer.field("content-type") == "application/json")
        }
    }

    @Test func uplinksOfADeviceStayInOrderWhileItsTokenIsChecked() async throws {
        let queue = RecordingQueue()
        try await withDeviceAPI(queue) { _, server in
            let group = try EventLoopGroup(count: 1, name: "pipeline")
            group.start()
            defer {
                group.stop()
                group.join()
            }
            let (loop, port) = (group.loops[0], server.port)
            await withCheckedContinuation { (finished: CheckedContinuation<Void, Never>) in
                loop.execute {
                    let connection: HTTPClientConnection
                    do {
                        connection = try HTTPClientConnection(
                            to: .tcp(host: "127.0.0.1", port: port), host: "h", on: loop)
                    } catch {
                        Issue.record(error)
                        return finished.resume()
                    }
                    var missing = 20
                    for number in 0..<20 {
                        let body = [UInt8](#"{"ts":\#(number),"values":{"a":1}}"#.utf8)
                        connection.send("POST", "/api/v1/tok-new/telemetry", body: body) { _ in
                            missing -= 1
                            if missing == 0 { finished.resume() }
                        }
                    }
                }
            }
            #expect(queue.received.map(\.timestamp) == Array(0..<20))
        }
    }

    @Test func uplinksWaitWhileTheQueueHasAsManyAsItMay() async throws {
        let queue = RecordingQueue(acknowledgesAtOnce: false)
        try await withDeviceAPI(queue) {
            $0.maximumUnacknowledgedMessages = 2
        } _: { client, _ in
            try await withThrowingTaskGroup { group in
                for _ in 0..<4 {
                    group.addTask { try await self.post(client, "tok-1/telemetry", #"{"a":1}"#).status }
                }
                var acknowledged = 0
                while acknowledged < 4 {
                    let received = queue.received
                    #expect(received.count - acknowledged <= 2)
                    for entry in received[acknowledged...] { queue.acknowledge(entry) }
                    acknowledged = received.count
                    await Task.yield()
                }
                for try await status in group { #expect(status == 200) }
            }
        }
    }
}

@Suite struct HTTPTransportConfigurationTests {
    @Test func settingsAreRead() {
        var settings = SettingsReader(environment: [
            "HTTP_BIND_PORT": "18081", "HTTP_TRANSPORT_MAX_PAYLOAD_SIZE_LIMIT_CONFIGURATION": "/api/v1/**=10",
        ])
        let configuration = HTTPTransportConfiguration(from: &settings)
        #expect(configuration.port == 18_081)
        #expect(configuration.bodyLimits.limit(for: "/api/v1/x/telemetry") == 10)
        #expect(settings.problems.isEmpty)
    }

    @Test func limitsOfAnotherFormAreReported() {
        var settings = SettingsReader(environment: [
            "HTTP_TRANSPORT_MAX_PAYLOAD_SIZE_LIMIT_CONFIGURATION": "much"
        ])
        _ = HTTPTransportConfiguration(from: &settings)
        #expect(settings.problems.count == 1)
    }
}
