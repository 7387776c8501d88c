import CMessages
import Messages
import Model

/// `Protos/transport.proto` (`cluster.md` 3.3, 3.8).
extension WireDecoder {
    /// TransportApiRequestMsg.
    static func question(_ message: Needletail__TransportApiRequestMsg) throws(WireError) -> TransportQuestion {
        if let told = message.validate_token?.pointee {
            return .validate(.accessToken(try Fields.text(told.token, "token")))
        }
        if let told = message.validate_basic_mqtt?.pointee {
            return .validate(
                .mqttBasic(
                    clientID: try Fields.text(told.client_id, "client_id"),
                    userName: try Fields.optionalText(told.user_name, "user_name"),
                    password: try Fields.optionalText(told.password, "password")))
        }
        if let told = message.validate_x509?.pointee {
            return .validate(.x509(hash: try Fields.text(told.hash, "hash")))
        }
        if let told = message.validate_or_create_x509?.pointee {
            return .validateOrCreate(certificateChain: try Fields.text(told.certificate_chain, "certificate_chain"))
        }
        if let told = message.get_or_create_device?.pointee {
            return .getOrCreateDevice(
                gateway: DeviceID(Fields.uuid(told.gateway_id_msb, told.gateway_id_lsb)),
                name: try Fields.text(told.device_name, "device_name"),
                type: try Fields.text(told.device_type, "device_type"))
        }
        if let told = message.entity_profile?.pointee {
            guard try Fields.text(told.entity_type, "entity_type") == EntityType.tenant.name else { throw .unknown }
            return .transportLimits(TenantID(Fields.uuid(told.entity_id_msb, told.entity_id_lsb)))
        }
        if let told = message.provision_device?.pointee { return .provision(try provision(told)) }
        if let told = message.ota_package?.pointee {
            guard let kind = OTAPackageKind(name: try Fields.text(told.type, "type")) else { throw .invalid("type") }
            return .otaPackage(
                device: DeviceID(Fields.uuid(told.device_id_msb, told.device_id_lsb)),
                tenant: TenantID(Fields.uuid(told.tenant_id_msb, told.tenant_id_lsb)), kind: kind)
        }
        if let told = message.ota_package_data?.pointee {
            guard told.offset >= 0 else { throw .invalid("offset") }
            guard (0...Int64(Int32.max)).contains(told.length) else { throw .invalid("length") }
            return .otaPackageData(
                OTAPackageID(Fields.uuid(told.ota_package_id_msb, told.ota_package_id_lsb)), offset: told.offset,
                length: Int(told.length))
        }
        if message.all_queue_routing_info != nil { return .queues }
        throw .unknown
    }

    private static func provision(
        _ told: Needletail__ProvisionDeviceRequestMsg
    ) throws(WireError) -> ProvisionRequest {
        guard let type = CredentialsType(rawValue: UInt8(truncatingIfNeeded: told.credentials_type.rawValue)) else {
            throw .invalid("credentials_type")
        }
        return ProvisionRequest(
            deviceName: try Fields.optionalText(told.device_name, "device_name"), credentialsType: type,
            provisionDeviceKey: try Fields.text(told.provision_device_key, "provision_device_key"),
            provisionDeviceSecret: try Fields.text(told.provision_device_secret, "provision_device_secret"),
            token: try Fields.optionalText(told.token, "token"),
            x509Hash: try Fields.optionalText(told.x509_hash, "x509_hash"),
            clientID: try Fields.optionalText(told.client_id, "client_id"),
            userName: try Fields.optionalText(told.user_name, "user_name"),
            password: try Fields.optionalText(told.password, "password"), isGateway: told.is_gateway != 0)
    }

    /// TransportApiResponseMsg.
    static func answer(_ message: Needletail__TransportApiResponseMsg) throws(WireError) -> TransportAnswer {
        if let error = try Fields.optionalText(message.error, "error") { return .failure(error) }
        if let told = message.validate_credentials?.pointee {
            guard let device = told.device_info?.pointee else { return .credentials(.refused) }
            return .credentials(.accepted(try self.device(device), try profile(told.device_profile)))
        }
        if let told = message.get_or_create_device?.pointee {
            if told.maybe_error_case == NEEDLETAIL__GET_OR_CREATE_DEVICE_FROM_GATEWAY_RESPONSE_MSG__MAYBE_ERROR_ERROR {
                return .gatewayDevice(told.error.rawValue == 1 ? .limitReached : .failed)
            }
            guard let device = told.device_info?.pointee else { return .gatewayDevice(.failed) }
            return .gatewayDevice(.found(try self.device(device), try profile(told.device_profile)))
        }
        if let told = message.entity_profile?.pointee {
            return .transportLimits(try limits(told.transport_limits))
        }
        if let told = message.provision_device?.pointee {
            switch told.status.rawValue {
            case 1:
                let raw = UInt8(truncatingIfNeeded: told.credentials_type.rawValue)
                guard let type = CredentialsType(rawValue: raw) else { throw .invalid("credentials_type") }
                return .provision(
                    .success(type, value: try Fields.text(told.credentials_value, "credentials_value")))
            case 2: return .provision(.notFound)
            default: return .provision(.failure)
            }
        }
        if let told = message.ota_package?.pointee { return .otaPackage(try package(told)) }
        if let told = message.ota_package_data?.pointee {
            guard told.status.rawValue == 1 else { return .otaPackageData(nil) }
            return .otaPackageData([UInt8](UnsafeBufferPointer(start: told.data.data, count: told.data.len)))
        }
        if let told = message.all_queue_routing_info?.pointee {
            var routes: [QueueRoute] = []
            for index in 0..<told.n_queues { routes.append(try queue(told.queues[index])) }
            return .queues(routes)
        }
        throw .unknown
    }

