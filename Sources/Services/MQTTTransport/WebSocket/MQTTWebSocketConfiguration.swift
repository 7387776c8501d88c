public import Configuration

/// Settings of MQTT over WebSocket (MQTT 5.0 6). ThingsBoard has none, so the names are our own.
public struct MQTTWebSocketConfiguration: Sendable {
    /// Where one listener is.
    public struct Listener: Sendable {
        public var bindAddress: String
        /// 0 takes a free port.
        public var port: Int

        public init(bindAddress: String, port: Int) {
            self.bindAddress = bindAddress
            self.port = port
        }
    }

    /// `NEEDLETAIL_MQTT_WS_ENABLED`, `_BIND_ADDRESS`, `_BIND_PORT`; `nil` for none.
    public var plain: Listener?
    /// `NEEDLETAIL_MQTT_WSS_ENABLED`, `_BIND_ADDRESS`, `_BIND_PORT`: over TLS, with the certificates of the MQTT listener.
    public var secure: Listener?
    /// `NEEDLETAIL_MQTT_WS_PATH`: what clients ask for; other paths are 404.
    public var path = "/mqtt"

    public init() {}

    public init(from settings: inout SettingsReader) {
        if settings.boolean("NEEDLETAIL_MQTT_WS_ENABLED", default: false) {
            plain = Listener(
                bindAddress: settings.string("NEEDLETAIL_MQTT_WS_BIND_ADDRESS", default: "0.0.0.0"),
                port: settings.integer("NEEDLETAIL_MQTT_WS_BIND_PORT", default: 9001, in: 0...65_535))
        }
        if settings.boolean("NEEDLETAIL_MQTT_WSS_ENABLED", default: false) {
            secure = Listener(
                bindAddress: settings.string("NEEDLETAIL_MQTT_WSS_BIND_ADDRESS", default: "0.0.0.0"),
                port: settings.integer("NEEDLETAIL_MQTT_WSS_BIND_PORT", default: 9002, in: 0...65_535))
        }
        guard plain != nil || secure != nil else { return }
        path = settings.string("NEEDLETAIL_MQTT_WS_PATH", default: "/mqtt")
    }
}
