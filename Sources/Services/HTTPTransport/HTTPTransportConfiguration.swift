public import Configuration
public import HTTPServer
import Reactor

/// Settings of the HTTP device API (`device-api.md` 11.2).
public struct HTTPTransportConfiguration: Sendable {
    /// `HTTP_BIND_ADDRESS`.
    public var bindAddress = "0.0.0.0"
    /// `HTTP_BIND_PORT`, 0 ... 65535; 0 takes a free port.
    public var port = 8081
    /// `HTTP_REQUEST_TIMEOUT`: how long polls and calls wait that do not say how long.
    public var requestTimeout: Duration = .milliseconds(60_000)
    /// `HTTP_MAX_REQUEST_TIMEOUT`: a request without an answer for that long is answered 503.
    public var maximumRequestTimeout: Duration = .milliseconds(300_000)
    /// `HTTP_TRANSPORT_MAX_PAYLOAD_SIZE_LIMIT_CONFIGURATION`: `pattern=bytes;pattern=bytes`, the first match counts.
    public var bodyLimits = BodyLimits.devices

    public init() {}

    public init(from settings: inout SettingsReader) {
        bindAddress = settings.string("HTTP_BIND_ADDRESS", default: "0.0.0.0")
        port = settings.integer("HTTP_BIND_PORT", default: 8081, in: 0...65_535)
        requestTimeout = settings.milliseconds("HTTP_REQUEST_TIMEOUT", default: 60_000)
        maximumRequestTimeout = settings.milliseconds("HTTP_MAX_REQUEST_TIMEOUT", default: 300_000)
        let name = "HTTP_TRANSPORT_MAX_PAYLOAD_SIZE_LIMIT_CONFIGURATION"
        if let text = settings.optionalString(name) {
            if let limits = BodyLimits(parsing: text) {
                bodyLimits = limits
            } else {
                settings.report("\(name) is \"\(text)\"; expected pattern=bytes;pattern=bytes")
            }
        }
    }

    /// A server for this API alone.
    public var server: HTTPServerConfiguration {
        var server = HTTPServerConfiguration(address: .tcp(host: bindAddress, port: port))
        server.name = "device"
        server.bodyLimits = bodyLimits
        server.answerTimeout = maximumRequestTimeout
        server.errorRenderer = DeviceAPIErrors.renderer
        return server
    }
}
