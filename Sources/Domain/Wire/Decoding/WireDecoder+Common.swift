import CMessages
import Messages
import Model
import Telemetry

/// `Protos/common.proto`, `session.proto`, `entity.proto` (`cluster.md` 3.2).
extension WireDecoder {
    /// SessionInfoProto.
    static func session(
        _ field: UnsafeMutablePointer<Needletail__SessionInfoProto>?, type: SessionType? = nil
    ) throws(WireError) -> SessionInfo {
        guard let info = field?.pointee else { throw .missing("session_info") }
        let profileID = DeviceProfileID(Fields.uuid(info.device_profile_id_msb, info.device_profile_id_lsb))
        let device = DeviceInfo(
            tenantID: TenantID(Fields.uuid(info.tenant_id_msb, info.tenant_id_lsb)),
            deviceID: DeviceID(Fields.uuid(info.device_id_msb, info.device_id_lsb)),
            name: try Fields.text(info.device_name, "device_name"),
            type: try Fields.text(info.device_type, "device_type"), profileID: profileID,
            customerID: CustomerID(Fields.uuid(info.customer_id_msb, info.customer_id_lsb)),
            isGateway: info.is_gateway != 0, overwritesActivityTime: info.overwrite_activity_time != 0,
            credentialsVersion: info.credentials_version)
        let profile = DeviceProfileInfo(
            id: profileID, transportType: .default,
            ruleChainID: Fields.optional(info.rule_chain_id_msb, info.rule_chain_id_lsb).map { RuleChainID($0) },
            queueName: try Fields.optionalText(info.queue_name, "queue_name"))
        let gateway = Fields.optional(info.gateway_session_id_msb, info.gateway_session_id_lsb).map { session in
            GatewaySession(
                sessionID: session,
                deviceID: DeviceID(Fields.uuid(info.gateway_device_id_msb, info.gateway_device_id_lsb)))
        }
        return SessionInfo(
            nodeID: try Fields.text(info.node_id, "node_id"),
            sessionID: Fields.uuid(info.session_id_msb, info.session_id_lsb), device: device, profile: profile,
            sessionType: info.session_type.rawValue == 0 ? .sync : .async, gateway: gateway)
    }

    /// TsKvProto, repeated.
    static func attributes(
        _ field: UnsafeMutablePointer<UnsafeMutablePointer<Needletail__TsKvProto>?>?, _ count: Int
    ) throws(WireError) -> [AttributeEntry] {
        var entries: [AttributeEntry] = []
        for index in 0..<count {
            guard let entry = field?[index]?.pointee else { throw .missing("kv") }
            let (key, value) = try Fields.keyValue(entry.kv)
            entries.append(AttributeEntry(key: key, value: value, timestamp: entry.ts))
        }
        return entries
    }

    /// AttributeValueProto, repeated; those without a value are left out.
    static func attributeValues(
        _ field: UnsafeMutablePointer<UnsafeMutablePointer<Needletail__AttributeValueProto>?>?, _ count: Int
    ) throws(WireError) -> [AttributeEntry] {
        var entries: [AttributeEntry] = []
        for index in 0..<count {
            guard let entry = field?[index]?.pointee else { throw .missing("values") }
            guard entry.maybe_key_case == NEEDLETAIL__ATTRIBUTE_VALUE_PROTO__MAYBE_KEY_KEY else {
                throw .missing("key")
            }
            guard entry.has_value != 0 else { continue }
            let value: TelemetryValue
            switch entry.type.rawValue {
            case 0: value = .boolean(entry.bool_v != 0)
            case 1: value = .long(entry.long_v)
            case 2: value = .double(entry.double_v)
            case 3: value = .string(try Fields.text(entry.string_v, "string_v"))
            case 4: value = .json(try Fields.text(entry.json_v, "json_v"))
            default: throw .invalid("type")
            }
            entries.append(
                AttributeEntry(key: try Fields.text(entry.key, "key"), value: value, timestamp: entry.last_update_ts))
        }
        return entries
    }

    /// DeviceInfoProto.
    static func device(_ info: Needletail__DeviceInfoProto) throws(WireError) -> DeviceInfo {
        DeviceInfo(
            tenantID: TenantID(Fields.uuid(info.tenant_id_msb, info.tenant_id_lsb)),
            deviceID: DeviceID(Fields.uuid(info.device_id_msb, info.device_id_lsb)),
            name: try Fields.text(info.device_name, "device_name"),
            type: try Fields.text(info.device_type, "device_type"),
            profileID: DeviceProfileID(Fields.uuid(info.device_profile_id_msb, info.device_profile_id_lsb)),
            customerID: CustomerID(Fields.uuid(info.customer_id_msb, info.customer_id_lsb)),
            isGateway: info.is_gateway != 0, overwritesActivityTime: info.overwrite_activity_time != 0,
            credentialsVersion: info.credentials_version)
    }

