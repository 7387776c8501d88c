internal import Crypto
internal import JSON
internal import Logging
internal import Messages
internal import Model
internal import Storage
internal import Synchronization
internal import Telemetry

/// Registers devices that ask for it (`device-api.md` 8.1 to 8.3).
struct DeviceProvisioning: Sendable {
    let database: any TransactionRunner
    let creator: DeviceCreator
    let guesses: ProvisioningGuesses
    let logger: Logger

    private static let state = "provisionState"
    private static let provisioned = "provisioned"

    func provision(_ request: ProvisionRequest, now: Int64) async -> ProvisionResponse {
        do {
            guard guesses.admits(request.provisionDeviceKey, now: now) else {
                logger.limited(.warning, "too many wrong provisioning secrets; requests with this key are refused")
                return .notFound
            }
            guard let profile = try await profile(of: request) else {
                guesses.noteWrong(request.provisionDeviceKey, now: now)
                logger.limited(.info, "a request to be provisioned had an unknown key or a wrong secret")
                return .notFound
            }
            return try await provision(request, in: profile, now: now)
        } catch {
            logger.limited(
                .error, "a device cannot be provisioned", ["error": .string(String(describing: error))])
            return .unavailable
        }
    }

    /// The profile that the key and the secret belong to, unless it provisions nobody.
    private func profile(of request: ProvisionRequest) async throws -> DeviceProfile? {
        guard !request.provisionDeviceKey.isEmpty, !request.provisionDeviceSecret.isEmpty,
            let profile = try await DeviceProfileRepository(database).find(
                provisionKey: request.provisionDeviceKey),
            profile.provisionType ?? "DISABLED" != "DISABLED"
        else { return nil }
        // A chain's profile has no secret: whoever asks the classic way is told that it failed (`device-api.md` 12, Q11).
        if profile.provisionType == "X509_CERTIFICATE_CHAIN" { return profile }
        let secret = profile.profileData.value["provisionConfiguration"]?["provisionDeviceSecret"]?.stringValue ?? ""
        guard !secret.isEmpty,
            constantTimeEqual(Array(secret.utf8), Array(request.provisionDeviceSecret.utf8))
        else { return nil }
        return profile
    }

    private func provision(
        _ request: ProvisionRequest, in profile: DeviceProfile, now: Int64
    ) async throws -> ProvisionResponse {
        let given = request.deviceName ?? ""
        let name = given.trimmed
        guard given.isEmpty || !name.isEmpty else { return .failure }
        switch profile.provisionType {
        case "ALLOW_CREATE_NEW_DEVICES": return try await create(request, name, in: profile, now: now)
        case "CHECK_PRE_PROVISIONED_DEVICES": return try await check(request, name, in: profile, now: now)
        default: return .failure
        }
    }

    // MARK: - Strategies

    private func create(
        _ request: ProvisionRequest, _ name: String, in profile: DeviceProfile, now: Int64
    ) async throws -> ProvisionResponse {
        let devices = DeviceRepository(database)
        if !name.isEmpty, let existing = try await devices.find(name: name, tenant: profile.tenantID) {
            announce(.provisionFailure, existing, request, now: now)
            return .failure
        }
        let device = creator.describe(
            name: name.isEmpty ? SecureRandom.alphanumeric(20) : name, profile: profile,
            additionalInfo: request.isGateway ? ["gateway": true] : [:], now: now)
        let credentials: DeviceCredentials
        do {
            credentials = try request.credentials(of: device.id, now: now).normalized()
            try await creator.create(
                device,
                DeviceCreator.Extras(credentials: credentials, attributes: [(Self.state, Self.provisioned)]), now: now)
        } catch {
            // The device's data, its name or its credentials, or the tenant's limit: nothing was made.
            guard error is EntityError || StorageFailure.violation(error) != nil else { throw error }
            logger.limited(.info, "a device was refused provisioning", ["reason": .string(String(describing: error))])
            return .failure
        }
        creator.announce(
            device, metadata: ["tenantId": device.tenantID.description], route: MessageRoute(), now: now)
        announce(.provisionSuccess, device, request, now: now)
        return success(credentials)
    }

    private func check(
        _ request: ProvisionRequest, _ name: String, in profile: DeviceProfile, now: Int64
    ) async throws -> ProvisionResponse {
        guard !name.isEmpty,
            let device = try await DeviceRepository(database).find(name: name, tenant: profile.tenantID)
        else { return .failure }
        guard device.deviceProfileID == profile.id,
            let credentials = try await DeviceCredentialsRepository(database).find(device: device.id),
            try await claimState(of: device, now: now)
        else {
            announce(.provisionFailure, device, request, now: now)
            return .failure
        }
        announce(.provisionSuccess, device, request, now: now)
        return success(credentials)
    }

