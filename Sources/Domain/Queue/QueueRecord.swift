public import Messages
public import Model

/// Names a queue of the rule engine.
public struct QueueKey: Sendable, Hashable {
    public var name: String
    /// The tenant whose own queue it is; `nil`: shared.
    public var tenant: TenantID?

    public init(name: String, tenant: TenantID? = nil) {
        self.name = name
        self.tenant = tenant
    }
}

/// A queue of the rule engine as its record has it (`cluster.md` 2.3).
public struct QueueRecord: Sendable, Hashable {
    public var route: QueueRoute
    public var strategies: QueueStrategies
    /// The profile of the tenant whose queue it is: rule engines may be assigned to it.
    public var tenantProfile: TenantProfileID?
    /// When it was deleted, milliseconds since 1970: nothing more goes into it, and what is in it is still processed.
    public var deletedTime: Int64?

    public init(
        route: QueueRoute, strategies: QueueStrategies = QueueStrategies(), tenantProfile: TenantProfileID? = nil,
        deletedTime: Int64? = nil
    ) {
        self.route = route
        self.strategies = strategies
        self.tenantProfile = tenantProfile
        self.deletedTime = deletedTime
    }

    public var key: QueueKey { QueueKey(name: route.name, tenant: route.isolatedTenant) }
    public var isDeleted: Bool { deletedTime != nil }
}

/// Which queues there are.
public struct QueueTable: Sendable, Equatable {
    public let records: [QueueRecord]
    private let byKey: [QueueKey: QueueRecord]
    /// Whether anybody has queues of their own.
    public let hasIsolated: Bool

    public init(_ records: [QueueRecord]) {
        self.records = records
        byKey = Dictionary(records.map { ($0.key, $0) }) { $0.isDeleted ? $1 : $0 }
        hasIsolated = records.contains { $0.route.isolatedTenant != nil }
    }

    /// How the queue is processed; of a queue that is gone, nothing runs again.
    public func strategies(of key: QueueKey) -> QueueStrategies { byKey[key]?.strategies ?? QueueStrategies() }

    /// The queue of a tenant's messages (`cluster.md` 4.4): its own of that name, the shared one of that name, the shared
    /// `Main`.
    public func key(tenant: TenantID, queueName: String?) -> QueueKey {
        let name = queueName ?? QueueRoute.main
        if hasIsolated {
            let own = QueueKey(name: name, tenant: tenant)
            if byKey[own] != nil { return own }
        }
        let shared = QueueKey(name: name)
        return byKey[shared] != nil ? shared : QueueKey(name: QueueRoute.main)
    }
}

/// What a change of queues needs beside its record: topics. Safe from any thread.
public protocol QueueTopics: Sendable {
    /// Makes room for what will be sent to the queue: its topic, with at least its partitions.
    ///
    /// - Throws: when that cannot be now; nothing was changed that harms.
    func prepare(_ route: QueueRoute) async throws
}

/// Queues inside one process need nothing.
public struct InProcessQueueTopics: QueueTopics {
    public init() {}
    public func prepare(_ route: QueueRoute) async throws {}
}
