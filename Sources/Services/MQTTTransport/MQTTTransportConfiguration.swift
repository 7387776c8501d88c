public import Configuration

/// Settings of the MQTT transport (`device-api.md` 11.1).
public struct MQTTTransportConfiguration: Sendable {
    /// `MQTT_BIND_ADDRESS`.
    public var bindAddress = "0.0.0.0"
    /// `MQTT_BIND_PORT`, 0 ... 65535; 0 takes a free port.
    public var port = 1883
    /// `NETTY_MAX_PAYLOAD_SIZE`: largest remaining length taken from a client, in bytes.
    public var maximumRemainingLength = 65_536
    /// `NEEDLETAIL_MQTT_CONNECT_TIMEOUT`: from TCP accept to a whole CONNECT; then the connection is closed.
    public var connectTimeout: Duration = .seconds(10)
    /// `NEEDLETAIL_MQTT_MAX_INFLIGHT`: PUBLISH packets of one connection that may be without an answer; at the limit the
    /// connection is not read until half of them have theirs.
    public var maximumInFlight = 1_000
    /// `NEEDLETAIL_MQTT_MAX_CONNECTIONS`: connections of one event loop; more are closed at accept.
    public var maximumConnectionsPerLoop = 1_000_000
    /// `MQTT_MSG_QUEUE_SIZE_PER_DEVICE_LIMIT`: what `getSessionLimits` tells a device that it may have in flight. What comes
    /// before the session is open waits in the kernel.
    public var advertisedInFlight = 100
    /// `CLIENT_SIDE_RPC_TIMEOUT`: how long a device's call waits for the answer of a rule chain.
    public var clientRPCTimeout: Duration = .milliseconds(60_000)
    /// `MQTT_TIMEOUT`: how long the PUBACK of a call to the device is waited for.
    public var rpcAcknowledgementTimeout: Duration = .milliseconds(10_000)
    /// `NEEDLETAIL_MQTT_MAX_GATEWAY_DEVICES`: devices behind one connection.
    public var maximumGatewayDevices = 100_000
    /// `MQTT_GATEWAY_METRICS_REPORT_INTERVAL_SEC`: how often the latencies of a gateway's connectors are stored.
    public var gatewayMetricsInterval: Duration = .seconds(60)
    /// `NEEDLETAIL_MQTT_MAX_OTA_MESSAGE`: bytes of an OTA package that may be sent in one message.
    public var maximumWholePackage = 64 << 20
    /// From the answer to a provision request to the end of its connection.
    public var provisionLinger: Duration = .seconds(60)
    /// MQTT over TLS; `nil` for none.
    public var tls: MQTTTLSConfiguration?
    /// MQTT over WebSocket.
    public var webSocket = MQTTWebSocketConfiguration()
    /// `MQTT_PROXY_PROTOCOL_ENABLED`: every connection begins with the header of a proxy.
    public var expectsProxyHeader = false
    /// `TB_TRANSPORT_MAX_WRONG_CREDENTIALS_PER_IP`, where `TB_TRANSPORT_IP_RATE_LIMITS_ENABLED` is set: so many refused
    /// connections block an address.
    public var maximumRefusalsPerAddress: Int?
    /// `TB_TRANSPORT_IP_BLOCK_TIMEOUT`: since the last refusal.
    public var addressBlockTime: Duration = .milliseconds(60_000)
    /// `NEEDLETAIL_MQTT_MAX_UNACKNOWLEDGED_DOWNLINKS`: QoS 1 messages to one connection that may be without PUBACK; a client
    /// that lets more pile up is closed.
    public var maximumUnacknowledgedDownlinks = 20_000
    /// `NEEDLETAIL_MQTT_MAX_OUTPUT`: bytes to one connection that may wait; a client that takes them more slowly is closed.
    public var maximumOutput = 4 << 20

    public init() {}

    public init(from settings: inout SettingsReader) {
        bindAddress = settings.string("MQTT_BIND_ADDRESS", default: "0.0.0.0")
        port = settings.integer("MQTT_BIND_PORT", default: 1883, in: 0...65_535)
        maximumRemainingLength = settings.integer("NETTY_MAX_PAYLOAD_SIZE", default: 65_536, in: 64...268_435_455)
        connectTimeout = settings.milliseconds("NEEDLETAIL_MQTT_CONNECT_TIMEOUT", default: 10_000)
        maximumInFlight = settings.integer("NEEDLETAIL_MQTT_MAX_INFLIGHT", default: 1_000, in: 1...65_535)
        maximumConnectionsPerLoop = settings.integer(
            "NEEDLETAIL_MQTT_MAX_CONNECTIONS", default: 1_000_000, in: 1...16_000_000)
        advertisedInFlight = settings.integer("MQTT_MSG_QUEUE_SIZE_PER_DEVICE_LIMIT", default: 100, in: 1...65_535)
        clientRPCTimeout = settings.milliseconds("CLIENT_SIDE_RPC_TIMEOUT", default: 60_000)
        rpcAcknowledgementTimeout = settings.milliseconds("MQTT_TIMEOUT", default: 10_000)
        maximumUnacknowledgedDownlinks = settings.integer(
            "NEEDLETAIL_MQTT_MAX_UNACKNOWLEDGED_DOWNLINKS", default: 20_000, in: 1...65_000)
        webSocket = MQTTWebSocketConfiguration(from: &settings)
        tls = MQTTTLSConfiguration(from: &settings, isNeeded: webSocket.secure != nil)
        expectsProxyHeader = settings.boolean("MQTT_PROXY_PROTOCOL_ENABLED", default: false)
        let isBlocking = settings.boolean("TB_TRANSPORT_IP_RATE_LIMITS_ENABLED", default: false)
        let maximum = settings.integer(
            "TB_TRANSPORT_MAX_WRONG_CREDENTIALS_PER_IP", default: 10, in: 1...1_000_000)
        maximumRefusalsPerAddress = isBlocking ? maximum : nil
        addressBlockTime = settings.milliseconds("TB_TRANSPORT_IP_BLOCK_TIMEOUT", default: 60_000)
        maximumGatewayDevices = settings.integer(
            "NEEDLETAIL_MQTT_MAX_GATEWAY_DEVICES", default: 100_000, in: 1...1_000_000)
        gatewayMetricsInterval = settings.seconds("MQTT_GATEWAY_METRICS_REPORT_INTERVAL_SEC", default: 60)
        maximumWholePackage = settings.integer(
            "NEEDLETAIL_MQTT_MAX_OTA_MESSAGE", default: 64 << 20, in: 65_536...(256 << 20))
        maximumOutput = settings.integer("NEEDLETAIL_MQTT_MAX_OUTPUT", default: 4 << 20, in: 65_536...(1 << 30))
    }
}
