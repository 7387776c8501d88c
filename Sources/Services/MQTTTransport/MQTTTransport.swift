import HTTPServer
public import Logging
public import Messages
public import Metrics
import Queue
public import Reactor
import Synchronization
public import TransportCore

/// The MQTT device API (`device-api.md` 2) on a set of event loops: each has its own listener on the same port.
public final class MQTTTransport: Sendable {
    let configuration: MQTTTransportConfiguration
    let logger: Logger
    let registry: MetricsRegistry
    private let members = Mutex<[Member]>([])
    let certificates = Mutex<MQTTCertificates?>(nil)
    /// The listeners of WebSockets, plain and over TLS.
    let webSocketServers = Mutex<[Bool: HTTPServer]>([:])
    /// Shared by all loops: an address is one everywhere.
    private let blocker: AddressBlocker?

    private struct Member: @unchecked Sendable {
        // @unchecked: `transport` is touched on its loop only.
        let loop: EventLoop
        let transport: MQTTTransportLoop
    }

    public init(configuration: MQTTTransportConfiguration, logger: Logger, metrics: MetricsRegistry) {
        self.configuration = configuration
        self.logger = logger
        registry = metrics
        blocker = configuration.maximumRefusalsPerAddress.map {
            AddressBlocker(maximumFailures: $0, blockTime: configuration.addressBlockTime)
        }
    }

    /// Loads the certificates of what goes over TLS. Called before the first of those listeners is opened.
    public func loadCertificates() throws(TLSError) {
        guard let tls = configuration.tls else { return }
        let loaded = try MQTTCertificates(tls, logger: logger)
        certificates.withLock { $0 = loaded }
    }

    /// Adds the transport of one loop. Called on the loop, before ``listen(on:port:)``.
    ///
    /// - Returns: Takes the notifications of sessions; to be called on the loop.
    public func attach(_ transport: TransportLoop) -> (TransportNotification) -> Void {
        let member = MQTTTransportLoop(
            transport: transport, configuration: configuration, logger: logger,
            metrics: MQTTMetrics(registry: registry),
            blocker: blocker)
        members.withLock { $0.append(Member(loop: transport.loop, transport: member)) }
        return { member.receive($0) }
    }

    /// Opens the listener of the loop it is called on; returns the port.
    ///
    /// - Parameter port: The configured port, or the one that the first loop got when that is 0.
    public func listen(port: Int) throws(ReactorError) -> Int {
        try current.listen(port: port, tls: nil)
    }

    /// The same for the TLS listener.
    public func listenTLS(port: Int) throws(ReactorError) -> Int {
        guard let certificates = certificates.withLock({ $0 }) else {
            preconditionFailure("a TLS listener without certificates")
        }
        return try current.listen(port: port, tls: certificates)
    }

    /// The transport of the loop that it is called on.
    var current: MQTTTransportLoop {
        guard let member = members.withLock({ $0.first { $0.loop.isCurrent } }) else {
            preconditionFailure("listen on a loop without transport")
        }
        return member.transport
    }

    /// Closes the listeners. Safe from any thread.
    public func stopAccepting() async {
        for member in members.withLock({ $0 }) {
            member.loop.execute { member.transport.stopAccepting() }
        }
        await stopWebSockets()
    }

    /// Says good-bye to the devices and closes their connections. Safe from any thread.
    public func closeConnections() {
        for member in members.withLock({ $0 }) {
            member.loop.execute { member.transport.closeConnections() }
        }
    }
}
