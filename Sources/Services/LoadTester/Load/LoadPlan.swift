internal import MQTTProtocol
internal import Reactor

/// What every loop of a run needs to know; never changes while it runs.
struct LoadPlan: Sendable {
    var api: LoadTestOptions.DeviceAPI
    /// With the address already resolved.
    var address: SocketAddress
    /// `Host` field of HTTP requests.
    var httpHost = ""
    /// In front of `/api/v1/..`.
    var httpPrefix = ""
    var topic = Array("v1/devices/me/telemetry".utf8)
    var mqttVersion: MQTTVersion
    var qualityOfService: Int
    var keepAliveSeconds: Int
    var payload: PayloadType
    var firstDevice: Int
    /// `nil`: every device has a connection of its own.
    var gateways: GatewayPlan?
    /// `nil`: without TLS.
    var tls: TLSClient?
    var sharedToken: String?
    var pace: LoadTestOptions.Pace
    var inFlightLimit: Int
    /// Connections per loop that may be in the making at one time.
    var connectingLimit = 256
    var schedule: Schedule

    init(options: LoadTestOptions, address: SocketAddress) {
        api = options.api
        self.address = address
        httpHost = "\(options.restURL.host):\(options.restURL.port)"
        httpPrefix = options.restURL.prefix
        if let plain = options.plainTopic { topic = Array(plain.utf8) }
        if !options.gateways.isEmpty {
            gateways = GatewayPlan(gateways: options.gateways, devices: options.devices)
            topic = Array("v1/gateway/telemetry".utf8)
        }
        mqttVersion = options.usesMQTT5 ? .v5 : .v3_1_1
        qualityOfService = options.qualityOfService
        keepAliveSeconds = options.keepAliveSeconds
        payload = options.payload
        firstDevice = options.devices.lowerBound
        sharedToken = options.sharedToken
        pace = options.pace
        var rate = 1.0
        inFlightLimit = options.inFlightLimit
        switch options.pace {
        case .open(let messagesPerSecond): rate = Double(messagesPerSecond)
        case .closed(let inFlight): inFlightLimit = inFlight
        case .idle: break
        }
        // A request over HTTP is answered before the next one is sent.
        if api == .http { inFlightLimit = 1 }
        schedule = Schedule(
            deviceCount: options.connectionCount, rate: rate, durationSeconds: Double(options.durationSeconds),
            alarms: AlarmStorm(
                perSecond: options.alarms.perSecond, startSecond: options.alarms.seconds.lowerBound,
                endSecond: options.alarms.seconds.upperBound))
    }

    /// Number of the device or gateway whose connection is the one at `index`.
    func number(connection index: Int) -> Int { (gateways?.first ?? firstDevice) + index }

    /// Name of who connects under a number.
    func name(_ number: Int) -> String {
        gateways == nil ? LoadTestOptions.deviceName(number) : LoadTestOptions.gatewayName(number)
    }

    func token(_ number: Int) -> String { sharedToken ?? name(number) }
}

/// When the load began, on both clocks.
struct LoadStart: Sendable {
    /// Nanoseconds of the monotonic clock.
    var monotonic: UInt64
    /// Milliseconds since 1970.
    var wallMilliseconds: Int64

    /// Time stamp of something that was due at `due`.
    func timestamp(due: UInt64) -> Int64 {
        wallMilliseconds + (Int64(bitPattern: due) - Int64(bitPattern: monotonic)) / 1_000_000
    }
}
