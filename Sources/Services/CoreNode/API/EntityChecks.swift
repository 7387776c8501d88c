internal import HTTPServer
internal import JSON
internal import Model
internal import Storage

/// Checks of entities of any kind, known by type and id.
extension Services {
    /// Checks that an entity exists and that the caller may do `operation` with it (`rest-api.md` 1.13): a foreign device
    /// is not found, anything else that is foreign is forbidden.
    @discardableResult
    func require(
        _ entity: EntityID, for principal: Principal, _ operation: Permissions.Operation
    ) async throws -> EntityOwnership {
        guard EntityOwners.knows(entity.type) else {
            throw APIError.invalid("Not supported for entities of type \(entity.type.name)!")
        }
        guard let owner = try await EntityOwners(database).find(entity),
            entity.type != .device || owner.tenant == principal.tenantID
        else { throw APIError.notFound(entity.type, entity.uuid) }
        try Permissions.require(principal, operation, entity.type, of: Permissions.Owner(owner, of: entity, principal))
        return owner
    }

    /// Those of `entities` that exist and that the caller may read.
    func readable(_ entities: some Sequence<EntityID>, for principal: Principal) async throws -> Set<EntityID> {
        var readable: Set<EntityID> = []
        for (entity, owner) in try await EntityOwners(database).find(entities)
        where Permissions.allows(principal, .read, entity.type, of: Permissions.Owner(owner, of: entity, principal)) {
            readable.insert(entity)
        }
        return readable
    }

    /// The customer, if the caller may do `operation` with it.
    func customer(
        _ id: CustomerID, for principal: Principal, _ operation: Permissions.Operation
    ) async throws -> Customer {
        guard let customer = try await customers.find(id) else { throw APIError.notFound(.customer, id.uuid) }
        try Permissions.require(
            principal, operation, .customer, of: Permissions.Owner(tenant: customer.tenantID, customer: id))
        return customer
    }

    /// Keeps the customer that something is assigned to from being deleted until the transaction ends.
    ///
    /// - Parameter thing: What is assigned, as messages call it.
    static func hold(_ customer: CustomerID, for thing: String, in transaction: any StatementRunner) async throws {
        if customer.isNull { return }
        guard try await CustomerRepository(transaction).hold(customer) else {
            throw APIError.invalid("Can't assign \(thing) to non-existent customer!")
        }
    }

    /// What an entity's `customerId` may be: nobody, or a customer of the tenant.
    ///
    /// - Parameter thing: What is assigned, as messages call it.
    func checkAssignable(_ customer: CustomerID, of tenant: TenantID, _ thing: String) async throws {
        if customer.isNull { return }
        guard let found = try await customers.find(customer) else {
            throw APIError.invalid("Can't assign \(thing) to non-existent customer!")
        }
        if found.tenantID != tenant {
            throw APIError.invalid("Can't assign \(thing) to customer from different tenant!")
        }
    }
}

extension Permissions.Owner {
    init(_ owner: EntityOwnership, of entity: EntityID, _ principal: Principal) {
        self.init(tenant: owner.tenant, customer: owner.customer)
        switch entity.type {
        case .user:
            user = UserID(entity.uuid)
            authority = owner.authority
        case .dashboard where principal.authority == .customerUser:
            isAssigned = DashboardAssignments(owner.assignedCustomers).contains(principal.customerID)
        default: break
        }
    }
}

extension Principal {
    /// The customer that lists are narrowed to: of customer users their own.
    var customerFilter: CustomerID? { authority == .customerUser ? customerID : nil }
}

extension Call {
    /// The entity that two query parameters name. Both must be there; an empty one is refused.
    func entity(id idName: String, type typeName: String) throws(APIError) -> EntityID {
        let id = try requiredText(idName)
        let type = try requiredText(typeName)
        if id.isEmpty { throw .invalid("Parameter '\(idName)' can't be empty!") }
        if type.isEmpty { throw .invalid("Parameter '\(typeName)' can't be empty!") }
        return EntityID(type: try entityType(type), uuid: try uuid(id))
    }

    /// The entity that two parts of the path name.
    func entity(pathID: String, type: String) throws(APIError) -> EntityID {
        EntityID(type: try entityType(path[type]), uuid: try uuid(path[pathID]))
    }

    func entityType(_ name: String) throws(APIError) -> EntityType {
        guard let type = EntityType(name: name) else {
            throw APIError(400, .badRequest, "Unknown entity type: \(name)", isEarly: true)
        }
        return type
    }
}

extension RequestObject {
    /// `{"entityType":...,"id":...}` of any kind of entity; `nil` when the member is not there.
    func entity(_ key: String) throws(APIError) -> EntityID? {
        guard let object = try object(key) else { return nil }
        guard let name = try object.text("entityType"), let type = EntityType(name: name) else {
            throw .malformedBody("an entityType is expected in '\(key)'")
        }
        guard let text = try object.text("id"), let uuid = UUID128(text) else {
            throw .malformedBody("a UUID is expected in '\(key)'")
        }
        return EntityID(type: type, uuid: uuid)
    }

    /// Texts; `nil` when the member is not there.
    func texts(_ key: String) throws(APIError) -> [String]? {
        guard let value = value(key) else { return nil }
        guard let list = value.arrayValue else { throw .malformedBody("a list is expected in '\(key)'") }
        var texts: [String] = []
        for element in list {
            guard let text = element.stringValue else { throw .malformedBody("texts are expected in '\(key)'") }
            texts.append(text)
        }
        return texts
    }
}
