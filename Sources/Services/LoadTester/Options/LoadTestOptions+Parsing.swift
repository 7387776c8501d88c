public import Configuration

/// What is wrong with the options, all of it.
public struct LoadTestOptionProblems: Error, Equatable, CustomStringConvertible {
    public let problems: [String]
    public var description: String { problems.joined(separator: "\n") }
}

extension LoadTestOptions {
    /// - Parameter arguments: parsed by ``command``.
    public init(_ arguments: ParsedArguments) throws(LoadTestOptionProblems) {
        self.init()
        var problems: [String] = []
        readServer(arguments, &problems)
        readDevices(arguments, &problems)
        readGateways(arguments)
        readLoad(arguments, &problems)
        readReport(arguments)
        checkCombinations(&problems)
        guard problems.isEmpty else { throw LoadTestOptionProblems(problems: problems) }
    }

    private mutating func readServer(_ arguments: ParsedArguments, _ problems: inout [String]) {
        let url = arguments.string("rest-url") ?? ""
        if let parsed = ServerURL(url) {
            restURL = parsed
        } else {
            problems.append("REST_URL (--rest-url) is \"\(url)\"; expected http://HOST:PORT")
        }
        username = arguments.string("username") ?? username
        password = arguments.string("password") ?? password
        mqttHost = arguments.string("mqtt-host") ?? mqttHost
        mqttPort = arguments.integer("mqtt-port") ?? mqttPort
        usesTLS = arguments.string("tls") == "true"
        tlsAuthorities = arguments.string("tls-ca")
    }

    private mutating func readDevices(_ arguments: ParsedArguments, _ problems: inout [String]) {
        let first = arguments.integer("first-device") ?? 0
        var end = first + 1000
        if let count = arguments.integer("devices") {
            end = first + count
        } else if let count = arguments.integer("idle") {
            end = first + count
        } else if let given = arguments.integer("end-device") {
            end = given
        }
        if end > first {
            devices = first..<end
        } else {
            problems.append("devices are \(first) up to, not including, \(end); expected at least one")
        }
        if let name = arguments.string("api"), let named = DeviceAPI(rawValue: name) { api = named }
        if arguments.flag("http") { api = .http }
        createsDevices = arguments.string("create-devices") != "false"
        deletesDevices = arguments.string("delete-devices") == "true"
        sharedToken = arguments.string("token")
        let firstCustomer = arguments.integer("first-customer") ?? 0
        let endCustomer = arguments.integer("customers").map { firstCustomer + $0 }
        customers = firstCustomer..<max(firstCustomer, endCustomer ?? arguments.integer("end-customer") ?? 0)
        dashboardCount = arguments.integer("dashboards") ?? 0
        deletesSurroundings = arguments.string("delete-surroundings") == "true"
        usesMQTT5 = arguments.string("mqtt-version") == "5"
        plainTopic = arguments.string("topic")
        keepAliveSeconds = arguments.integer("keep-alive") ?? keepAliveSeconds
    }

    private mutating func readGateways(_ arguments: ParsedArguments) {
        let first = arguments.integer("first-gateway") ?? 0
        if let count = arguments.integer("gateways") {
            gateways = first..<(first + count)
        } else if arguments.string("test-api") == "gateway" {
            gateways = first..<max(first, arguments.integer("end-gateway") ?? 0)
        }
        createsGateways = arguments.string("create-gateways") != "false"
        deletesGateways = arguments.string("delete-gateways") == "true"
    }

    private mutating func readLoad(_ arguments: ParsedArguments, _ problems: inout [String]) {
        durationSeconds = arguments.integer("duration") ?? durationSeconds
        if arguments.integer("idle") != nil {
            pace = .idle
        } else if let count = arguments.integer("closed-loop") {
            pace = .closed(inFlight: count)
        } else {
            pace = .open(messagesPerSecond: arguments.integer("rate") ?? 1000)
        }
        if let name = arguments.string("payload"), let named = PayloadType(rawValue: name) { payload = named }
        alarms.perSecond = arguments.integer("alarms") ?? 0
        let start = arguments.integer("alarm-start") ?? 0
        // The published tool's default for the end is 0: no end given.
        let end = arguments.integer("alarm-end").flatMap { $0 == 0 ? nil : $0 } ?? max(start, durationSeconds)
        if end >= start {
            alarms.seconds = start..<end
        } else {
            problems.append("alarms start at second \(start) and end at \(end); expected an end behind the start")
        }
        warmup = arguments.string("warmup") == "true"
        warmupPackSize = arguments.integer("warmup-pack") ?? warmupPackSize
        sendsLoad = arguments.string("load") != "false"
        qualityOfService = arguments.string("qos") == "0" ? 0 : 1
        inFlightLimit = arguments.integer("in-flight") ?? inFlightLimit
        threadCount = arguments.integer("threads") ?? threadCount
        drainSeconds = arguments.integer("drain") ?? drainSeconds
    }

    private mutating func readReport(_ arguments: ParsedArguments) {
        ledgerPath = arguments.string("ledger")
        verifies = arguments.flag("verify")
        verifiesOnly = arguments.flag("verify-only")
        verifyGraceSeconds = arguments.integer("verify-grace") ?? verifyGraceSeconds
        jsonPath = arguments.string("json")
        plotPath = arguments.string("plot")
        isQuiet = arguments.flag("quiet")
    }

    private func checkCombinations(_ problems: inout [String]) {
        let keeps = ledgerPath != nil || verifies
        if keeps, qualityOfService == 0, api == .mqtt {
            problems.append("--ledger and --verify need acknowledgements, --qos 0 has none")
        }
        if keeps, sharedToken != nil { problems.append("--ledger and --verify need one token per device, not --token") }
        if verifies || verifiesOnly, plainTopic != nil { problems.append("--verify reads over REST, --topic has none") }
        if verifiesOnly, ledgerPath == nil { problems.append("--verify-only needs --ledger FILE") }
        if qualityOfService == 0, case .closed = pace, api == .mqtt {
            problems.append("--closed-loop waits for acknowledgements, --qos 0 has none")
        }
        if plainTopic != nil, !customers.isEmpty || dashboardCount > 0 {
            problems.append("--customers and --dashboards are made over REST, --topic has none")
        }
        if !gateways.isEmpty {
            if api == .http { problems.append("gateways send by MQTT, not by --http") }
            if plainTopic != nil { problems.append("gateways have topics of their own, not --topic") }
            if sharedToken != nil { problems.append("every gateway has its own token, not --token") }
            if gateways.count > devices.count {
                problems.append(
                    "\(gateways.count) gateways for \(devices.count) devices; expected a device for each at least")
            }
        }
        if usesTLS, api == .http { problems.append("--tls is for MQTT, not for --http") }
        if tlsAuthorities != nil, !usesTLS { problems.append("--tls-ca needs --tls true") }
        if plainTopic != nil, api == .http { problems.append("--topic is for MQTT, not for --http") }
        if let plotPath, !plotPath.hasSuffix(".svg"), !plotPath.hasSuffix(".png") {
            problems.append("--plot is \"\(plotPath)\"; expected FILE.svg or FILE.png")
        }
    }
}
