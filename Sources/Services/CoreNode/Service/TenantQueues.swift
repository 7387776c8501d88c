internal import JSON
internal import Messages
internal import Model
internal import Queue
internal import Storage

/// The queues of isolated tenants: those that their profile describes, as records of each tenant (`cluster.md` 2.3, 4.4).
struct TenantQueues: Sendable {
    let database: any TransactionRunner
    let topics: any QueueTopics
    let events: any DeviceEvents

    /// Makes the tenant's queues what its profile says: the missing are made, others changed, and what the profile does not
    /// have is deleted and emptied.
    func follow(tenant: TenantID, now: Int64) async throws {
        let profile = try await TenantProfileRepository(database).find(tenant: tenant)
        let wanted = profile.map { Self.described($0, tenant: tenant, now: now) } ?? []
        let stored = try await QueueRepository(database).all(of: tenant)
        var isChanged = false
        for var queue in wanted {
            guard let known = stored.first(where: { $0.name == queue.name }) else {
                // One of that name that is still being emptied goes on as this one.
                if let topic = try await QueueRepository(database).topicOfDeleted(name: queue.name, tenant: tenant) {
                    queue.topic = topic
                    try await topics.prepare(queue.route)
                }
                let made = queue
                try await database.inTransaction { try await QueueRepository($0).insert(made) }
                isChanged = true
                continue
            }
            // A queue keeps its topic.
            (queue.id, queue.createdTime, queue.topic) = (known.id, known.createdTime, known.topic)
            guard queue != known else { continue }
            if queue.partitions > known.partitions { try await topics.prepare(queue.route) }
            try await QueueRepository(database).update(queue)
            isChanged = true
        }
        for queue in stored where !wanted.contains(where: { $0.name == queue.name }) {
            isChanged = try await QueueRepository(database).delete(queue.id, now: now) || isChanged
        }
        if isChanged { await events.post(.queueChanged(tenant: tenant, queue: QueueID(.zero), .updated)) }
    }

    /// The same for every tenant of a profile.
    func follow(profile: TenantProfileID, now: Int64) async throws {
        for tenant in try await TenantRepository(database).tenants(of: profile) {
            try await follow(tenant: tenant, now: now)
        }
    }

    private static func described(_ profile: TenantProfile, tenant: TenantID, now: Int64) -> [StoredQueue] {
        guard profile.isolatesRuleEngine,
            let list = profile.profileData.value["queueConfiguration"]?.arrayValue
        else { return [] }
        return list.compactMap { value in
            guard case .object(let members) = value else { return nil }
            // What a profile holds was checked when it was saved.
            return try? QueueDescription.read(RequestObject(members), tenant: tenant, now: now)
        }
    }
}
