import Cluster
import HTTPServer
import HTTPTransport
import KafkaQueue
import Logging
import Messages
import ProcessRuntime
import Queue
import Reactor
import ServiceHealth
import ServiceRuntime
import TransportCore

/// `mqtt-transport` and `http-transport`: devices on one side, Kafka on the other; no database.
final class TransportProcess: RunnableService {
    private let service: ClusterService
    private let settings: ClusterSettings
    private let logger: Logger
    private let runtime: ServiceRuntime
    private var link: ClusterLink?
    private var node: KafkaNode?
    private var transports: TransportPart?
    private var catalogue: QueueCatalogue?

    init(_ service: ClusterService, settings: ClusterSettings, logger: Logger) {
        self.service = service
        self.settings = settings
        self.logger = logger
        runtime = ServiceRuntime(settings: settings.runtime, logger: logger)
    }

    /// The devices' port opens last (`cluster.md` 1.3): when answers and notifications are read, and this process is a member.
    func start() async throws {
        runtime.begin()
        let io = try runtime.startLoops(count: settings.runtime.ioThreads, name: "io")
        let isHTTP = service == .httpTransport
        try await runtime.openHTTP(
            isHTTP ? settings.transports.http.server : settings.runtime.httpServer, on: io.loops)
        let link = try ClusterLink(
            runtime: runtime, settings: settings, roles: [.transport], transports: [isHTTP ? "HTTP" : "MQTT"])
        self.link = link
        let queue = KafkaRuleEngineQueue(hub: link.hub, routing: QueueRouting(settings.queues))
        let core = KafkaCoreQueue(hub: link.hub)
        let node = try KafkaNode(hub: link.hub, serviceID: settings.runtime.serviceID)
        self.node = node
        let notifications = InProcessTransportNotifications()
        let api = KafkaTransportAPI(node: node)
        // Devices show their token with every request over HTTP, once over MQTT.
        let credentials = RememberedCredentials(of: api, memory: isHTTP ? settings.credentialsMemory : .zero)
        let backEnd = TransportBackEnd(queue: queue, core: core, api: credentials, notifications: notifications)
        let transports = TransportPart(runtime: runtime, settings: settings.transports, backEnd: backEnd)
        self.transports = transports
        let control = io.loops[0]
        // A core node knows the queues; until it has said so, nothing is sent to them.
        let catalogue = QueueCatalogue(logger: logger) {
            guard let routes = await api.queues() else { throw QueuesUnknown() }
            return routes.map { QueueRecord(route: $0) }
        } apply: { records in
            try await queue.setRoutes(records.map(\.route))
        }
        self.catalogue = catalogue
        try await control.run {
            node.onTransportNotification(on: control) { notification in
                credentials.receive(notification)
                notifications.broadcast(notification)
                if case .queuesChanged = notification { catalogue.changed() }
            }
        }
        try await core.ensureTopics()
        try await api.ensureTopics()
        try await node.start()
        try await link.join()
        try await catalogue.start { $0 is KafkaTopicError }
        if isHTTP {
            let devices = try await transports.makeHTTP(on: io)
            runtime.serve(HTTPPrefixResponder([(HTTPTransport.prefix, devices)], otherwise: runtime.health))
        } else {
            try await transports.startMQTT(on: io)
            runtime.serve(runtime.health)
        }
        await link.setReady()
        runtime.started(statisticsOn: control)
    }

    /// Devices first; then what they sent goes to Kafka.
    func stop() async {
        runtime.beginStopping()
        await catalogue?.stop()
        await transports?.stopAccepting()
        transports?.closeConnections()
        await runtime.stopHTTP()
        await runtime.settle()
        await link?.leave()
        await link?.hub.close()
        await node?.stop()
        runtime.stopLoops()
        logger.info("stopped")
    }
}

/// No core node has answered.
private struct QueuesUnknown: Error, CustomStringConvertible {
    var description: String { "no core node has named them" }
}
