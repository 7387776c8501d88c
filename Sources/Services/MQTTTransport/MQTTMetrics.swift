import MQTTProtocol
import Metrics

/// What the MQTT transport counts on one loop. Owned by the loop: plain integers, added to the shared counters once a tick.
final class MQTTMetrics {
    /// Why a connection was closed by the server, as a label.
    enum Close: String, CaseIterable {
        case malformedPacket = "malformed_packet"
        case unsupportedProtocol = "unsupported_protocol"
        case protocolError = "protocol_error"
        case connectTimeout = "connect_timeout"
        case refused
        case invalidPayload = "invalid_payload"
        case inactivity
        case session
        case limit
        case overload
        case rateLimit = "rate_limit"
        case blocked
        case slowSubscriber = "slow_subscriber"
        case provisioning
        case otaRefused = "ota_refused"
        case webSocket = "websocket"
    }

    var publishes = 0
    private let publishesReceived: Counter
    private let otherReceived: Counter
    let connections: Gauge
    let sessions: Gauge
    let gatewayDevices: Gauge
    let connects: Counter
    let refusedConnects: Counter
    let unavailableConnects: Counter
    let invalidPayloads: Counter
    let unknownTopics: Counter
    let downlinks: Counter
    let downlinksTooLarge: Counter
    private let closes: [Close: Counter]
    var others = 0

    init(registry: MetricsRegistry) {
        let packets = "mqtt_packets_received_total"
        let packetsHelp = "Packets received from clients."
        publishesReceived = registry.counter(packets, help: packetsHelp, labels: ["type": "PUBLISH"])
        otherReceived = registry.counter(packets, help: packetsHelp, labels: ["type": "other"])
        connections = registry.gauge("mqtt_connections", help: "Open TCP connections of the MQTT listener.")
        sessions = registry.gauge(
            "thingsboard_transport_connections_active", help: "Open device sessions.", labels: ["protocol": "mqtt"])
        gatewayDevices = registry.gauge("mqtt_gateway_devices", help: "Devices connected through gateways.")
        let results = "mqtt_connects_total"
        let resultsHelp = "CONNECT packets by result."
        connects = registry.counter(results, help: resultsHelp, labels: ["result": "accepted"])
        refusedConnects = registry.counter(results, help: resultsHelp, labels: ["result": "refused"])
        unavailableConnects = registry.counter(results, help: resultsHelp, labels: ["result": "unavailable"])
        invalidPayloads = registry.counter(
            "mqtt_invalid_payloads_total", help: "PUBLISH packets with an invalid payload.")
        unknownTopics = registry.counter(
            "mqtt_unknown_topics_total", help: "PUBLISH packets to a topic that is not served.")
        downlinks = registry.counter("mqtt_downlinks_total", help: "PUBLISH packets sent to clients.")
        downlinksTooLarge = registry.counter(
            "mqtt_downlinks_too_large_total", help: "Messages larger than the client's maximum packet size, not sent.")
        var closes: [Close: Counter] = [:]
        for reason in Close.allCases {
            closes[reason] = registry.counter(
                "mqtt_connections_closed_total", help: "Connections that the server closed, by reason.",
                labels: ["reason": reason.rawValue])
        }
        self.closes = closes
    }

    func noteClose(_ reason: Close) {
        closes[reason]?.increment()
    }

    func publish() {
        if publishes > 0 { publishesReceived.increment(by: publishes) }
        if others > 0 { otherReceived.increment(by: others) }
        publishes = 0
        others = 0
    }
}
