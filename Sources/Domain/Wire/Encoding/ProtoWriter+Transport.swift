import Messages
import Model

/// `Protos/transport.proto` (`cluster.md` 3.3, 3.8).
extension ProtoWriter {
    // MARK: - Questions

    /// TransportApiRequestMsg.
    mutating func question(_ question: TransportQuestion) {
        switch question {
        case .validate(.accessToken(let token)):
            message(1) { $0.string(1, token) }
        case .validate(.mqttBasic(let clientID, let userName, let password)):
            message(2) { writer in
                writer.string(1, clientID)
                writer.string(2, userName ?? "")
                writer.string(3, password ?? "")
            }
        case .validate(.x509(let hash)):
            message(3) { $0.string(1, hash) }
        case .validateOrCreate(let chain):
            message(4) { $0.string(1, chain) }
        case .getOrCreateDevice(let gateway, let name, let type):
            message(6) { writer in
                writer.uuid(1, gateway.uuid)
                writer.string(3, name)
                writer.string(4, type)
            }
        case .transportLimits(let tenant):
            message(7) { writer in
                writer.string(1, EntityType.tenant.name)
                writer.uuid(2, tenant.uuid)
            }
        case .provision(let request):
            message(8) { $0.provision(request) }
        case .otaPackage(let device, let tenant, let kind):
            message(10) { writer in
                writer.uuid(1, device.uuid)
                writer.uuid(3, tenant.uuid)
                writer.string(5, kind.name)
            }
        case .otaPackageData(let id, let offset, let length):
            message(16) { writer in
                writer.uuid(1, id.uuid)
                writer.int64(3, offset)
                writer.int64(4, Int64(length))
            }
        case .queues:
            message(14) { _ in }
        }
    }

    private mutating func provision(_ request: ProvisionRequest) {
        string(1, request.deviceName ?? "")
        int32(2, Int32(request.credentialsType.rawValue))
        string(3, request.provisionDeviceKey)
        string(4, request.provisionDeviceSecret)
        string(5, request.token ?? "")
        string(6, request.x509Hash ?? "")
        string(7, request.clientID ?? "")
        string(8, request.userName ?? "")
        string(9, request.password ?? "")
        bool(10, request.isGateway)
    }

    // MARK: - Answers

    private static let success: Int32 = 1
    private static let notFound: Int32 = 2
    private static let failure: Int32 = 3
    private static let unavailable = "the question cannot be answered now"

    /// TransportApiResponseMsg.
    mutating func answer(_ answer: TransportAnswer) {
        switch answer {
        case .credentials(.unavailable), .provision(.unavailable), .otaPackage(.unavailable), .otaPackageData(nil),
            .transportLimits(nil):
            string(13, Self.unavailable)
        case .failure(let text):
            string(13, text.isEmpty ? Self.unavailable : text)
        case .credentials(.refused):
            message(1) { _ in }
        case .credentials(.accepted(let device, let profile)):
            message(1) { writer in
                writer.device(1, device)
                writer.profile(3, profile)
            }
        case .gatewayDevice(let response):
            message(2) { $0.gatewayDevice(response) }
        case .transportLimits(let limits?):
            message(3) { writer in
                writer.string(1, EntityType.tenant.name)
                writer.limits(5, limits)
            }
        case .provision(let response):
            message(4) { $0.provision(response) }
        case .otaPackage(let response):
            message(6) { $0.package(response) }
        case .otaPackageData(let data?):
            message(12) { writer in
                writer.int32(1, Self.success)
                data.withUnsafeBytes { writer.data(2, $0) }
            }
        case .queues(let routes):
            message(10) { writer in
                for route in routes { writer.message(1) { $0.queue(route) } }
            }
        }
    }

    /// QueueRoutingInfoProto.
    private mutating func queue(_ route: QueueRoute) {
        if let tenant = route.isolatedTenant { uuid(1, tenant.uuid) }
        string(5, route.name)
        string(6, route.topic)
        int32(7, Int32(clamping: route.partitions))
        if route.duplicates { bool(8, true) }
    }

    private mutating func gatewayDevice(_ response: GatewayDeviceResponse) {
        switch response {
        case .found(let device, let profile):
            self.device(1, device)
            self.profile(2, profile)
        case .failed: presentInt32(3, 0)
        case .limitReached: presentInt32(3, 1)
        }
    }

    private mutating func provision(_ response: ProvisionResponse) {
        switch response {
        case .success(let type, let value):
            int32(1, Self.success)
            int32(2, Int32(type.rawValue))
            string(3, value)
        case .notFound: int32(1, Self.notFound)
        case .failure, .unavailable: int32(1, Self.failure)
        }
    }

    private mutating func package(_ response: OTAPackageResponse) {
        switch response {
        case .found(let package):
            int32(1, Self.success)
            uuid(2, package.id.uuid)
            string(4, package.kind.name)
            string(5, package.title)
            string(6, package.version)
            string(7, package.contentType)
            string(8, package.fileName)
            int64(9, package.size)
        case .notFound, .unavailable: int32(1, Self.notFound)
        }
    }

    // MARK: - Notifications

    /// ToTransportMsg.
    mutating func toTransport(_ notification: TransportNotification) {
        if let session = notification.sessionID { uuid(1, session) }
        switch notification {
        case .closeSession(_, let reason):
            message(3) { $0.int32(2, Int32(reason.rawValue)) }
        case .attributesResponse(_, let response):
            message(4) { writer in
                writer.int32(1, response.requestID)
                writer.attributes(2, response.client)
                writer.attributes(3, response.shared)
                writer.bool(4, response.isMultiple)
                writer.string(5, response.error ?? "")
            }
        case .attributesUpdate(_, let update):
            message(5) { writer in
                writer.attributes(1, update.updated)
                writer.strings(2, update.deleted)
            }
        case .rpcRequest(_, let request):
            rpcRequest(6, request)
        case .rpcResponse(_, let response):
            message(7) { writer in
                writer.int32(1, response.requestID)
                writer.string(2, response.payload ?? "")
                writer.string(3, response.error ?? "")
            }
        case .deviceUpdated(let device):
            message(10) { $0.device(7, device) }
        case .deviceProfileUpdated(let profile):
            message(10) { $0.profile(4, profile) }
        case .tenantProfileUpdated(let id, let limits):
            message(10) { writer in
                writer.message(2) { $0.uuid(1, id.uuid) }
                writer.limits(6, limits)
            }
        case .tenantUpdated(let id, let limits):
            message(10) { writer in
                writer.message(1) { $0.uuid(1, id.uuid) }
                writer.limits(6, limits)
            }
        case .deviceDeleted(let id): deleted(id.entityID)
        case .deviceProfileDeleted(let id): deleted(id.entityID)
        case .tenantDeleted(let id): deleted(id.entityID)
        case .queuesChanged:
            // Whoever hears it asks for all of them.
            message(15) { _ in }
        }
    }

    private mutating func deleted(_ entity: EntityID) {
        message(11) { writer in
            writer.string(1, entity.type.name)
            writer.uuid(2, entity.uuid)
        }
    }
}
