internal import HTTPServer
internal import Model
internal import Storage

/// An entity of any type that the caller may use, named by its type and id (`rest-api.md` 1.13).
struct EntityAccess: Sendable {
    var entity: EntityID
    var tenant: TenantID
    /// The null id when it belongs to no customer.
    var customer: CustomerID

    /// Finds the entity of the path's `entityType` and `entityId` and checks the caller's right.
    static func check(
        _ call: Call, _ principal: Principal, _ operation: Permissions.Operation, in services: Services
    ) async throws -> EntityAccess {
        let name = call.path["entityType"]
        guard let type = EntityType(name: name) else { throw APIError.conversion("entityType", name, to: "EntityType") }
        let entity = EntityID(type: type, uuid: try call.uuid(call.path["entityId"]))
        return try await check(entity, principal, operation, in: services)
    }

    static func check(
        _ entity: EntityID, _ principal: Principal, _ operation: Permissions.Operation, in services: Services
    ) async throws -> EntityAccess {
        guard EntityOwnerRepository.knows(entity.type) else {
            throw APIError.invalid("Not supported for entities of type \(entity.type.name)!")
        }
        guard let owner = try await EntityOwnerRepository(services.database).find(entity) else {
            throw APIError.notFound(entity.type, entity.uuid)
        }
        // Devices are looked up inside the caller's tenant, everything else is found first (`rest-api.md` 1.13).
        if entity.type == .device, principal.authority != .systemAdministrator, owner.tenant != principal.tenantID {
            throw APIError.notFound(.device, entity.uuid)
        }
        try Permissions.require(
            principal, operation, entity.type,
            of: try await TelemetryAccess.permissionOwner(owner, entity, principal, services))
        return EntityAccess(entity: entity, tenant: owner.tenant, customer: owner.customer)
    }
}