    /// DeviceProfileProto.
    static func profile(
        _ field: UnsafeMutablePointer<Needletail__DeviceProfileProto>?
    ) throws(WireError) -> DeviceProfileInfo {
        guard let profile = field?.pointee else { throw .missing("device_profile") }
        let type = try Fields.text(profile.transport_type, "transport_type")
        guard let transportType = DeviceTransportType(rawValue: type) else { throw .invalid("transport_type") }
        return DeviceProfileInfo(
            id: DeviceProfileID(Fields.uuid(profile.device_profile_id_msb, profile.device_profile_id_lsb)),
            transportType: transportType, mqtt: try mqtt(profile.mqtt),
            ruleChainID: Fields.optional(profile.default_rule_chain_id_msb, profile.default_rule_chain_id_lsb)
                .map { RuleChainID($0) },
            queueName: try Fields.optionalText(profile.default_queue_name, "default_queue_name"))
    }

    private static func mqtt(
        _ field: UnsafeMutablePointer<Needletail__MqttProfileProto>?
    ) throws(WireError) -> MQTTProfileConfiguration {
        var mqtt = MQTTProfileConfiguration()
        guard let told = field?.pointee else { return mqtt }
        mqtt.telemetryTopicFilter = try Fields.text(told.telemetry_topic_filter, "telemetry_topic_filter")
        mqtt.attributesTopicFilter = try Fields.text(told.attributes_topic_filter, "attributes_topic_filter")
        mqtt.attributesSubscribeTopicFilter = try Fields.text(
            told.attributes_subscribe_topic_filter, "attributes_subscribe_topic_filter")
        mqtt.acknowledgesInvalidPayloads = told.ack_on_validation_exception != 0
        mqtt.usesProtobuf = told.uses_protobuf != 0
        if let schemas = told.protobuf?.pointee {
            mqtt.protobuf = ProtobufSchemas(
                telemetry: try Fields.text(schemas.telemetry, "telemetry"),
                attributes: try Fields.text(schemas.attributes, "attributes"),
                rpcRequest: try Fields.text(schemas.rpc_request, "rpc_request"),
                rpcResponse: try Fields.text(schemas.rpc_response, "rpc_response"))
        }
        mqtt.acceptsJSONBesideProtobuf = told.json_beside_protobuf != 0
        mqtt.usesJSONForDefaultDownlinks = told.json_for_default_downlinks != 0
        return mqtt
    }

    /// TransportLimitsProto.
    static func limits(
        _ field: UnsafeMutablePointer<Needletail__TransportLimitsProto>?
    ) throws(WireError) -> TransportLimits {
        guard let told = field?.pointee else { throw .missing("transport_limits") }
        var limits = TransportLimits(
            profileID: TenantProfileID(Fields.uuid(told.tenant_profile_id_msb, told.tenant_profile_id_lsb)))
        limits.tenant = try level(told.tenant)
        limits.device = try level(told.device)
        limits.gateway = try level(told.gateway)
        limits.gatewayDevice = try level(told.gateway_device)
        limits.isTransportEnabled = told.transport_disabled == 0
        return limits
    }

    private static func level(
        _ field: UnsafeMutablePointer<Needletail__TransportLimitsProto__Level>?
    ) throws(WireError) -> TransportLimits.Level {
        guard let told = field?.pointee else { return .init() }
        return TransportLimits.Level(
            messages: try Fields.text(told.messages, "messages"),
            telemetryMessages: try Fields.text(told.telemetry_messages, "telemetry_messages"),
            telemetryDataPoints: try Fields.text(told.telemetry_data_points, "telemetry_data_points"))
    }

    /// ToDeviceRpcRequestMsg.
    static func rpcRequest(
        _ field: UnsafeMutablePointer<Needletail__ToDeviceRpcRequestMsg>?
    ) throws(WireError) -> ToDeviceRPCRequest {
        guard let told = field?.pointee else { throw .missing("request") }
        var request = ToDeviceRPCRequest(
            requestID: told.request_id, method: try Fields.text(told.method_name, "method_name"),
            params: try Fields.text(told.params, "params"), expirationTime: told.expiration_time,
            rpcID: Fields.uuid(told.rpc_id_msb, told.rpc_id_lsb), isOneWay: told.oneway != 0,
            isPersisted: told.persisted != 0)
        if told.maybe_retries_case == NEEDLETAIL__TO_DEVICE_RPC_REQUEST_MSG__MAYBE_RETRIES_RETRIES {
            request.retries = told.retries
        }
        if told.maybe_additional_info_case
            == NEEDLETAIL__TO_DEVICE_RPC_REQUEST_MSG__MAYBE_ADDITIONAL_INFO_ADDITIONAL_INFO
        {
            request.additionalInfo = try Fields.text(told.additional_info, "additional_info")
        }
        return request
    }
}
