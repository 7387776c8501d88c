public import Logging
public import Messages
public import Model
public import Queue
public import Storage

/// Answers everything that transports ask (`cluster.md` 3.3). Safe from any thread.
public final class TransportAPIService: TransportAPI {
    private let authenticator: DeviceAuthenticator
    private let gateways: GatewayDevices
    private let provisioning: DeviceProvisioning
    private let chains: CertificateChains
    private let packages: OTAPackageRepository
    private let limits: TenantLimitsRepository
    private let usage: UsageRepository
    private let queueRecords: QueueRepository
    private let logger: Logger

    /// - Parameters:
    ///   - queue: Takes the messages of devices that are made.
    ///   - events: Told of devices that are made.
    ///   - persistsStateToTelemetry: `PERSIST_STATE_TO_TELEMETRY`.
    public init(
        database: Database, authenticator: DeviceAuthenticator, queue: any RuleEngineQueue, events: any DeviceEvents,
        persistsStateToTelemetry: Bool = false, logger: Logger
    ) {
        self.authenticator = authenticator
        self.logger = logger
        let lookup = DeviceLookup(database: database)
        let creator = DeviceCreator(
            database: database, messages: QueuedRuleMessages(queue: queue, logger: logger), events: events,
            persistsStateToTelemetry: persistsStateToTelemetry)
        gateways = GatewayDevices(lookup: lookup, database: database, creator: creator, logger: logger)
        provisioning = DeviceProvisioning(
            database: database, creator: creator, guesses: ProvisioningGuesses(), logger: logger)
        chains = CertificateChains(
            lookup: lookup, database: database, creator: creator, events: events, logger: logger)
        packages = OTAPackageRepository(database)
        limits = TenantLimitsRepository(database)
        usage = UsageRepository(database)
        queueRecords = QueueRepository(database)
    }

    public func validate(_ request: DeviceCredentialsRequest) async -> DeviceCredentialsResponse {
        await authenticator.validate(request)
    }

    public func validateAtOnce(_ request: DeviceCredentialsRequest) -> DeviceCredentialsResponse? {
        authenticator.validateAtOnce(request)
    }

    public func validateOrCreate(certificateChain: String) async -> DeviceCredentialsResponse {
        await chains.validate(certificateChain, now: CurrentTime.milliseconds)
    }

    public func getOrCreateDevice(gateway: DeviceID, name: String, type: String) async -> GatewayDeviceResponse {
        await gateways.device(gateway: gateway, name: name, type: type, now: CurrentTime.milliseconds)
    }

    public func provision(_ request: ProvisionRequest) async -> ProvisionResponse {
        await provisioning.provision(request, now: CurrentTime.milliseconds)
    }

    public func otaPackage(device: DeviceID, tenant: TenantID, kind: OTAPackageKind) async -> OTAPackageResponse {
        do {
            guard let package = try await packages.assigned(to: device, tenant: tenant, kind: kind), package.hasData
            else { return .notFound }
            return .found(package.info)
        } catch {
            logger.limited(.error, "an OTA package cannot be read", ["error": .string(String(describing: error))])
            return .unavailable
        }
    }

    public func otaPackageData(_ id: OTAPackageID, offset: Int64, length: Int) async -> [UInt8]? {
        try? await packages.data(id, offset: offset, length: length)
    }

    public func transportLimits(_ tenant: TenantID) async -> TransportLimits? {
        guard let found = try? await limits.find(tenant) else { return nil }
        var told = TransportLimits(profile: found.profile, configuration: found.configuration.value)
        guard let features = try? await usage.features(of: tenant) else { return nil }
        told.isTransportEnabled = features.transport != .disabled
        return told
    }

    public func queues() async -> [QueueRoute]? {
        do {
            return try await queueRecords.records().filter { !$0.isDeleted }.map(\.route)
        } catch {
            logger.limited(.error, "queues cannot be read", ["error": .string(String(describing: error))])
            return nil
        }
    }
}
