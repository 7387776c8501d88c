import HTTPServer
public import HTTPTransport
import Logging
import MQTTTransport
public import Messages
import Metrics
public import ProcessRuntime
public import Queue
public import Reactor
import TransportCore

/// What a transport talks to, whichever back end is behind it.
public struct TransportBackEnd: Sendable {
    public var queue: any RuleEngineQueue
    public var core: any CoreQueueProducer
    public var api: any TransportAPI
    /// Spreads notifications over the event loops of this process.
    public var notifications: InProcessTransportNotifications

    public init(
        queue: any RuleEngineQueue, core: any CoreQueueProducer, api: any TransportAPI,
        notifications: InProcessTransportNotifications
    ) {
        self.queue = queue
        self.core = core
        self.api = api
        self.notifications = notifications
    }
}

/// The transports of a process on its event loops.
public final class TransportPart {
    private let runtime: ServiceRuntime
    private let settings: TransportSettings
    private let backEnd: TransportBackEnd
    private let limits = TransportRateLimits()
    private var mqtt: MQTTTransport?

    public init(runtime: ServiceRuntime, settings: TransportSettings, backEnd: TransportBackEnd) {
        self.runtime = runtime
        self.settings = settings
        self.backEnd = backEnd
    }

    /// Opens the MQTT port on every loop.
    public func startMQTT(on io: EventLoopGroup) async throws {
        let transport = MQTTTransport(
            configuration: settings.mqtt, logger: runtime.logger.labelled("mqtt"), metrics: runtime.metrics)
        mqtt = transport
        var port = settings.mqtt.port
        try Listener.checkThatNobodyListens(on: .tcp(host: settings.mqtt.bindAddress, port: port))
        for loop in io.loops {
            let (wanted, make, notifications) = (port, maker("mqtt"), backEnd.notifications)
            port = try await loop.run {
                notifications.subscribe(on: loop, handler: transport.attach(make(loop)))
                return try transport.listen(port: wanted)
            }
        }
        runtime.logger.info(
            "listening", ["protocol": "mqtt", "address": .string("\(settings.mqtt.bindAddress):\(port)")])
        try transport.loadCertificates()
        try await startMQTTS(transport, on: io)
        try await startWebSocket(transport, on: io)
    }

    /// Opens the port of WebSockets on every loop, if there is one, and that over TLS.
    private func startWebSocket(_ transport: MQTTTransport, on io: EventLoopGroup) async throws {
        for (name, listener, isSecure) in [
            ("mqtt-ws", settings.mqtt.webSocket.plain, false), ("mqtt-wss", settings.mqtt.webSocket.secure, true),
        ] {
            guard let listener else { continue }
            var port = 0
            for loop in io.loops { port = try await loop.run { try transport.listenWebSocket(isSecure: isSecure) } }
            runtime.logger.info(
                "listening", ["protocol": .string(name), "address": .string("\(listener.bindAddress):\(port)")])
        }
    }

    /// Opens the TLS port on every loop, if there is one.
    private func startMQTTS(_ transport: MQTTTransport, on io: EventLoopGroup) async throws {
        guard let tls = settings.mqtt.tls, tls.listens else { return }
        var port = tls.port
        try Listener.checkThatNobodyListens(on: .tcp(host: tls.bindAddress, port: port))
        for loop in io.loops {
            let wanted = port
            port = try await loop.run { try transport.listenTLS(port: wanted) }
        }
        runtime.logger.info("listening", ["protocol": "mqtts", "address": .string("\(tls.bindAddress):\(port)")])
    }

    /// The HTTP device API, to stand behind a server of these loops.
    public func makeHTTP(on io: EventLoopGroup) async throws -> HTTPTransport {
        let transport = HTTPTransport(
            configuration: settings.http, logger: runtime.logger.labelled("http"), metrics: runtime.metrics)
        for loop in io.loops {
            let (make, notifications) = (maker("http"), backEnd.notifications)
            try await loop.run { notifications.subscribe(on: loop, handler: transport.attach(make(loop))) }
        }
        return transport
    }

    private func maker(_ name: String) -> @Sendable (EventLoop) -> TransportLoop {
        let (configuration, backEnd, registry, limits) = (settings.shared, backEnd, runtime.metrics, limits)
        return { loop in
            TransportLoop(
                loop: loop, configuration: configuration, queue: backEnd.queue, core: backEnd.core, api: backEnd.api,
                limits: limits, metrics: TransportMetrics(registry: registry, protocolName: name, loopIndex: loop.index)
            )
        }
    }

    // MARK: - Stop

    /// Closes the device port. Connections stay.
    public func stopAccepting() async {
        await mqtt?.stopAccepting()
    }

    /// Says good-bye to the devices.
    public func closeConnections() {
        mqtt?.closeConnections()
    }
}
