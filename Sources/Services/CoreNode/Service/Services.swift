internal import Cache
internal import Logging
internal import Model
internal import Queue
internal import ScriptEngine
internal import Storage

/// What endpoints work with.
struct Services: Sendable {
    private(set) var database: any TransactionRunner
    let telemetry: any TelemetryStore
    let reader: TelemetryReader
    private(set) var attributes: AttributeRepository
    private(set) var actions: EntityActions
    /// Messages for the nodes that own devices.
    let owners: any CoreQueueProducer
    /// Makes room for what queues are to take.
    let queueTopics: any QueueTopics
    let rpc: RPCService
    let scripts: ScriptEngine
    let login: LoginService
    let passwords: PasswordService
    let twoFactor: TwoFactorService
    let mail: MailService
    let repositories: RepositoryAccess
    let limits: TenantLimits
    /// Counts that core nodes share; `nil` where each counts for itself.
    let counts: (any SharedCounts)?
    let revocations: TokenRevocations
    let housekeeper: Housekeeper
    let machine: MachineUsage
    let maximumIntervals: Int64
    /// Whether the state of devices is telemetry.
    let persistsStateToTelemetry: Bool
    /// Whether administrators may sign in as others.
    let isTokenAccessEnabled: Bool
    let serviceID: String
    /// The processes of a cluster; `nil` where all services are one process.
    let directory: ServiceDirectory?
    let version: String
    let logger: Logger

    var devices: DeviceRepository { DeviceRepository(database) }
    var credentials: DeviceCredentialsRepository { DeviceCredentialsRepository(database) }
    var profiles: DeviceProfileRepository { DeviceProfileRepository(database) }
    var customers: CustomerRepository { CustomerRepository(database) }
    var users: UserRepository { UserRepository(database) }
    var dashboards: DashboardRepository { DashboardRepository(database) }
    var tenants: TenantRepository { TenantRepository(database) }
    var tenantProfiles: TenantProfileRepository { TenantProfileRepository(database) }
    var userSettings: UserSettingsRepository { UserSettingsRepository(database) }
    var apiKeys: APIKeyRepository { APIKeyRepository(database) }
    var tenantQueues: TenantQueues {
        TenantQueues(database: database, topics: queueTopics, events: actions.events)
    }
    var settings: AdminSettingsRepository { AdminSettingsRepository(database) }

    /// The same inside a transaction: what would be a transaction of its own is a part of it, and actions are kept in
    /// `deferred` until it is committed.
    func inside(_ transaction: JoinedTransaction, deferring deferred: DeferredActions) -> Services {
        var services = self
        services.database = transaction
        services.attributes = attributes.inside(transaction)
        services.actions.deferred = deferred
        return services
    }
}
