internal import HTTPServer
internal import JSON
internal import Model
internal import Storage

/// A file that starts a gateway in a container (`rest-api.md` 4.4).
struct GatewayLaunch: EndpointGroup {
    let services: Services

    var endpoints: [Endpoint] {
        [
            Endpoint(
                .get, "/api/device-connectivity/gateway-launch/{deviceId}/docker-compose/download",
                roles: [.tenant, .customer], composeFile
            ).docs("A compose file that starts the gateway", answer: .bytes("application/octet-stream"))
        ]
    }

    @Sendable private func composeFile(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let device = try await services.device(try call.id("deviceId"), for: principal, .readCredentials)
        guard device.additionalInfo?.value["gateway"]?.boolValue == true else {
            throw APIError.invalid("The device must be a gateway!")
        }
        guard let credentials = try await services.credentials.find(device: device.id) else {
            throw APIError.itemNotFound
        }
        guard let login = Self.login(credentials) else {
            throw APIError.invalid("The gateway needs an access token, or a user name and a password!")
        }
        let requestHost = ConnectivityAddress.host(of: call)
        guard
            let address = ConnectivityAddress(
                try await services.connectivitySettings, "mqtt", requestHost: requestHost)
        else { throw APIError.invalid("MQTT is switched off in the connectivity settings!") }
        var response = HTTPResponse(
            status: 200, fields: [("Content-Type", "application/octet-stream")],
            body: Array(Self.file(address, login).utf8))
        response.fields.append(("Content-Disposition", "attachment;filename=docker-compose.yml"))
        response.fields.append(("x-filename", "docker-compose.yml"))
        return response
    }

    /// The variables by which a gateway's container says who it is; `nil` for credentials that it cannot have so.
    private static func login(_ credentials: DeviceCredentials) -> [(name: String, value: String)]? {
        switch credentials.type {
        case .accessToken:
            return [("TB_GW_SECURITY_TYPE", "accessToken"), ("TB_GW_ACCESS_TOKEN", credentials.credentialsID)]
        case .mqttBasic:
            guard let value = credentials.credentialsValue, let basic = try? JSONValue.parse(value) else { return nil }
            let parts = [("clientId", "CLIENT_ID"), ("userName", "USERNAME"), ("password", "PASSWORD")]
            return [("TB_GW_SECURITY_TYPE", "usernamePassword")]
                + parts.compactMap { member, name in basic[member]?.stringValue.map { ("TB_GW_" + name, $0) } }
        case .x509Certificate, .lwm2m: return nil
        }
    }

    private static func file(_ address: ConnectivityAddress, _ login: [(name: String, value: String)]) -> String {
        let host = address.isLocal ? "host.docker.internal" : address.host
        let variables = [("TB_GW_HOST", host), ("TB_GW_PORT", address.port ?? "1883")] + login
        return """
            services:
              tb-gateway:
                image: thingsboard/tb-gateway
                container_name: tb-gateway
                restart: always
                # A platform on this machine is reached by this name.
                extra_hosts:
                  - "host.docker.internal:host-gateway"
                environment:
            \(variables.map { "      \($0.0): \(quoted($0.1))" }.joined(separator: "\n"))
                volumes:
                  - tb-gw-config:/thingsboard_gateway/config
                  - tb-gw-logs:/thingsboard_gateway/logs
                  - tb-gw-extensions:/thingsboard_gateway/extensions
            volumes:
              tb-gw-config:
              tb-gw-logs:
              tb-gw-extensions:

            """
    }

    /// JSON's strings are YAML's; compose reads a dollar sign as the beginning of a variable.
    private static func quoted(_ text: String) -> String {
        JSONValue.string(text.split(separator: "$", omittingEmptySubsequences: false).joined(separator: "$$"))
            .serializedString
    }
}
