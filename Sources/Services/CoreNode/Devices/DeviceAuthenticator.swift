public import Cache
import Crypto
import JSON
public import Logging
public import Messages
public import Model
public import Storage
import Synchronization

/// Answers the transports' question who a device is (`device-api.md` 2.2, `cluster.md` 3.3). Safe from any thread.
///
/// Found credentials are cached; a change of a device forgets them. Unknown credentials are not cached, so that a device
/// created a moment ago is let in, and so that strangers cannot fill the cache.
public final class DeviceAuthenticator: TransportAPI {
    private struct State {
        var cache: LRUCache<String, DeviceLookupResult>
        /// Counts what was forgotten: an answer that was read before is not cached after.
        var epoch: UInt64 = 0
    }

    /// `nil` for one that knows only what the shared cache knows.
    private let lookup: DeviceLookup?
    private let logger: Logger
    private let shared: SharedDeviceCache?
    private let state: Mutex<State>

    /// - Parameters:
    ///   - cacheCapacity: `CACHE_SPECS_DEVICE_CREDENTIALS_MAX_SIZE`.
    ///   - shared: A cache that other core nodes use too; asked before the database.
    public init(database: Database, cacheCapacity: Int, shared: (any CacheStore)? = nil, logger: Logger) {
        self.shared = shared.map { SharedDeviceCache(store: $0) }
        lookup = DeviceLookup(database: database)
        self.logger = logger
        state = Mutex(State(cache: LRUCache(capacity: cacheCapacity)))
    }

    /// One without a database: it knows whom the shared cache knows, and remembers nobody. Whom it refuses may be known to
    /// others.
    public init(cacheOnly shared: any CacheStore, logger: Logger) {
        self.shared = SharedDeviceCache(store: shared)
        lookup = nil
        self.logger = logger
        state = Mutex(State(cache: LRUCache(capacity: 1)))
    }

    public func validate(_ request: DeviceCredentialsRequest) async -> DeviceCredentialsResponse {
        do {
            let found: DeviceLookupResult?
            switch request {
            case .accessToken(let token):
                found = try await device(credentialsID: token).flatMap {
                    $0.credentialsType == "ACCESS_TOKEN" ? $0 : nil
                }
            case .x509(let hash):
                found = try await device(credentialsID: hash).flatMap {
                    $0.credentialsType == "X509_CERTIFICATE" ? $0 : nil
                }
            case .mqttBasic(let clientID, let userName, let password):
                found = try await basic(clientID: clientID, userName: userName, password: password)
            }
            guard let found else { return .refused }
            return .accepted(found.deviceInfo, found.profile.info)
        } catch {
            logger.limited(
                .error, "device credentials cannot be checked at the moment",
                ["error": .string(String(describing: error))])
            return .unavailable
        }
    }

    public func validateAtOnce(_ request: DeviceCredentialsRequest) -> DeviceCredentialsResponse? {
        guard case .accessToken(let token) = request,
            let found = state.withLock({ $0.cache.value(for: token) })
        else { return nil }
        return found.credentialsType == "ACCESS_TOKEN" ? .accepted(found.deviceInfo, found.profile.info) : .refused
    }

    /// Forgets what is cached of a device. To be called after every change of the device or its credentials.
    public func forget(_ device: DeviceID) {
        forgetHere(device)
        guard let shared else { return }
        Task.detached { [weak self] in
            await shared.evict(device)
            // What was read from the shared cache in between.
            self?.forgetHere(device)
        }
    }

    private func forgetHere(_ device: DeviceID) {
        state.withLock { state in
            state.epoch &+= 1
            state.cache.removeAll { _, value in value.deviceID == device }
        }
    }

    /// Takes what concerns devices and their profiles.
    public func receive(_ notification: CoreNotification) {
        guard case .entityChanged(_, let entity, _) = notification else { return }
        switch entity.type {
        case .device: forget(DeviceID(entity.uuid))
        case .deviceProfile: forget(DeviceProfileID(entity.uuid))
        default: break
        }
    }

    /// Forgets what is cached of all devices of a profile.
    public func forget(_ profile: DeviceProfileID) {
        forgetHere(profile)
        guard let shared else { return }
        Task.detached { [weak self] in
            await shared.evict(profile)
            self?.forgetHere(profile)
        }
    }

    private func forgetHere(_ profile: DeviceProfileID) {
        state.withLock { state in
            state.epoch &+= 1
            state.cache.removeAll { _, value in value.profile.id == profile }
        }
    }

    // MARK: - Decision order

