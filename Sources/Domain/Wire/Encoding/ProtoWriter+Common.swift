import Messages
import Model
import Telemetry

/// `Protos/common.proto`, `session.proto`, `entity.proto` (`cluster.md` 3.2).
extension ProtoWriter {
    /// KeyValueProto.
    mutating func keyValue(_ field: Int, _ key: String, _ value: TelemetryValue) {
        message(field) { writer in
            writer.text(1, key)
            writer.int32(2, Int32(value.kind.rawValue))
            switch value {
            case .boolean(let value): writer.bool(3, value)
            case .long(let value): writer.sint64(4, value)
            case .double(let value): writer.double(5, value)
            case .string(let value): writer.text(6, value)
            case .json(let value): writer.text(7, value)
            }
        }
    }

    /// A text in a field of type `bytes`: the same on the wire.
    private mutating func text(_ field: Int, _ value: String) { string(field, value) }

    /// TsKvProto for each attribute.
    mutating func attributes(_ field: Int, _ entries: [AttributeEntry]) {
        for entry in entries {
            message(field) { writer in
                writer.int64(1, entry.timestamp)
                writer.keyValue(2, entry.key, entry.value)
            }
        }
    }

    /// AttributeValueProto for each attribute.
    mutating func attributeValues(_ field: Int, _ entries: [AttributeEntry]) {
        for entry in entries {
            message(field) { writer in
                writer.int64(1, entry.timestamp)
                writer.int32(2, Int32(entry.value.kind.rawValue))
                writer.bool(3, true)
                switch entry.value {
                case .boolean(let value): writer.bool(4, value)
                case .long(let value): writer.sint64(5, value)
                case .double(let value): writer.double(6, value)
                case .string(let value): writer.text(7, value)
                case .json(let value): writer.text(8, value)
                }
                writer.presentString(9, entry.key)
            }
        }
    }

    /// SessionInfoProto.
    mutating func session(_ field: Int, _ session: SessionInfo) {
        message(field) { writer in
            let device = session.device
            writer.string(1, session.nodeID)
            writer.uuid(2, session.sessionID)
            writer.uuid(4, device.tenantID.uuid)
            writer.uuid(6, device.deviceID.uuid)
            writer.string(8, device.name)
            writer.string(9, device.type)
            if let gateway = session.gateway { writer.uuid(10, gateway.sessionID) }
            writer.uuid(12, device.profileID.uuid)
            writer.uuid(14, device.customerID.uuid)
            if let gateway = session.gateway { writer.uuid(16, gateway.deviceID.uuid) }
            writer.bool(18, device.isGateway)
            writer.int64(19, device.credentialsVersion)
            writer.int32(20, Int32(session.sessionType.rawValue))
            if let chain = session.profile.ruleChainID { writer.uuid(21, chain.uuid) }
            writer.string(23, session.profile.queueName ?? "")
            writer.bool(24, device.overwritesActivityTime)
        }
    }

    /// DeviceInfoProto.
    mutating func device(_ field: Int, _ device: DeviceInfo) {
        message(field) { writer in
            writer.uuid(1, device.tenantID.uuid)
            writer.uuid(3, device.deviceID.uuid)
            writer.string(5, device.name)
            writer.string(6, device.type)
            writer.uuid(8, device.profileID.uuid)
            writer.uuid(10, device.customerID.uuid)
            writer.bool(16, device.isGateway)
            writer.int64(17, device.credentialsVersion)
            writer.bool(18, device.overwritesActivityTime)
        }
    }

    /// DeviceProfileProto, as far as transports need it.
    mutating func profile(_ field: Int, _ profile: DeviceProfileInfo) {
        message(field) { writer in
            writer.uuid(3, profile.id.uuid)
            writer.string(11, profile.transportType.rawValue)
            if let chain = profile.ruleChainID { writer.uuid(13, chain.uuid) }
            writer.string(17, profile.queueName ?? "")
            writer.message(29) { $0.mqtt(profile.mqtt) }
        }
    }

    private mutating func mqtt(_ mqtt: MQTTProfileConfiguration) {
        string(1, mqtt.telemetryTopicFilter)
        string(2, mqtt.attributesTopicFilter)
        string(3, mqtt.attributesSubscribeTopicFilter)
        bool(4, mqtt.acknowledgesInvalidPayloads)
        bool(5, mqtt.usesProtobuf)
        if let schemas = mqtt.protobuf {
            message(6) { writer in
                writer.string(1, schemas.telemetry)
                writer.string(2, schemas.attributes)
                writer.string(3, schemas.rpcRequest)
                writer.string(4, schemas.rpcResponse)
            }
        }
        bool(7, mqtt.acceptsJSONBesideProtobuf)
        bool(8, mqtt.usesJSONForDefaultDownlinks)
    }

    /// TransportLimitsProto.
    mutating func limits(_ field: Int, _ limits: TransportLimits) {
        message(field) { writer in
            writer.uuid(1, limits.profileID.uuid)
            for (number, level) in [
                (3, limits.tenant), (4, limits.device), (5, limits.gateway), (6, limits.gatewayDevice),
            ] where !level.isUnlimited {
                writer.message(number) { writer in
                    writer.string(1, level.messages)
                    writer.string(2, level.telemetryMessages)
                    writer.string(3, level.telemetryDataPoints)
                }
            }
            writer.bool(7, !limits.isTransportEnabled)
        }
    }

    /// ToDeviceRpcRequestMsg.
    mutating func rpcRequest(_ field: Int, _ request: ToDeviceRPCRequest) {
        message(field) { writer in
            writer.int32(1, request.requestID)
            writer.string(2, request.method)
            writer.string(3, request.params)
            writer.int64(4, request.expirationTime)
            writer.uuid(5, request.rpcID)
            writer.bool(7, request.isOneWay)
            writer.bool(8, request.isPersisted)
            if let retries = request.retries { writer.presentInt32(9, retries) }
            if let info = request.additionalInfo { writer.presentString(10, info) }
        }
    }
}
