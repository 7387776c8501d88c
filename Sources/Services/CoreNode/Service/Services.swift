internal import Logging
internal import Model
internal import Queue
internal import Storage

/// What endpoints work with.
struct Services: Sendable {
    let database: any TransactionRunner
    let telemetry: any TelemetryStore
    let reader: TelemetryReader
    let attributes: AttributeRepository
    let actions: EntityActions
    /// Messages for the nodes that own devices.
    let owners: any CoreQueueProducer
    let rpc: RPCService
    let login: LoginService
    let revocations: TokenRevocations
    let housekeeper: Housekeeper
    let maximumIntervals: Int64
    let logger: Logger

    var devices: DeviceRepository { DeviceRepository(database) }
    var credentials: DeviceCredentialsRepository { DeviceCredentialsRepository(database) }
    var profiles: DeviceProfileRepository { DeviceProfileRepository(database) }
    var customers: CustomerRepository { CustomerRepository(database) }
    var users: UserRepository { UserRepository(database) }
    var dashboards: DashboardRepository { DashboardRepository(database) }
    var tenants: TenantRepository { TenantRepository(database) }
}
