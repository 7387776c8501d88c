internal import HTTPServer
internal import Model
internal import Storage

/// An entity in the path of a telemetry endpoint that the caller may use (`rest-api.md` 2.12).
struct TelemetryAccess: Sendable {
    var tenant: TenantID
    var entity: EntityID
    var customer: CustomerID

    /// The entity as rule engine and audit log show it.
    var subject: ActionSubject { ActionSubject(tenant: tenant, entity: entity, customer: customer) }

    /// For those who hear of values that are saved of it.
    var origin: SaveOrigin { SaveOrigin(tenant: tenant, entity: entity) }

    /// Reads the entity from the path and checks the caller's right.
    ///
    /// - Parameter type: The type where the path does not name it.
    static func check(
        _ call: Call, _ principal: Principal, _ operation: Permissions.Operation, type: EntityType? = nil,
        in services: Services
    ) async throws -> TelemetryAccess {
        try await check(try entity(call, type), principal, operation, in: services)
    }

    /// The same for an entity that is named elsewhere.
    static func check(
        _ entity: EntityID, _ principal: Principal, _ operation: Permissions.Operation, in services: Services
    ) async throws -> TelemetryAccess {
        if entity.type == .tenant, principal.authority == .customerUser {
            throw APIError(403, .permissionDenied, "Customer user is not allowed to perform this operation!")
        }
        if principal.authority == .systemAdministrator, closedToSystem.contains(entity.type) {
            throw APIError(403, .permissionDenied, "System administrator is not allowed to perform this operation!")
        }
        let missing = APIError(404, .notFound, "\(name(of: entity.type)) with requested id wasn't found!")
        guard let owner = try await EntityOwnerRepository(services.database).find(entity) else { throw missing }
        // Devices are looked up inside the caller's tenant, everything else is found first (`rest-api.md` 1.13).
        if entity.type == .device, owner.tenant != principal.tenantID { throw missing }
        try Permissions.require(
            principal, operation, entity.type, of: try await permissionOwner(owner, entity, principal, services))
        return TelemetryAccess(tenant: owner.tenant, entity: entity, customer: owner.customer)
    }

    private static let closedToSystem: Set<EntityType> = [.device, .asset, .customer, .entityView, .edge]

    /// The entity that the path names, whether it is there or not.
    @discardableResult
    static func entity(_ call: Call, _ type: EntityType? = nil) throws(APIError) -> EntityID {
        if let type { return EntityID(type: type, uuid: try call.uuid(call.path["entityId"])) }
        let name = call.path["entityType"]
        guard let type = EntityType(name: name) else {
            throw APIError(400, .badRequest, "Unknown entity type: \(name)", isEarly: true)
        }
        let uuid = try call.uuid(call.path["entityId"])
        guard EntityOwnerRepository.knows(type) else {
            throw .invalid("Not supported for entities of type \(name)!")
        }
        return EntityID(type: type, uuid: uuid)
    }

    static func permissionOwner(
        _ owner: EntityOwner, _ entity: EntityID, _ principal: Principal, _ services: Services
    ) async throws -> Permissions.Owner {
        var result = Permissions.Owner(tenant: owner.tenant, customer: owner.customer)
        switch entity.type {
        case .user:
            result.user = UserID(entity.uuid)
            result.authority = try await services.users.find(UserID(entity.uuid))?.authority
        case .dashboard where principal.authority == .customerUser:
            let dashboard = try await services.dashboards.findInfo(DashboardID(entity.uuid))
            result.isAssigned = dashboard?.isAssigned(to: principal.customerID) ?? false
        default: break
        }
        return result
    }

    private static func name(of type: EntityType) -> String {
        switch type {
        case .entityView: "Entity-view"
        case .apiUsageState: "Api Usage State"
        default: type.normalName
        }
    }
}

extension Call {
    /// The keys of a telemetry or attribute request: `key` repeated, which may contain commas, or `keys` with commas.
    /// `nil` when neither is given.
    var telemetryKeys: [String]? {
        let single = query.all("key").filter { !$0.isEmpty }
        if !single.isEmpty { return single }
        let joined = list("keys")
        return joined.isEmpty ? nil : joined
    }

    func scope() throws(APIError) -> AttributeScope {
        let name = path["scope"]
        guard let scope = AttributeScope(name: name) else { throw .conversion("scope", name, to: "AttributeScope") }
        return scope
    }
}
