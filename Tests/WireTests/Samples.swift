import Messages
import Model
import Telemetry

/// Random messages, by seed.
struct Samples {
    var random: any RandomNumberGenerator

    init(_ random: some RandomNumberGenerator) { self.random = random }

    mutating func int(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
    mutating func bool() -> Bool { Bool.random(using: &random) }
    mutating func uuid() -> UUID128 { UUID128(high: random.next() | 1, low: random.next()) }
    mutating func time() -> Int64 { bool() ? Int64.random(in: 0...2_000_000_000_000, using: &random) : 0 }

    /// May be empty, beyond ASCII, longer than a length of one byte.
    mutating func text(_ length: ClosedRange<Int> = 0...200) -> String {
        let alphabet = Array("abcdefghijklmnopqrstuvwxyz0123456789 {}\":,ßé漢🙂\n")
        return String((0..<int(length)).map { _ in alphabet[int(0...alphabet.count - 1)] })
    }

    mutating func name() -> String { text(1...30) }
    mutating func optional<T>(_ make: (inout Samples) -> T) -> T? { bool() ? make(&self) : nil }

    mutating func value() -> TelemetryValue {
        switch int(0...4) {
        case 0: .boolean(bool())
        case 1: .long(bool() ? Int64(bitPattern: random.next()) : Int64(int(-3...3)))
        case 2: .double(bool() ? Double.random(in: -1e300...1e300, using: &random) : 0)
        case 3: .string(bool() ? text() : "with a zero \u{0} inside")
        default: .json("[\(int(0...9)),{}]")
        }
    }

    mutating func entries() -> [AttributeEntry] {
        (0..<int(0...4)).map { _ in AttributeEntry(key: name(), value: value(), timestamp: time()) }
    }

    mutating func keys() -> [String] { (0..<int(1...4)).map { _ in text(0...10) } }

    mutating func device() -> DeviceInfo {
        DeviceInfo(
            tenantID: TenantID(uuid()), deviceID: DeviceID(uuid()), name: name(), type: name(),
            profileID: DeviceProfileID(uuid()), customerID: bool() ? .null : CustomerID(uuid()), isGateway: bool(),
            overwritesActivityTime: bool(), credentialsVersion: time())
    }

    mutating func profile() -> DeviceProfileInfo {
        var mqtt = MQTTProfileConfiguration()
        mqtt.telemetryTopicFilter = text(0...30)
        mqtt.acknowledgesInvalidPayloads = bool()
        mqtt.usesProtobuf = bool()
        mqtt.protobuf = optional {
            ProtobufSchemas(telemetry: $0.text(), attributes: $0.text(), rpcRequest: $0.text(), rpcResponse: $0.text())
        }
        mqtt.acceptsJSONBesideProtobuf = bool()
        mqtt.usesJSONForDefaultDownlinks = bool()
        return DeviceProfileInfo(
            id: DeviceProfileID(uuid()), transportType: bool() ? .mqtt : .default, mqtt: mqtt,
            ruleChainID: optional { RuleChainID($0.uuid()) }, queueName: optional { $0.name() })
    }

    /// As core nodes see it: of the profile only what travels.
    mutating func session() -> SessionInfo {
        let device = device()
        return SessionInfo(
            nodeID: name(), sessionID: uuid(), device: device,
            profile: DeviceProfileInfo(
                id: device.profileID, transportType: .default, ruleChainID: optional { RuleChainID($0.uuid()) },
                queueName: optional { $0.name() }), sessionType: bool() ? .sync : .async,
            gateway: optional { GatewaySession(sessionID: $0.uuid(), deviceID: DeviceID($0.uuid())) })
    }

    mutating func rpc() -> ToDeviceRPCRequest {
        ToDeviceRPCRequest(
            requestID: Int32(int(-5...100_000)), method: name(), params: text(), expirationTime: time(), rpcID: uuid(),
            isOneWay: bool(), isPersisted: bool(), retries: optional { Int32($0.int(0...5)) },
            additionalInfo: optional { $0.text() })
    }

    mutating func limits() -> TransportLimits {
        var limits = TransportLimits(profileID: TenantProfileID(uuid()))
        if bool() { limits.tenant = .init(messages: "100:1", telemetryDataPoints: text(0...10)) }
        if bool() { limits.gatewayDevice = .init(telemetryMessages: "1:1,20:60") }
        limits.isTransportEnabled = bool()
        return limits
    }

    mutating func coreMessage() -> CoreMessage {
        let session = session()
        switch int(0...10) {
        case 0: return .sessionOpened(session)
        case 1: return .sessionClosed(session)
        case 2:
            return .attributesRequest(
                session,
                AttributesRequest(
                    requestID: Int32(int(0...9)), clientKeys: optional { $0.keys() },
                    sharedKeys: optional { $0.keys() },
                    onlyShared: bool()))
        case 3: return .subscribeToAttributes(session, isSubscribed: bool())
        case 4: return .subscribeToRPC(session, isSubscribed: bool())
        case 5:
            return .rpcResponse(
                session,
                bool()
                    ? ToDeviceRPCResponse(requestID: 7, payload: text())
                    : ToDeviceRPCResponse(requestID: 0, payload: nil, error: name()))
        case 6:
            return .rpcStatus(
                session, requestID: 5, rpcID: uuid(), RPCStatus.allCases[int(0...RPCStatus.allCases.count - 1)])
        case 7: return .sendPendingRPC(session)
        case 8:
            return .activity(
                session, lastActivityTime: time(), attributeSubscription: bool(), rpcSubscription: bool())
        case 9: return .claim(session, secretKey: text(), durationMilliseconds: time())
        default: return .device(notification())
        }
    }

    mutating func notification() -> DeviceNotification {
        let (tenant, device) = (TenantID(uuid()), DeviceID(uuid()))
        let scope = AttributeScope.allCases[int(0...2)]
        switch int(0...14) {
        case 0: return .attributesUpdated(tenant, device, scope, entries())
        case 1: return .attributesDeleted(tenant, device, scope, keys())
        case 2: return .credentialsUpdated(tenant, device, version: time())
        case 3: return .renamed(tenant, device, name: name(), type: name())
        case 4: return .deleted(tenant, device)
        case 5: return .rpcRequest(tenant, device, serviceID: name(), rpc())
        case 6: return .removeRPC(tenant, device, rpcID: uuid())
        case 7: return .stateAdded(tenant, device)
        case 8: return .stateUpdated(tenant, device)
        case 9: return .stateDeleted(tenant, device)
        case 10: return .activity(tenant, device, time: time())
        case 11: return .connect(tenant, device, time: time())
        case 12: return .disconnect(tenant, device, time: time())
        case 13: return .inactivity(tenant, device, time: time())
        default: return .inactivityTimeout(tenant, device, milliseconds: time())
        }
    }

    mutating func transportNotification() -> TransportNotification {
        let session = uuid()
        switch int(0...12) {
        case 0: return .closeSession(session, bool() ? .deviceDeleted : .unknown)
        case 1: return .rpcRequest(session, rpc())
        case 2:
            return .rpcResponse(
                session,
                bool()
                    ? ToServerRPCResponse(requestID: 1, payload: text())
                    : ToServerRPCResponse(requestID: 2, payload: nil, error: name()))
        case 3:
            return .attributesResponse(
                session,
                AttributesResponse(
                    requestID: 3, client: entries(), shared: entries(), isMultiple: bool(),
                    error: optional { $0.name() }))
        case 4: return .attributesUpdate(session, AttributesUpdate(updated: entries(), deleted: keys()))
        case 5: return .deviceUpdated(device())
        case 6: return .deviceProfileUpdated(profile())
        case 7: return .deviceDeleted(DeviceID(uuid()))
        case 8: return .deviceProfileDeleted(DeviceProfileID(uuid()))
        case 9: return .tenantProfileUpdated(TenantProfileID(uuid()), limits())
        case 10: return .tenantUpdated(TenantID(uuid()), limits())
        case 11: return .queuesChanged
        default: return .tenantDeleted(TenantID(uuid()))
        }
    }

    /// A message of the rule engine with at most one entry of metadata, whose order is certain.
    mutating func ruleMessage() -> RuleMessage {
        var message = RuleMessage(
            id: uuid(), timestamp: time(), type: bool() ? .known(.alarm) : .custom("MY_TYPE \(int(0...9))"),
            originator: EntityID(type: .asset, uuid: uuid()), tenantID: TenantID(uuid()),
            customerID: optional { CustomerID($0.uuid()) },
            metadata: MessageMetadata(bool() ? [name(): text()] : [:]), payload: .text(text()),
            ruleChainID: optional { RuleChainID($0.uuid()) }, ruleNodeID: optional { RuleNodeID($0.uuid()) })
        message.duplicate = optional {
            MessageDuplicate(correlationID: $0.uuid(), partition: Int32($0.int(0...9)))
        }
        message.executedNodeCount = UInt32(int(0...500))
        for _ in 0..<int(0...3) {
            message.callers = RuleChainCall(
                chain: RuleChainID(uuid()), node: RuleNodeID(uuid()), below: message.callers)
        }
        return message
    }

    mutating func coreNotification() -> CoreNotification {
        switch int(0...4) {
        case 3:
            return .watchedEntities(
                WatchedEntities(
                    serviceID: text(), isWhole: bool(), added: (0..<int(0...3)).map { _ in uuid() },
                    removed: (0..<int(0...3)).map { _ in uuid() }, isQuestion: bool()))
        case 4: return .watchedValues((0..<int(1...4)).map { _ in watchedChange() })
        case 0:
            return .rpcResponse(
                rpcID: uuid(), response: optional { $0.text() }, error: optional { _ in RPCError.notFound })
        case 1:
            return .entityChanged(
                TenantID(uuid()), EntityID(type: .deviceProfile, uuid: uuid()), bool() ? .created : .deleted)
        default:
            return .ruleEngineResponse(requestID: uuid(), optional { $0.ruleMessage() })
        }
    }

    private mutating func watchedChange() -> WatchedChange {
        var points = PointArena()
        for _ in 0..<int(0...4) { points.append(key: name(), value: value()) }
        let keys = (0..<int(0...3)).map { _ in name() }
        let content: WatchedChange.Content =
            switch int(0...4) {
            case 0: .timeseries(time(), streams: UInt8(int(0...3)), points)
            case 1: .attributes(bool() ? .shared : .client, time(), points, isOnlyIfChanged: bool())
            case 2: .timeseriesDeleted(keys)
            case 3: .attributesDeleted(.server, keys)
            default: .alarm(AlarmID(uuid()), isDeleted: bool())
            }
        return WatchedChange(tenant: TenantID(uuid()), entity: uuid(), content: content)
    }

    /// Uplinks of one device with every kind of value.
    mutating func uplinks() -> UplinkBatch {
        let batch = UplinkBatch()
        for ticket in 0..<UInt32(int(1...5)) {
            let first = batch.arena.count
            for _ in 0..<int(0...6) { batch.arena.append(key: name(), value: value()) }
            batch.messages.append(
                UplinkMessage(
                    session: session(), kind: bool() ? .telemetry : .attributes,
                    timestamp: bool() ? time() : -time(), firstPoint: UInt32(first),
                    pointCount: UInt32(batch.arena.count - first), ticket: ticket))
        }
        return batch
    }
}
