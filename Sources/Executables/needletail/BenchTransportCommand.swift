import Configuration
import Glibc
import Logging
import MQTTTransport
import Messages
import Metrics
import Model
import ProcessRuntime
import Queue
import Reactor
import TransportCore

/// `needletail bench-transport`: the MQTT transport alone, on a queue that acknowledges at once and with every device let
/// in. It measures what the transport costs.
enum BenchTransportCommand {
    static let command = Command(
        "bench-transport", summary: "run the MQTT transport alone, on a queue that acknowledges at once",
        discussion: "For benchmarks. Stores nothing and lets every client in.",
        options: [
            .integer(
                "mqtt-port", default: 1883, in: 0...65_535, environment: "MQTT_BIND_PORT", help: "port to listen on"),
            .integer("loops", default: 1, in: 1...64, help: "event loops"),
        ])

    static func run(_ arguments: ParsedArguments, environment: [String: String]) async -> Int32 {
        var settings = SettingsReader(environment: environment)
        var configuration = MQTTTransportConfiguration(from: &settings)
        configuration.bindAddress = "127.0.0.1"
        let transportConfiguration = TransportConfiguration(serviceID: "bench", from: &settings)
        let logger = Logger(label: "bench", sink: LogSink(level: .info))
        let metrics = MetricsRegistry()
        let signals = TerminationSignals()
        DescriptorLimit.raise()
        do {
            let group = try EventLoopGroup(count: arguments.integer("loops") ?? 1, name: "io")
            group.start()
            let transport = MQTTTransport(configuration: configuration, logger: logger, metrics: metrics)
            var port = arguments.integer("mqtt-port") ?? 1883
            for loop in group.loops {
                let wanted = port
                port = try await loop.run {
                    let shared = TransportLoop(
                        loop: loop, configuration: transportConfiguration, queue: AcknowledgingQueue(),
                        core: DiscardingCoreQueue(), api: EveryDevice(),
                        metrics: TransportMetrics(registry: metrics, protocolName: "mqtt", loopIndex: loop.index))
                    _ = transport.attach(shared)
                    return try transport.listen(port: wanted)
                }
            }
            if let tls = configuration.tls {
                try transport.loadCertificates()
                var securePort = tls.port
                for loop in group.loops {
                    let wanted = securePort
                    securePort = try await loop.run { try transport.listenTLS(port: wanted) }
                }
            }
            Output.line("listening on \(port)")
            await signals.wait()
            group.stop()
            group.join()
            return 0
        } catch {
            Output.error("\(error)")
            return 1
        }
    }
}

/// A queue that acknowledges what it is given in the same tick and forgets it.
private final class AcknowledgingQueue: RuleEngineQueue {
    func makeUplinkProducer(on loop: EventLoop, outcomes: @escaping OutcomeHandler) -> any UplinkProducer {
        Producer(mailbox: Mailbox(on: loop, outcomes))
    }

    func send(_ message: RuleMessage) async throws(QueueError) -> DeliveryOutcome { .acknowledged }

    private final class Producer: UplinkProducer {
        private let mailbox: Mailbox<TicketOutcome>

        init(mailbox: Mailbox<TicketOutcome>) {
            self.mailbox = mailbox
        }

        let laneCount = 1

        func lane(for originator: UUID128) -> Int { 0 }

        func submit(_ batch: UplinkBatch, lane: Int) {
            mailbox.post(contentsOf: batch.messages.map { TicketOutcome(ticket: $0.ticket, outcome: .acknowledged) })
        }
    }
}

private struct DiscardingCoreQueue: CoreQueueProducer {
    func send(_ message: CoreMessage, device: DeviceID) -> Bool { true }
}

/// Lets every client in, each as a device of its own.
private struct EveryDevice: TransportAPI {
    func validate(_ request: DeviceCredentialsRequest) async -> DeviceCredentialsResponse {
        let profile = DeviceProfileInfo(id: DeviceProfileID(.random()), transportType: .default)
        let device = DeviceInfo(
            tenantID: TenantID(.zero), deviceID: DeviceID(.random()), name: "device", type: "default",
            profileID: profile.id, customerID: .null, isGateway: false)
        return .accepted(device, profile)
    }
}
