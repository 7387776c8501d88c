import CMessages
import Messages
import Model
import Telemetry

/// `Protos/core.proto`, `device.proto` (`cluster.md` 3.4, 3.6, 3.7).
extension WireDecoder {
    /// ToCoreMsg: the first variant that is set, in the order of the file.
    static func core(_ message: Needletail__ToCoreMsg) throws(WireError) -> CoreMessage {
        if let field = message.to_device_actor?.pointee { return try actor(field) }
        if let field = message.device_state_service?.pointee { return .device(try state(field)) }
        if let field = message.to_device_actor_notification?.pointee { return .device(try notification(field)) }
        if let field = message.device_activity?.pointee {
            return .device(.activity(tenant(field), device(field), time: field.last_activity_time))
        }
        if let field = message.device_connect?.pointee {
            return .device(.connect(tenant(field), device(field), time: field.last_connect_time))
        }
        if let field = message.device_disconnect?.pointee {
            return .device(.disconnect(tenant(field), device(field), time: field.last_disconnect_time))
        }
        if let field = message.device_inactivity?.pointee {
            return .device(.inactivity(tenant(field), device(field), time: field.last_inactivity_time))
        }
        if let field = message.device_inactivity_timeout_update?.pointee {
            return .device(
                .inactivityTimeout(tenant(field), device(field), milliseconds: field.inactivity_timeout_ms))
        }
        throw .unknown
    }

    /// TransportToDeviceActorMsg.
    private static func actor(_ message: Needletail__TransportToDeviceActorMsg) throws(WireError) -> CoreMessage {
        let session = try session(message.session_info)
        if let event = message.session_event?.pointee {
            return event.event == NEEDLETAIL__SESSION_EVENT_PROTO__SESSION_OPEN
                ? .sessionOpened(session) : .sessionClosed(session)
        }
        if let request = message.get_attributes?.pointee {
            let client = try Fields.texts(
                request.client_attribute_names, request.n_client_attribute_names, "client_attribute_names")
            let shared = try Fields.texts(
                request.shared_attribute_names, request.n_shared_attribute_names, "shared_attribute_names")
            return .attributesRequest(
                session,
                AttributesRequest(
                    requestID: request.request_id, clientKeys: client.isEmpty ? nil : client,
                    sharedKeys: shared.isEmpty ? nil : shared, onlyShared: request.only_shared != 0))
        }
        if let told = message.subscribe_to_attributes?.pointee {
            return .subscribeToAttributes(session, isSubscribed: told.unsubscribe == 0)
        }
        if let told = message.subscribe_to_rpc?.pointee {
            return .subscribeToRPC(session, isSubscribed: told.unsubscribe == 0)
        }
        if let told = message.to_device_rpc_response?.pointee {
            let error = try Fields.optionalText(told.error, "error")
            let payload = try Fields.text(told.payload, "payload")
            return .rpcResponse(
                session,
                ToDeviceRPCResponse(
                    requestID: told.request_id, payload: error != nil && payload.isEmpty ? nil : payload, error: error))
        }
        if let told = message.subscription_info?.pointee {
            return .activity(
                session, lastActivityTime: told.last_activity_time,
                attributeSubscription: told.attribute_subscription != 0, rpcSubscription: told.rpc_subscription != 0)
        }
        if let told = message.claim_device?.pointee {
            return .claim(
                session, secretKey: try Fields.text(told.secret_key, "secret_key"),
                durationMilliseconds: told.duration_ms)
        }
        if let told = message.rpc_response_status?.pointee {
            guard let status = RPCStatus(rawValue: try Fields.text(told.status, "status")) else {
                throw .invalid("status")
            }
            return .rpcStatus(
                session, requestID: told.request_id, rpcID: Fields.uuid(told.rpc_id_msb, told.rpc_id_lsb), status)
        }
        if message.send_pending_rpc != nil { return .sendPendingRPC(session) }
        throw .unknown
    }

    private static func state(_ told: Needletail__DeviceStateServiceMsgProto) throws(WireError) -> DeviceNotification {
        if told.added != 0 { return .stateAdded(tenant(told), device(told)) }
        if told.updated != 0 { return .stateUpdated(tenant(told), device(told)) }
        if told.deleted != 0 { return .stateDeleted(tenant(told), device(told)) }
        throw .missing("added")
    }