    /// Marks the device as provisioned; `false` when it was before. Two requests at once cannot both succeed.
    private func claimState(of device: Device, now: Int64) async throws -> Bool {
        try await database.inTransaction { transaction in
            try await DeviceRepository(transaction).lock(device.id, tenant: device.tenantID)
            let attributes = AttributeRepository(transaction).inside(transaction)
            guard
                try await attributes.find(entity: device.id.uuid, scope: .server, keys: [Self.state]).isEmpty
            else { return false }
            try await attributes.save(
                entity: device.id.uuid, scope: .server, [(Self.state, .string(Self.provisioned))], at: now,
                origin: SaveOrigin(tenant: device.tenantID, entityType: .device))
            return true
        }
    }

    // MARK: - Telling

    private func success(_ credentials: DeviceCredentials) -> ProvisionResponse {
        switch credentials.type {
        case .accessToken: .success(.accessToken, value: credentials.credentialsID)
        case .x509Certificate: .success(.x509Certificate, value: credentials.credentialsValue ?? "")
        case .mqttBasic: .success(.mqttBasic, value: Self.filled(credentials.credentialsValue ?? "{}"))
        case .lwm2m: .success(.lwm2m, value: "")
        }
    }

    /// Members without value are empty here (`device-api.md` 8.2).
    private static func filled(_ json: String) -> String {
        let object = (try? JSONValue.parse(json)) ?? .null
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("clientId", object["clientId"]?.stringValue ?? "")
            writer.member("userName", object["userName"]?.stringValue ?? "")
            writer.member("password", object["password"]?.stringValue ?? "")
        }
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    /// The request without its secrets goes to the root chain (`rule-engine.md` 1.5, 1.8).
    private func announce(_ type: KnownMessageType, _ device: Device, _ request: ProvisionRequest, now: Int64) {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("deviceName", request.deviceName)
            writer.member("credentialsType", request.credentialsType.name)
            writer.key("credentials")
            writer.object { $0.member("provisionDeviceKey", request.provisionDeviceKey) }
            writer.member("gateway", request.isGateway)
        }
        creator.send(
            type, device, data: String(decoding: writer.bytes, as: UTF8.self),
            metadata: ["tenantId": device.tenantID.description], route: MessageRoute(), now: now)
    }
}

extension ProvisionRequest {
    /// The credentials that a new device gets: those that it brings, or else a token.
    func credentials(of device: DeviceID, now: Int64) -> DeviceCredentials {
        func isGiven(_ text: String?) -> Bool { !(text?.isEmpty ?? true) }
        var made = DeviceCredentials.accessToken(nil, for: device, now: now)
        switch credentialsType {
        case .accessToken:
            if let token, isGiven(token) { made.credentialsID = token }
        case .mqttBasic where isGiven(clientID) || isGiven(userName) || isGiven(password):
            made.type = .mqttBasic
            var writer = JSONWriter()
            writer.object { writer in
                writer.member("clientId", clientID)
                writer.member("userName", userName)
                writer.member("password", password)
            }
            made.credentialsValue = String(decoding: writer.bytes, as: UTF8.self)
        case .x509Certificate where isGiven(x509Hash):
            made.type = .x509Certificate
            made.credentialsValue = x509Hash
        case .mqttBasic, .x509Certificate, .lwm2m: break
        }
        return made
    }
}

/// Counts wrong secrets, so that nobody tries them all: after too many in a minute a key is refused for the rest of it.
/// Safe from any thread, bounded.
final class ProvisioningGuesses: Sendable {
    private static let maximumPerMinute = 100
    private static let maximumKeys = 10_000

    private struct State {
        var minute: Int64 = 0
        var wrong: [String: Int] = [:]

        mutating func enter(_ now: Int64) {
            guard minute != now / 60_000 else { return }
            minute = now / 60_000
            wrong.removeAll(keepingCapacity: true)
        }
    }

    private let state = Mutex(State())

    func admits(_ key: String, now: Int64) -> Bool {
        state.withLock { state in
            state.enter(now)
            return state.wrong[key, default: 0] < Self.maximumPerMinute
        }
    }

    func noteWrong(_ key: String, now: Int64) {
        state.withLock { state in
            state.enter(now)
            guard state.wrong.count < Self.maximumKeys || state.wrong[key] != nil else { return }
            state.wrong[key, default: 0] += 1
        }
    }
}

extension String {
    /// Without white space at either end.
    var trimmed: String {
        guard let first = firstIndex(where: { !$0.isWhitespace }), let last = lastIndex(where: { !$0.isWhitespace })
        else { return "" }
        return String(self[first...last])
    }
}
