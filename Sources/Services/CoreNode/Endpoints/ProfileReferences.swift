internal import Model
internal import Storage

/// What a device or asset profile names: it must be there and belong to the tenant (`rest-api.md` 2.14).
struct ProfileReferences: Sendable {
    var ruleChains: [UUID128?]
    var dashboard: UUID128?
    var queue: String?

    /// - Parameter thing: `Device` or `Asset`.
    func check(tenant: TenantID, _ thing: String, in services: Services) async throws {
        if let queue, !queue.isEmpty, try await !services.profiles.hasQueue(queue, tenant: tenant) {
            throw APIError.invalid("\(thing) profile is referencing to non-existent queue!")
        }
        let owners = EntityOwners(services.database)
        for id in ruleChains.compactMap(\.self) {
            guard let owner = try await owners.find(EntityID(type: .ruleChain, uuid: id)) else {
                throw APIError.invalid("Can't assign non-existent rule chain!")
            }
            if owner.tenant != tenant { throw APIError.invalid("Can't assign rule chain from different tenant!") }
        }
        if let dashboard {
            guard let owner = try await owners.find(EntityID(type: .dashboard, uuid: dashboard)) else {
                throw APIError.invalid("Can't assign non-existent dashboard!")
            }
            if owner.tenant != tenant { throw APIError.invalid("Can't assign dashboard from different tenant!") }
        }
    }
}
