public import Messages
public import Model
public import Reactor
import Synchronization

/// Remembers for a moment who a device is: for transports whose devices show their token with every message. Safe from any
/// thread.
///
/// Nothing is remembered for longer than `memory` after it was asked for, so that former credentials let nobody in for longer
/// than that; what the transport hears of changed devices and profiles ends it at once. Refusals are not remembered.
public final class RememberedCredentials: TransportAPI {
    private struct Entry {
        let response: DeviceCredentialsResponse
        let end: MonotonicTime
    }

    private struct State {
        /// Those of this period and of the one before.
        var young: [String: Entry] = [:]
        var old: [String: Entry] = [:]
        var periodEnd = MonotonicTime(nanoseconds: 0)
        /// Counts what was forgotten: an answer to a question of before is not remembered.
        var epoch: UInt64 = 0
    }

    private let api: any TransportAPI
    private let memory: Duration
    private let now: @Sendable () -> MonotonicTime
    private let state = Mutex(State())

    /// Devices that are remembered in one period; the questions of more are asked each time.
    static let capacity = 100_000

    /// - Parameter memory: `NEEDLETAIL_HTTP_CREDENTIALS_MEMORY_MS`; zero remembers nobody.
    public init(
        of api: any TransportAPI, memory: Duration, now: @escaping @Sendable () -> MonotonicTime = { .now() }
    ) {
        self.api = api
        self.memory = memory
        self.now = now
    }

    public func validateAtOnce(_ request: DeviceCredentialsRequest) -> DeviceCredentialsResponse? {
        guard case .accessToken(let token) = request else { return api.validateAtOnce(request) }
        let now = now()
        let entry = state.withLock { $0.young[token] ?? $0.old[token] }
        if let entry, entry.end > now { return entry.response }
        return api.validateAtOnce(request)
    }

    public func validate(_ request: DeviceCredentialsRequest) async -> DeviceCredentialsResponse {
        let asked = now()
        let epoch = state.withLock { $0.epoch }
        let response = await api.validate(request)
        guard case .accessToken(let token) = request, case .accepted = response, memory > .zero else { return response }
        let entry = Entry(response: response, end: asked + memory)
        state.withLock { state in
            guard state.epoch == epoch else { return }
            if state.periodEnd <= asked {
                (state.old, state.young) = (state.young, [:])
                state.periodEnd = asked + memory
            }
            if state.young.count < Self.capacity { state.young[token] = entry }
        }
        return response
    }

    /// Takes what is told to the transport.
    public func receive(_ notification: TransportNotification) {
        switch notification {
        case .deviceUpdated, .deviceDeleted, .deviceProfileUpdated, .deviceProfileDeleted, .tenantDeleted:
            state.withLock { state in
                (state.young, state.old) = ([:], [:])
                state.epoch &+= 1
            }
        case .closeSession, .rpcRequest, .rpcResponse, .attributesResponse, .attributesUpdate, .tenantProfileUpdated,
            .tenantUpdated, .queuesChanged:
            break
        }
    }

    // MARK: - What is only passed on

    public func validateOrCreate(certificateChain: String) async -> DeviceCredentialsResponse {
        await api.validateOrCreate(certificateChain: certificateChain)
    }

    public func getOrCreateDevice(gateway: DeviceID, name: String, type: String) async -> GatewayDeviceResponse {
        await api.getOrCreateDevice(gateway: gateway, name: name, type: type)
    }

    public func provision(_ request: ProvisionRequest) async -> ProvisionResponse { await api.provision(request) }

    public func otaPackage(device: DeviceID, tenant: TenantID, kind: OTAPackageKind) async -> OTAPackageResponse {
        await api.otaPackage(device: device, tenant: tenant, kind: kind)
    }

    public func otaPackageData(_ id: OTAPackageID, offset: Int64, length: Int) async -> [UInt8]? {
        await api.otaPackageData(id, offset: offset, length: length)
    }

    public func transportLimits(_ tenant: TenantID) async -> TransportLimits? { await api.transportLimits(tenant) }

    public func queues() async -> [QueueRoute]? { await api.queues() }
}
