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

    public init() {}

    public init(from settings: inout SettingsReader) {
        bindAddress = settings.string("MQTT_BIND_ADDRESS", default: "0.0.0.0")
        port = settings.integer("MQTT_BIND_PORT", default: 1883, in: 0...65_535)
        maximumRemainingLength = settings.integer("NETTY_MAX_PAYLOAD_SIZE", default: 65_536, in: 64...268_435_455)
        connectTimeout = settings.milliseconds("NEEDLETAIL_MQTT_CONNECT_TIMEOUT", default: 10_000)
        maximumInFlight = settings.integer("NEEDLETAIL_MQTT_MAX_INFLIGHT", default: 1_000, in: 1...65_535)
        maximumConnectionsPerLoop = settings.integer(
            "NEEDLETAIL_MQTT_MAX_CONNECTIONS", default: 1_000_000, in: 1...16_000_000)
    }
}
