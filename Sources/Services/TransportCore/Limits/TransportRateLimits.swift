public import Messages
public import Model
public import Reactor
import Synchronization

/// The rate limits of all tenants in this process (`device-api.md` 6.3). Safe from any thread.
public final class TransportRateLimits: Sendable {
    /// Groups beyond that number are looked through for those that nobody needs.
    private static let firstSweep = 10_000

    private struct Key: Hashable {
        var device: DeviceID
        /// Whether it is all traffic through the gateway, and not its own.
        var isThroughGateway: Bool
    }

    private struct State {
        var tenants: [TenantID: TenantLimits] = [:]
        var groups: [Key: LimitGroup] = [:]
        var nextSweep = TransportRateLimits.firstSweep
    }

    private let state = Mutex(State())

    public init() {}

    // MARK: - What the limits are

    /// Asks for the limits of a tenant that are not known yet.
    public func load(_ tenant: TenantID, from api: any TransportAPI) async {
        guard state.withLock({ $0.tenants[tenant]?.limits == nil }) else { return }
        guard let limits = await api.transportLimits(tenant) else { return }
        set(limits, of: tenant)
    }

    public func set(_ limits: TransportLimits, of tenant: TenantID) {
        let found = state.withLock { state in
            if let known = state.tenants[tenant] { return known }
            let made = TenantLimits()
            state.tenants[tenant] = made
            return made
        }
        found.update(limits, now: .now())
    }

    /// Takes what a transport is told; other notifications mean nothing here.
    public func receive(_ notification: TransportNotification) {
        switch notification {
        case .tenantProfileUpdated(let profile, let limits):
            let tenants = state.withLock { $0.tenants.values.filter { $0.profileID == profile } }
            for tenant in tenants {
                var changed = limits
                // Usage decides about that, tenant by tenant.
                changed.isTransportEnabled = tenant.limits?.isTransportEnabled ?? true
                tenant.update(changed, now: .now())
            }
        case .tenantUpdated(let tenant, let limits): set(limits, of: tenant)
        case .tenantDeleted(let tenant): state.withLock { $0.tenants[tenant] = nil }
        default: break
        }
    }

    // MARK: - Sessions

    /// What watches the messages of a session.
    public func limiter(of info: SessionInfo) -> SessionLimiter {
        let tenant = state.withLock { state in
            if let known = state.tenants[info.device.tenantID] { return known }
            let made = TenantLimits()
            state.tenants[info.device.tenantID] = made
            return made
        }
        let role: SessionLimiter.Role =
            info.gateway != nil ? .throughGateway : info.device.isGateway ? .gateway : .device
        return SessionLimiter(
            registry: self, tenant: tenant, role: role, device: info.gateway?.deviceID ?? info.device.deviceID)
    }

    /// The buckets that everything of a device (or through a gateway) shares, also over its next connections.
    func group(
        of device: DeviceID, isThroughGateway: Bool, _ level: TransportLimits.Level, now: MonotonicTime
    ) -> LimitGroup? {
        guard !level.isUnlimited else { return nil }
        let key = Key(device: device, isThroughGateway: isThroughGateway)
        return state.withLock { state in
            if let known = state.groups[key] {
                known.update(level, now: now)
                return known
            }
            if state.groups.count >= state.nextSweep {
                state.groups = state.groups.filter { !$0.value.isFull(now: now) }
                state.nextSweep = max(Self.firstSweep, state.groups.count * 2)
            }
            let made = LimitGroup(level, now: now)
            state.groups[key] = made
            return made
        }
    }
}

/// The limits of one tenant. Safe from any thread.
final class TenantLimits: Sendable {
    /// Whether nothing is limited: then nobody looks further.
    let isUnlimited = Atomic<Bool>(true)
    /// Counts changes.
    let epoch = Atomic<UInt32>(0)
    private let current = Mutex<TransportLimits?>(nil)
    let group = LimitGroup(TransportLimits.Level(), now: .now())

    var limits: TransportLimits? { current.withLock { $0 } }
    var profileID: TenantProfileID? { limits?.profileID }

    func update(_ limits: TransportLimits, now: MonotonicTime) {
        let isChanged = current.withLock { current in
            defer { current = limits }
            return current != limits
        }
        guard isChanged else { return }
        group.update(limits.tenant, now: now)
        let levels = [limits.tenant, limits.device, limits.gateway, limits.gatewayDevice]
        isUnlimited.store(
            limits.isTransportEnabled && levels.allSatisfy(\.isUnlimited), ordering: .releasing)
        epoch.add(1, ordering: .releasing)
    }
}

/// Watches the messages of one session. Owned by its loop.
public final class SessionLimiter {
    enum Role {
        case device
        case gateway
        case throughGateway
    }

    private let registry: TransportRateLimits
    private let tenant: TenantLimits
    private let role: Role
    private let device: DeviceID
    private var group: LimitGroup?
    private var seenEpoch: UInt32 = 0

    init(registry: TransportRateLimits, tenant: TenantLimits, role: Role, device: DeviceID) {
        self.registry = registry
        self.tenant = tenant
        self.role = role
        self.device = device
    }

    /// Whether nothing is limited.
    @inline(__always)
    public var isUnlimited: Bool { tenant.isUnlimited.load(ordering: .relaxed) }

    /// Whether so much may pass: the tenant's limits first, then the device's or the gateway's.
    public func admits(_ load: TransportLoad, now: MonotonicTime) -> Bool {
        if isUnlimited { return true }
        guard let limits = tenant.limits, limits.isTransportEnabled else { return false }
        let epoch = tenant.epoch.load(ordering: .acquiring)
        if epoch != seenEpoch {
            seenEpoch = epoch
            group = registry.group(
                of: device, isThroughGateway: role == .throughGateway, level(limits), now: now)
        }
        return tenant.group.admits(load, now: now) && group?.admits(load, now: now) != false
    }

    private func level(_ limits: TransportLimits) -> TransportLimits.Level {
        switch role {
        case .device: limits.device
        case .gateway: limits.gatewayDevice
        case .throughGateway: limits.gateway
        }
    }

    /// The limits of this session, and for a gateway those of the devices behind it.
    public var levels: (own: TransportLimits.Level, behindGateway: TransportLimits.Level?) {
        let limits = tenant.limits
        guard let limits else { return (TransportLimits.Level(), role == .gateway ? TransportLimits.Level() : nil) }
        return (level(limits), role == .gateway ? limits.gateway : nil)
    }
}