    /// ToDeviceActorNotificationMsg.
    private static func notification(
        _ message: Needletail__ToDeviceActorNotificationMsg
    ) throws(WireError) -> DeviceNotification {
        if let told = message.name_or_type_update?.pointee {
            return .renamed(
                tenant(told), device(told), name: try Fields.text(told.device_name, "device_name"),
                type: try Fields.text(told.device_type, "device_type"))
        }
        if let told = message.attributes_event?.pointee { return try attributesEvent(told) }
        if let told = message.credentials_update?.pointee {
            return .credentialsUpdated(tenant(told), device(told), version: told.credentials?.pointee.version ?? 0)
        }
        if let told = message.rpc_request?.pointee {
            return .rpcRequest(
                tenant(told), device(told), serviceID: try Fields.text(told.service_id, "service_id"),
                try rpcRequest(told.request))
        }
        if let told = message.remove_rpc?.pointee {
            return .removeRPC(tenant(told), device(told), rpcID: Fields.uuid(told.rpc_id_msb, told.rpc_id_lsb))
        }
        if let told = message.device_delete?.pointee { return .deleted(tenant(told), device(told)) }
        throw .unknown
    }

    private static func attributesEvent(
        _ told: Needletail__DeviceAttributesEventMsg
    ) throws(WireError) -> DeviceNotification {
        guard told.maybe_scope_case == NEEDLETAIL__DEVICE_ATTRIBUTES_EVENT_MSG__MAYBE_SCOPE_SCOPE else {
            throw .missing("scope")
        }
        guard let scope = AttributeScope(rawValue: Int32(clamping: told.scope.rawValue) &+ 1) else {
            throw .invalid("scope")
        }
        guard told.deleted != 0 else {
            return .attributesUpdated(
                tenant(told), device(told), scope, try attributeValues(told.values, told.n_values))
        }
        var keys: [String] = []
        for index in 0..<told.n_deleted_keys {
            keys.append(try Fields.text(told.deleted_keys[index]?.pointee.key, "key"))
        }
        return .attributesDeleted(tenant(told), device(told), scope, keys)
    }

    /// ToCoreNotificationMsg: the first variant that is set, in the order of the file.
    func coreNotification(_ message: Needletail__ToCoreNotificationMsg) throws(WireError) -> CoreNotification {
        if let told = message.from_device_rpc_response?.pointee {
            let hasResponse =
                told.maybe_response_case == NEEDLETAIL__FROM_DEVICE_RPC_RESPONSE_PROTO__MAYBE_RESPONSE_RESPONSE
            guard told.error == -1 || RPCError(rawValue: told.error) != nil else { throw .invalid("error") }
            return .rpcResponse(
                rpcID: Fields.uuid(told.rpc_id_msb, told.rpc_id_lsb),
                response: hasResponse ? try Fields.text(told.response, "response") : nil,
                error: RPCError(rawValue: told.error))
        }
        if let told = message.component_lifecycle?.pointee {
            let (tenant, entity, change) = try Self.lifecycle(told)
            return .entityChanged(tenant, entity, change)
        }
        if let told = message.rest_api_call_response?.pointee {
            let requestID = Fields.uuid(told.request_id_msb, told.request_id_lsb)
            guard let response = told.response?.pointee else {
                return .ruleEngineResponse(requestID: requestID, nil)
            }
            return .ruleEngineResponse(
                requestID: requestID,
                try ruleMessage(
                    response, tenant: TenantID(Fields.uuid(told.tenant_id_msb, told.tenant_id_lsb)),
                    payload: .text(try Fields.text(response.data, "data"))))
        }
        if let told = message.watched_entities?.pointee {
            return .watchedEntities(
                WatchedEntities(
                    serviceID: try Fields.text(told.service_id, "service_id"), isWhole: told.whole != 0,
                    added: Self.identifiers(told.added), removed: Self.identifiers(told.removed),
                    isQuestion: told.question != 0))
        }
        if let told = message.watched_values?.pointee {
            var changes: [WatchedChange] = []
            for index in 0..<told.n_changes {
                guard let change = told.changes[index]?.pointee else { continue }
                changes.append(try Self.watchedChange(change))
            }
            return .watchedValues(changes)
        }
        throw .unknown
    }