    private static func queue(
        _ field: UnsafeMutablePointer<Needletail__QueueRoutingInfoProto>?
    ) throws(WireError) -> QueueRoute {
        guard let told = field?.pointee else { throw .missing("queues") }
        guard told.partitions > 0 else { throw .invalid("partitions") }
        return QueueRoute(
            name: try Fields.text(told.queue_name, "queue_name"),
            topic: try Fields.text(told.queue_topic, "queue_topic"), partitions: Int(told.partitions),
            isolatedTenant: Fields.optional(told.tenant_id_msb, told.tenant_id_lsb).map { TenantID($0) },
            duplicates: told.maybe_duplicate_case.rawValue == 8 && told.duplicate_msg_to_all_partitions != 0)
    }

    private static func package(
        _ told: Needletail__GetOtaPackageResponseMsg
    ) throws(WireError) -> OTAPackageResponse {
        guard told.status.rawValue == 1 else { return .notFound }
        guard let kind = OTAPackageKind(name: try Fields.text(told.type, "type")) else { throw .invalid("type") }
        return .found(
            OTAPackageInfo(
                id: OTAPackageID(Fields.uuid(told.ota_package_id_msb, told.ota_package_id_lsb)), kind: kind,
                title: try Fields.text(told.title, "title"), version: try Fields.text(told.version, "version"),
                contentType: try Fields.text(told.content_type, "content_type"),
                fileName: try Fields.text(told.file_name, "file_name"), size: told.data_size))
    }

    // MARK: - Notifications

    /// ToTransportMsg.
    static func transport(_ message: Needletail__ToTransportMsg) throws(WireError) -> TransportNotification {
        let session = Fields.uuid(message.session_id_msb, message.session_id_lsb)
        if let told = message.session_close?.pointee {
            let reason = SessionCloseReason(rawValue: UInt8(truncatingIfNeeded: told.reason.rawValue)) ?? .unknown
            return .closeSession(session, reason)
        }
        if let told = message.get_attributes_response?.pointee {
            return .attributesResponse(
                session,
                AttributesResponse(
                    requestID: told.request_id,
                    client: try attributes(told.client_attributes, told.n_client_attributes),
                    shared: try attributes(told.shared_attributes, told.n_shared_attributes),
                    isMultiple: told.is_multiple_attributes_request != 0,
                    error: try Fields.optionalText(told.error, "error")))
        }
        if let told = message.attribute_update?.pointee {
            return .attributesUpdate(
                session,
                AttributesUpdate(
                    updated: try attributes(told.shared_updated, told.n_shared_updated),
                    deleted: try Fields.texts(told.shared_deleted, told.n_shared_deleted, "shared_deleted")))
        }
        if message.to_device_request != nil {
            return .rpcRequest(session, try rpcRequest(message.to_device_request))
        }
        if let told = message.to_server_response?.pointee {
            let error = try Fields.optionalText(told.error, "error")
            let payload = try Fields.text(told.payload, "payload")
            return .rpcResponse(
                session,
                ToServerRPCResponse(
                    requestID: told.request_id, payload: error != nil && payload.isEmpty ? nil : payload, error: error))
        }
        if let told = message.entity_update?.pointee { return try update(told) }
        if let told = message.entity_delete?.pointee {
            let id = Fields.uuid(told.entity_id_msb, told.entity_id_lsb)
            switch EntityType(name: try Fields.text(told.entity_type, "entity_type")) {
            case .device: return .deviceDeleted(DeviceID(id))
            case .deviceProfile: return .deviceProfileDeleted(DeviceProfileID(id))
            case .tenant: return .tenantDeleted(TenantID(id))
            default: throw .unknown
            }
        }
        if message.n_queue_updates > 0 || message.n_queue_deletes > 0 { return .queuesChanged }
        throw .unknown
    }

    /// EntityUpdateMsg.
    private static func update(_ told: Needletail__EntityUpdateMsg) throws(WireError) -> TransportNotification {
        if let tenant = told.tenant?.pointee {
            return .tenantUpdated(
                TenantID(Fields.uuid(tenant.tenant_id_msb, tenant.tenant_id_lsb)), try limits(told.transport_limits))
        }
        if let profile = told.tenant_profile?.pointee {
            return .tenantProfileUpdated(
                TenantProfileID(Fields.uuid(profile.tenant_profile_id_msb, profile.tenant_profile_id_lsb)),
                try limits(told.transport_limits))
        }
        if told.device_profile != nil { return .deviceProfileUpdated(try profile(told.device_profile)) }
        if let device = told.device_info?.pointee { return .deviceUpdated(try self.device(device)) }
        throw .unknown
    }
}