    private func basic(clientID: String, userName: String?, password: String?) async throws -> DeviceLookupResult? {
        guard let userName else {
            guard let found = try await device(credentialsID: Digest.sha3_256Hex(clientID)) else { return nil }
            return found.matchesBasic(clientID: clientID, userName: nil, password: password) ? found : nil
        }
        let key = clientID.isEmpty ? userName : "\(clientID)|\(userName)"
        if let found = try await device(credentialsID: Digest.sha3_256Hex(key)), found.credentialsType == "MQTT_BASIC" {
            if found.matchesBasic(clientID: clientID, userName: userName, password: password) { return found }
            // The right name with the wrong password is refused at once: no other credentials are tried.
            if found.matchesBasicNames(clientID: clientID, userName: userName) { return nil }
        }
        guard let found = try await device(credentialsID: userName) else { return nil }
        switch found.credentialsType {
        case "ACCESS_TOKEN": return found
        case "MQTT_BASIC":
            return found.matchesBasic(clientID: clientID, userName: userName, password: password) ? found : nil
        default: return nil
        }
    }

    private func device(credentialsID: String) async throws -> DeviceLookupResult? {
        guard let lookup else { return await shared?.device(credentialsID: credentialsID) }
        let (cached, epoch) = state.withLock { ($0.cache.value(for: credentialsID), $0.epoch) }
        if let cached { return cached }
        guard let found = try await find(credentialsID, lookup) else { return nil }
        state.withLock { state in
            if state.epoch == epoch { state.cache.insert(found, for: credentialsID) }
        }
        return found
    }

    private func find(_ credentialsID: String, _ lookup: DeviceLookup) async throws -> DeviceLookupResult? {
        guard let shared else { return try await lookup.device(credentialsID: credentialsID) }
        if let found = await shared.device(credentialsID: credentialsID) { return found }
        guard let found = try await lookup.device(credentialsID: credentialsID) else { return nil }
        await shared.fill(found, credentialsID: credentialsID)
        return found
    }
}

extension DeviceLookupResult {
    private var basicFields: (clientID: String, userName: String, password: String)? {
        guard credentialsType == "MQTT_BASIC", let text = credentialsValue,
            let object = (try? JSONValue.parse(Array(text.utf8)))?.objectValue
        else { return nil }
        return (
            object["clientId"]?.stringValue ?? "", object["userName"]?.stringValue ?? "",
            object["password"]?.stringValue ?? ""
        )
    }

    /// Every stored field that is not empty equals the presented one.
    func matchesBasic(clientID: String, userName: String?, password: String?) -> Bool {
        guard let fields = basicFields, matchesBasicNames(clientID: clientID, userName: userName) else { return false }
        return fields.password.isEmpty || constantTimeEqual(Array(fields.password.utf8), Array((password ?? "").utf8))
    }

    func matchesBasicNames(clientID: String, userName: String?) -> Bool {
        guard let fields = basicFields else { return false }
        return (fields.clientID.isEmpty || fields.clientID == clientID)
            && (fields.userName.isEmpty || fields.userName == userName)
    }

    var deviceInfo: DeviceInfo {
        DeviceInfo(
            tenantID: tenantID, deviceID: deviceID, name: name, type: type, profileID: profile.id,
            customerID: customerID, isGateway: isGateway, overwritesActivityTime: overwritesActivityTime,
            credentialsVersion: credentialsVersion)
    }

}

extension TransportProfile {
    var info: DeviceProfileInfo {
        let transport = DeviceTransportType(rawValue: transportType) ?? .default
        var mqtt = MQTTProfileConfiguration()
        if transport == .mqtt, let object = transportConfiguration.objectValue {
            func filter(_ key: String, _ fallback: String) -> String {
                guard let text = object[key]?.stringValue, !text.allSatisfy({ $0 == " " }) else { return fallback }
                return text
            }
            mqtt.telemetryTopicFilter = filter("deviceTelemetryTopic", mqtt.telemetryTopicFilter)
            mqtt.attributesTopicFilter = filter("deviceAttributesTopic", mqtt.attributesTopicFilter)
            mqtt.attributesSubscribeTopicFilter = filter(
                "deviceAttributesSubscribeTopic", mqtt.attributesSubscribeTopicFilter)
            mqtt.acknowledgesInvalidPayloads = object["sendAckOnValidationException"]?.boolValue ?? false
            let payload = object["transportPayloadTypeConfiguration"]?.objectValue
            mqtt.usesProtobuf = payload?["transportPayloadType"]?.stringValue == "PROTOBUF"
            if let payload, mqtt.usesProtobuf {
                func schema(_ key: String) -> String { payload[key]?.stringValue ?? "" }
                mqtt.protobuf = ProtobufSchemas(
                    telemetry: schema("deviceTelemetryProtoSchema"),
                    attributes: schema("deviceAttributesProtoSchema"),
                    rpcRequest: schema("deviceRpcRequestProtoSchema"),
                    rpcResponse: schema("deviceRpcResponseProtoSchema"))
                mqtt.acceptsJSONBesideProtobuf = payload["enableCompatibilityWithJsonPayloadFormat"]?.boolValue ?? false
                mqtt.usesJSONForDefaultDownlinks =
                    payload["useJsonPayloadFormatForDefaultDownlinkTopics"]?.boolValue ?? false
            }
        }
        return DeviceProfileInfo(
            id: id, transportType: transport, mqtt: mqtt, ruleChainID: ruleChainID, queueName: queueName)
    }
}
