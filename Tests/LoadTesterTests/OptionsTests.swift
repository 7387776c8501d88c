import Configuration
import Testing

@testable import LoadTester

@Suite struct OptionsTests {
    private func options(_ arguments: [String], environment: [String: String] = [:]) throws -> LoadTestOptions {
        let parser = ArgumentParser(program: "needletail", summary: "", commands: [LoadTestOptions.command])
        guard case .run(let parsed) = parser.parse(["loadtest"] + arguments, environment: environment) else {
            throw LoadTestOptionProblems(problems: ["not parsed"])
        }
        return try LoadTestOptions(parsed)
    }

    @Test func defaultsAreThoseOfTheStructure() throws {
        var expected = LoadTestOptions()
        expected.alarms.seconds = 0..<60
        #expect(try options([]) == expected)
    }

    @Test func gatewaysComeFromTheVariablesOfThePublishedToolToo() throws {
        let range = ["GATEWAY_START_IDX": "3", "GATEWAY_END_IDX": "8", "GATEWAY_DELETE_ON_COMPLETE": "true"]
        #expect(try options([], environment: range).gateways.isEmpty)
        let chosen = try options([], environment: range.merging(["TEST_API": "gateway"]) { $1 })
        #expect(chosen.gateways == 3..<8)
        #expect(chosen.createsGateways && chosen.deletesGateways)
        #expect(chosen.connectionCount == 5)
        #expect(try options(["--gateways", "2", "--first-gateway", "9"]).gateways == 9..<11)
        for wrong in [["--gateways", "2", "--http"], ["--gateways", "2", "--devices", "1"], ["--tls-ca", "x"]] {
            #expect(throws: LoadTestOptionProblems.self) { try options(wrong) }
        }
    }

    @Test func variablesOfThePublishedToolAreRead() throws {
        let options = try options(
            [],
            environment: [
                "REST_URL": "http://platform:9090/", "REST_USERNAME": "a@b.c", "REST_PASSWORD": "secret",
                "MQTT_HOST": "broker", "MQTT_PORT": "2883", "DEVICE_API": "HTTP", "DEVICE_START_IDX": "10",
                "DEVICE_END_IDX": "30", "DEVICE_CREATE_ON_START": "false", "DEVICE_DELETE_ON_COMPLETE": "true",
                "MESSAGES_PER_SECOND": "500", "DURATION_IN_SECONDS": "7", "ALARMS_PER_SECOND": "3",
                "ALARM_STORM_START_SECOND": "2", "ALARM_STORM_END_SECOND": "4", "WARMUP_ENABLED": "true",
                "WARMUP_PACK_SIZE": "50", "TEST_PAYLOAD_TYPE": "INDUSTRIAL_PLC",
            ])
        #expect(options.restURL == ServerURL(host: "platform", port: 9090))
        #expect(options.username == "a@b.c")
        #expect(options.password == "secret")
        #expect(options.mqttHost == "broker")
        #expect(options.mqttPort == 2883)
        #expect(options.api == .http)
        #expect(options.devices == 10..<30)
        #expect(!options.createsDevices)
        #expect(options.deletesDevices)
        #expect(options.pace == .open(messagesPerSecond: 500))
        #expect(options.durationSeconds == 7)
        #expect(options.alarms.perSecond == 3)
        #expect(options.alarms.seconds == 2..<4)
        #expect(options.warmup)
        #expect(options.warmupPackSize == 50)
        #expect(options.payload == .industrialPLC)
    }

    @Test func optionsWinOverVariables() throws {
        let options = try options(
            ["--devices", "5", "--rate", "10", "--payload", "SMART_TRACKER"],
            environment: ["DEVICE_END_IDX": "100", "MESSAGES_PER_SECOND": "1", "TEST_PAYLOAD_TYPE": "INDUSTRIAL_PLC"])
        #expect(options.devices == 0..<5)
        #expect(options.pace == .open(messagesPerSecond: 10))
        #expect(options.payload == .smartTracker)
    }

    @Test func closedLoopAndIdleTakeThePlaceOfTheRate() throws {
        #expect(try options(["--closed-loop", "20"]).pace == .closed(inFlight: 20))
        let idle = try options(["--idle", "20000"])
        #expect(idle.pace == .idle)
        #expect(idle.devices == 0..<20_000)
    }

    @Test func allProblemsAreReportedTogether() throws {
        let error = #expect(throws: LoadTestOptionProblems.self) {
            try options(["--rest-url", "ftp://x", "--qos", "0", "--verify", "--topic", "t", "--plot", "x.gif"])
        }
        #expect(error?.problems.count == 4)
    }

    @Test(arguments: [
        ["--verify-only"], ["--devices", "0"], ["--http", "--topic", "t"], ["--closed-loop", "1", "--qos", "0"],
        ["--verify", "--token", "x"], ["--alarm-start", "9", "--alarm-end", "3"],
    ])
    func contradictionsAreRefused(arguments: [String]) {
        #expect(throws: LoadTestOptionProblems.self) { try options(arguments) }
    }

    @Test func devicesAreNamedWithEightDigits() {
        #expect(LoadTestOptions.deviceName(0) == "DW00000000")
        #expect(LoadTestOptions.deviceName(12_345_678) == "DW12345678")
    }

    @Test(arguments: [
        ("http://a", "a", 80, ""), ("http://a:1/x/y/", "a", 1, "/x/y"), ("http://[::1]:8080", "::1", 8080, ""),
    ])
    func serverAddressesAreTakenApart(text: String, host: String, port: Int, prefix: String) {
        #expect(ServerURL(text) == ServerURL(host: host, port: port, prefix: prefix))
    }

    @Test(arguments: ["", "a:80", "https://a", "http://", "http://a:0", "http://a:x", "http://u@a"])
    func otherAddressesAreRefused(text: String) {
        #expect(ServerURL(text) == nil)
    }
}