    private static func identifiers(_ field: ProtobufCBinaryData) -> [UUID128] {
        let bytes = UnsafeRawBufferPointer(start: field.data, count: field.len)
        return (0..<bytes.count / 16).map { index in
            UUID128(
                high: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: index * 16, as: UInt64.self)),
                low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: index * 16 + 8, as: UInt64.self)))
        }
    }

    /// WatchedChangeProto.
    private static func watchedChange(_ told: Needletail__WatchedChangeProto) throws(WireError) -> WatchedChange {
        func scope() throws(WireError) -> AttributeScope {
            guard let scope = AttributeScope(rawValue: Int32(clamping: told.scope.rawValue) &+ 1) else {
                throw .invalid("scope")
            }
            return scope
        }
        func points() throws(WireError) -> PointArena {
            var arena = PointArena()
            for index in 0..<told.n_values {
                let (key, value) = try Fields.keyValue(told.values[index])
                guard key.utf8.count <= Int(UInt16.max) else { throw .invalid("key") }
                arena.append(key: key, value: value)
            }
            return arena
        }
        let content: WatchedChange.Content
        switch told.kind {
        case 0: content = .timeseries(told.ts, streams: UInt8(truncatingIfNeeded: told.streams), try points())
        case 1: content = .attributes(try scope(), told.ts, try points(), isOnlyIfChanged: told.flag != 0)
        case 2: content = .timeseriesDeleted(try Fields.texts(told.keys, told.n_keys, "keys"))
        case 3: content = .attributesDeleted(try scope(), try Fields.texts(told.keys, told.n_keys, "keys"))
        case 4:
            content = .alarm(AlarmID(Fields.uuid(told.alarm_id_msb, told.alarm_id_lsb)), isDeleted: told.flag != 0)
        default: throw .unknown
        }
        return WatchedChange(
            tenant: TenantID(Fields.uuid(told.tenant_id_msb, told.tenant_id_lsb)),
            entity: Fields.uuid(told.entity_id_msb, told.entity_id_lsb), content: content)
    }

    /// ComponentLifecycleMsgProto.
    static func lifecycle(
        _ told: Needletail__ComponentLifecycleMsgProto
    ) throws(WireError) -> (TenantID, EntityID, EntityChange) {
        guard let entity = told.entity?.pointee,
            let type = EntityType(rawValue: UInt8(truncatingIfNeeded: entity.type.rawValue))
        else { throw .invalid("entity") }
        // What starts and stops is told for people.
        guard let change = EntityChange(rawValue: UInt8(truncatingIfNeeded: told.event.rawValue)) else {
            throw .unknown
        }
        return (
            TenantID(Fields.uuid(told.tenant_id_msb, told.tenant_id_lsb)),
            EntityID(type: type, uuid: Fields.uuid(entity.id_msb, entity.id_lsb)), change
        )
    }

    // MARK: - Identifiers

    private static func tenant(_ told: some DeviceNamed) -> TenantID {
        TenantID(Fields.uuid(told.tenant_id_msb, told.tenant_id_lsb))
    }

    private static func device(_ told: some DeviceNamed) -> DeviceID {
        DeviceID(Fields.uuid(told.device_id_msb, told.device_id_lsb))
    }
}

/// The messages that name a device and its tenant.
private protocol DeviceNamed {
    var tenant_id_msb: Int64 { get }
    var tenant_id_lsb: Int64 { get }
    var device_id_msb: Int64 { get }
    var device_id_lsb: Int64 { get }
}

extension Needletail__DeviceStateServiceMsgProto: DeviceNamed {}
extension Needletail__DeviceActivityProto: DeviceNamed {}
extension Needletail__DeviceConnectProto: DeviceNamed {}
extension Needletail__DeviceDisconnectProto: DeviceNamed {}
extension Needletail__DeviceInactivityProto: DeviceNamed {}
extension Needletail__DeviceInactivityTimeoutUpdateProto: DeviceNamed {}
extension Needletail__DeviceNameOrTypeUpdateMsg: DeviceNamed {}
extension Needletail__DeviceAttributesEventMsg: DeviceNamed {}
extension Needletail__DeviceCredentialsUpdateMsg: DeviceNamed {}
extension Needletail__ToDeviceRpcRequestActorMsg: DeviceNamed {}
extension Needletail__RemoveRpcActorMsg: DeviceNamed {}
extension Needletail__DeviceDeleteMsg: DeviceNamed {}
