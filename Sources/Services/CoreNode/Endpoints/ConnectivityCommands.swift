internal import HTTPServer
internal import JSON
internal import Model
internal import Storage

/// Commands that somebody types to see a device's first value arrive (`rest-api.md` 4.4).
struct ConnectivityCommands: EndpointGroup {
    let services: Services

    var endpoints: [Endpoint] {
        [
            Endpoint(.get, "/api/device-connectivity/{deviceId}", roles: [.tenant, .customer], commands)
                .docs("Commands that send a value for the device", answer: "DeviceConnectivity")
        ]
    }

    private static let payload = #""{temperature:25}""#
    private static let usualTopic = "v1/devices/me/telemetry"

    @Sendable private func commands(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let device = try await services.device(try call.id("deviceId"), for: principal, .readCredentials)
        guard let credentials = try await services.credentials.find(device: device.id),
            let profile = try await services.profiles.find(device.deviceProfileID, tenant: device.tenantID)
        else { throw APIError.itemNotFound }
        let settings = try await services.connectivitySettings
        let requestHost = ConnectivityAddress.host(of: call)
        let isForHTTP = profile.transportType == "DEFAULT"
        let isForMQTT = profile.transportType == "DEFAULT" || profile.transportType == "MQTT"
        var answer: JSONObject = [:]
        if isForHTTP { answer["http"] = http(settings, requestHost, credentials) }
        if isForMQTT { answer["mqtt"] = mqtt(settings, requestHost, credentials, topic: topic(of: profile)) }
        let result = answer
        return .json { $0.value(result) }
    }

    private func topic(of profile: DeviceProfile) -> String {
        guard profile.transportType == "MQTT" else { return Self.usualTopic }
        return profile.profileData.value["transportConfiguration"]?["deviceTelemetryTopic"]?.stringValue
            ?? Self.usualTopic
    }

    // MARK: - Commands

    private func http(_ settings: JSONValue, _ host: String, _ credentials: DeviceCredentials) -> JSONValue? {
        guard credentials.type == .accessToken else { return nil }
        var commands: JSONObject = [:]
        for (name, usualPort) in [("http", "80"), ("https", "443")] {
            guard let address = ConnectivityAddress(settings, name, requestHost: host) else { continue }
            let port = address.port.flatMap { $0 == usualPort ? nil : ":" + $0 } ?? ""
            commands[name] = .string(
                "curl -v -X POST \(name)://\(address.host)\(port)/api/v1/\(credentials.credentialsID)/telemetry "
                    + "--header Content-Type:application/json --data \(Self.payload)")
        }
        return commands.isEmpty ? nil : .object(commands)
    }

    private func mqtt(
        _ settings: JSONValue, _ host: String, _ credentials: DeviceCredentials, topic: String
    ) -> JSONValue? {
        guard let login = login(credentials) else { return nil }
        var commands: JSONObject = [:]
        var containers: JSONObject = [:]
        func publish(_ address: ConnectivityAddress, to host: String, _ options: String) -> String {
            let port = address.port.map { " -p \($0)" } ?? ""
            return "mosquitto_pub -d -q 1\(options) -h \(host)\(port) -t \(topic)\(login) -m \(Self.payload)"
        }
        if let address = ConnectivityAddress(settings, "mqtt", requestHost: host) {
            commands["mqtt"] = .string(publish(address, to: address.host, ""))
            let gateway = address.isLocal ? "--add-host=host.docker.internal:host-gateway " : ""
            let target = address.isLocal ? "host.docker.internal" : address.host
            containers["mqtt"] = .string(
                "docker run --rm -it \(gateway)thingsboard/mosquitto-clients \(publish(address, to: target, ""))")
        }
        if let address = ConnectivityAddress(settings, "mqtts", requestHost: host) {
            commands["mqtts"] = [.string(publish(address, to: address.host, " --cafile ca-root.pem"))]
        }
        if !containers.isEmpty { commands["docker"] = .object(containers) }
        return commands.isEmpty ? nil : .object(commands)
    }

    /// The options that name the device; `nil` for credentials that no command line can show.
    private func login(_ credentials: DeviceCredentials) -> String? {
        switch credentials.type {
        case .accessToken: return " -u \"\(credentials.credentialsID)\""
        case .mqttBasic:
            guard let value = credentials.credentialsValue, let basic = try? JSONValue.parse(value) else { return nil }
            var options = ""
            for (member, option) in [("clientId", "-i"), ("userName", "-u"), ("password", "-P")] {
                if let text = basic[member]?.stringValue { options += " \(option) \"\(text)\"" }
            }
            return options
        case .x509Certificate, .lwm2m: return nil
        }
    }
}
