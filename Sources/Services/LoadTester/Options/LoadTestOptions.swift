/// What a load test does. Defaults are those of the command line.
public struct LoadTestOptions: Sendable, Equatable {
    /// How devices send.
    public enum DeviceAPI: String, Sendable, CaseIterable {
        case mqtt = "MQTT"
        case http = "HTTP"
    }

    /// What decides when the next message goes out.
    public enum Pace: Sendable, Equatable {
        /// A schedule of so many messages a second over all devices, whatever the server answers.
        case open(messagesPerSecond: Int)
        /// So many messages in flight per connection, always: the next goes out when one is acknowledged.
        case closed(inFlight: Int)
        /// Connections that send nothing but keep-alive.
        case idle
    }

    // MARK: Server

    /// `REST_URL`. Plain HTTP.
    public var restURL = ServerURL(host: "localhost", port: 8080)
    public var username = "tenant@thingsboard.org"
    public var password = "tenant"
    public var mqttHost = "localhost"
    public var mqttPort = 1883

    // MARK: Devices

    /// Numbers of the devices; `DW00000017` is number 17.
    public var devices = 0..<1000
    public var api = DeviceAPI.mqtt
    /// Creates profiles and missing devices; existing ones are used as they are.
    public var createsDevices = true
    public var deletesDevices = false
    /// One access token for all connections instead of the device's name.
    public var sharedToken: String?
    /// Plain MQTT to this topic, for any broker: no REST calls at all.
    public var plainTopic: String?
    /// Keep-alive of a connection, in seconds; 0 turns it off.
    public var keepAliveSeconds = 120

    // MARK: Gateways

    /// Numbers of the gateways that send for the devices; none: each device connects itself.
    public var gateways = 0..<0
    public var createsGateways = true
    public var deletesGateways = false
    /// MQTT over TLS.
    public var usesTLS = false
    /// A PEM file with those that are believed; `nil` believes anybody.
    public var tlsAuthorities: String?

    // MARK: Surroundings

    /// Numbers of the customers that are made, each with a user.
    public var customers = 0..<0
    /// Dashboards that are made.
    public var dashboardCount = 0
    /// Deletes customers and dashboards at the end.
    public var deletesSurroundings = false

    // MARK: Load

    public var pace = Pace.open(messagesPerSecond: 1000)
    public var durationSeconds = 60
    public var payload = PayloadType.smartMeter
    public var alarms = AlarmSettings()
    public var warmup = false
    /// Messages of the warm-up that go out in one burst.
    public var warmupPackSize = 100
    /// MQTT 5.0 instead of 3.1.1.
    public var usesMQTT5 = false
    /// MQTT quality of service, 0 or 1.
    public var qualityOfService = 1
    /// Unacknowledged messages per device beyond which the next ones wait.
    public var inFlightLimit = 100
    /// Event loops that send.
    public var threadCount = 1
    /// How long to wait for acknowledgements after the last message, in seconds.
    public var drainSeconds = 10
    /// Whether the load runs at all; without it, devices are created (and deleted) and that is it.
    public var sendsLoad = true

    // MARK: Report

    public var ledgerPath: String?
    /// Reads every acknowledged message back.
    public var verifies = false
    /// Only reads the ledger's messages back.
    public var verifiesOnly = false
    /// How long a message that is acknowledged may take to be readable, in seconds.
    public var verifyGraceSeconds = 10
    public var jsonPath: String?
    public var plotPath: String?
    /// No progress lines.
    public var isQuiet = false

    public init() {}

    /// Alarms during a part of the run.
    public struct AlarmSettings: Sendable, Equatable {
        public var perSecond = 0
        /// Seconds from the start of the run: [start, end).
        public var seconds = 0..<0
        public init() {}
    }

    /// Whether management calls are made.
    var usesREST: Bool { plainTopic == nil }

    /// Connections of the run.
    var connectionCount: Int { gateways.isEmpty ? devices.count : gateways.count }

    /// Name of a device, which is its access token too.
    static func deviceName(_ number: Int) -> String { "DW" + eightDigits(number) }

    /// The same of a gateway.
    static func gatewayName(_ number: Int) -> String { "GW" + eightDigits(number) }

    private static func eightDigits(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 8 - digits.count)) + digits
    }
}

/// `http://host:port/prefix`.
public struct ServerURL: Sendable, Equatable, CustomStringConvertible {
    public var host: String
    public var port: Int
    /// Empty, or with a slash in front and none behind.
    public var prefix: String

    public init(host: String, port: Int, prefix: String = "") {
        self.host = host
        self.port = port
        self.prefix = prefix
    }

    /// `nil` when `text` is no address of this kind; `https` is none.
    public init?(_ text: String) {
        let scheme = "http://"
        guard text.hasPrefix(scheme) else { return nil }
        let rest = text.dropFirst(scheme.count)
        let authority = rest.prefix { $0 != "/" }
        var path = rest.dropFirst(authority.count)
        while path.last == "/" { path.removeLast() }
        var host = authority
        var port = 80
        if let colon = authority.lastIndex(of: ":"), authority.last != "]" {
            guard let number = Int(authority[authority.index(after: colon)...]), (1...65_535).contains(number) else {
                return nil
            }
            host = authority[..<colon]
            port = number
        }
        if host.first == "[", host.last == "]" { host = host.dropFirst().dropLast() }
        guard !host.isEmpty, !host.contains("@") else { return nil }
        self.init(host: String(host), port: port, prefix: String(path))
    }

    public var description: String { "http://\(host):\(port)\(prefix)" }
}
