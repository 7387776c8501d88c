/// The processes of a cluster.
public enum ClusterService: String, Sendable, CaseIterable {
    case mqttTransport = "mqtt-transport"
    case httpTransport = "http-transport"
    case coreNode = "core-node"
    case ruleEngine = "rule-engine"

    /// The service whose executable bears the name that `path`, the first of a process's arguments, ends with. An image
    /// keeps one file for all four, with links to it.
    init?(calledAs path: String) {
        self.init(rawValue: String(path.split(separator: "/").last ?? ""))
    }

    var summary: String {
        switch self {
        case .mqttTransport: "the MQTT transport of a cluster: devices on one side, Kafka on the other"
        case .httpTransport: "the HTTP transport of a cluster: the device API over HTTP"
        case .coreNode: "the core node of a cluster: REST API, device sessions, answers to transports"
        case .ruleEngine: "the rule engine of a cluster: consumes the queues, runs rule chains, stores telemetry"
        }
    }

    /// `HTTP_BIND_PORT` where nobody says otherwise (`cluster.md` 8.1).
    var defaultHTTPPort: Int {
        switch self {
        case .mqttTransport: 8083
        case .httpTransport: 8081
        case .coreNode, .ruleEngine: 8080
        }
    }

    /// What an operator may have put at `/config` (`cluster.md` 8.4).
    var mountedFile: String {
        switch self {
        case .mqttTransport: "tb-mqtt-transport.conf"
        case .httpTransport: "tb-http-transport.conf"
        case .coreNode, .ruleEngine: "thingsboard.conf"
        }
    }

    var usesDatabase: Bool { self == .coreNode || self == .ruleEngine }
}
