import AlarmRules
import JSON
import Logging
import Messages
import Model
import Reactor
import Storage
import Telemetry

/// What a device profile node reads and keeps in the database.
extension DeviceProfileMemory {
    /// What is known of a device, if that still holds.
    func known(_ device: DeviceID) -> DeviceAlarms? {
        guard let state = devices[device], !state.needsCheck, profiles[state.profileID] === state.profile,
            state.ownership == context.shard.ownership(of: device.uuid)
        else { return nil }
        return state
    }

    /// Reads a device, unless it is known.
    ///
    /// - Returns: `nil` when there is none.
    func load(_ device: DeviceID) async throws -> DeviceAlarms? {
        if let state = known(device) { return state }
        while true {
            let mark = changes
            let before = devices[device]
            guard let state = try await read(device, before) else {
                devices[device] = nil
                return nil
            }
            guard mark == changes, !isStopped else {
                if isStopped { return state }
                continue
            }
            profiles[state.profileID] = state.profile
            if devices.count >= sweepsAt {
                devices = devices.filter { !$0.value.profile.alarms.isEmpty }
                sweepsAt = max(Self.rememberedDevices, 2 * devices.count)
            }
            devices[device] = state
            return state
        }
    }

    private func read(_ device: DeviceID, _ before: DeviceAlarms?) async throws -> DeviceAlarms? {
        let (tenant, node) = (place.tenant, place.node)
        let ownership = context.shard.ownership(of: device.uuid)
        guard let found = try await retrying({ try await DeviceRepository($0).find(device, tenant: tenant) }) else {
            return nil
        }
        let profileID = found.deviceProfileID
        let profile: ProfileAlarms
        if let known = profiles[profileID] {
            profile = known
        } else {
            let data = try await retrying {
                try await DeviceProfileRepository($0).find(profileID, tenant: tenant)?.profileData.value
            }
            do throws(AlarmRuleError) {
                profile = try ProfileAlarms(data ?? .null)
            } catch {
                throw RuleNodeError("Alarm rules of the device profile cannot be read: \(error.message)")
            }
        }
        let state = DeviceAlarms(
            device: device, profileID: profileID, profile: profile, ownership: ownership,
            customer: found.customerID.isNull ? nil : found.customerID)
        guard !profile.alarms.isEmpty else { return state }
        state.values.values = try await retrying { try await Self.values(of: found, profile.keys, $0) }
        for (index, alarm) in profile.alarms.enumerated() {
            let active = try await retrying {
                try await AlarmRepository($0).active(of: device.entityID, type: alarm.type, tenant: tenant)
            }
            state.progress[index].active = active.map { ($0.id, $0.severity) }
        }
        if let before, before.profileID == profileID, before.ownership == ownership {
            state.restore(before)
        } else if keepsState {
            let stored = try await retrying {
                try await RuleNodeStateRepository($0).find(node: node, entity: device.entityID)
            }
            if let json = stored.flatMap({ try? JSONValue.parse($0) }) { state.restore(json) }
        }
        return state
    }

    /// The latest values of the keys that rules look at; attributes of client, shared and server scope, the later ones win.
    private static func values(
        of device: Device, _ keys: Set<RuleKey>, _ database: any TransactionRunner
    ) async throws -> [RuleKey: TelemetryValue] {
        var values: [RuleKey: TelemetryValue] = [:]
        func names(_ kind: RuleKey.Kind) -> [String] { keys.filter { $0.kind == kind }.map(\.name) }
        for name in names(.entityField) {
            switch name {
            case "name": values[RuleKey(.entityField, name)] = .string(device.name)
            case "type": values[RuleKey(.entityField, name)] = .string(device.type)
            case "label": values[RuleKey(.entityField, name)] = device.label.map { .string($0) }
            case "createdTime": values[RuleKey(.entityField, name)] = .long(device.createdTime)
            default: break
            }
        }
        let series = names(.timeSeries)
        if !series.isEmpty {
            for (key, point) in try await TelemetryReader(database).latest(entity: device.id.uuid, keys: series) {
                values[RuleKey(.timeSeries, key)] = point.value
            }
        }
        let attributes = names(.attribute)
        if !attributes.isEmpty {
            let repository = AttributeRepository(database)
            for scope in [AttributeScope.client, .shared, .server] {
                for found in try await repository.find(entity: device.id.uuid, scope: scope, keys: attributes) {
                    values[RuleKey(.attribute, found.key)] = found.value
                }
            }
        }
        return values
    }

    static func customer(
        of device: DeviceID, _ tenant: TenantID, _ database: any StatementRunner
    ) async throws -> CustomerID? {
        try await DeviceRepository(database).find(device, tenant: tenant).flatMap {
            $0.customerID.isNull ? nil : $0.customerID
        }
    }

    /// Reads what rules compare with of the customer and the tenant.
    func readShared(_ state: DeviceAlarms) async throws {
        guard state.profile.hasShared else { return }
        func read(_ entity: UUID128?, _ keys: Set<String>) async throws -> [String: TelemetryValue] {
            guard let entity, entity != .null, !keys.isEmpty else { return [:] }
            let found = try await retrying {
                try await AttributeRepository($0).find(entity: entity, scope: .server, keys: Array(keys))
            }
            return Dictionary(found.map { ($0.key, $0.value) }) { $1 }
        }
        state.values.customer = try await read(state.customer?.uuid, state.profile.customerKeys)
        state.values.tenant = try await read(place.tenant.uuid, state.profile.tenantKeys)
    }

    /// Keeps how far the rules have come.
    func store(_ state: DeviceAlarms) async throws {
        guard keepsState, state.hasChanged, !isStopped else { return }
        state.hasChanged = false
        let text = state.stored.serializedString
        guard text.utf16.count <= RuleNodeStateRepository.maximumLength else {
            context.logger.limited(
                .warning, "the state of alarm rules is too long to be kept",
                ["device.id": .string(state.device.description)])
            return
        }
        let (node, entity, now) = (place.node, state.device.entityID, context.loop.wallClockMilliseconds)
        try await retrying {
            try await RuleNodeStateRepository($0).save(node: node, entity: entity, state: text, now: now)
        }
    }

    // MARK: - Tools

    /// Does something with the database, again while that cannot be reached.
    func retrying<R: Sendable>(
        _ body: @Sendable (any TransactionRunner) async throws -> R
    ) async throws -> R {
        guard let database = context.outlets.database else { throw RuleNodeError("There is no database here") }
        var pause = 50
        while true {
            do {
                return try await body(database)
            } catch DatabaseError.connectionLost, DatabaseError.unavailable, DatabaseError.timeout,
                DatabaseError.overloaded
            {
                await context.loop.sleep(.milliseconds(pause))
                pause = min(2_000, pause * 2)
            }
        }
    }

    func inBackground(_ body: @escaping @Sendable (any TransactionRunner) async throws -> Void) {
        let bound = LoopOwned(self)
        Task(executorPreference: context.loop) {
            do {
                try await bound.value.retrying(body)
            } catch {
                bound.value.context.logger.limited(
                    .warning, "the state of alarm rules cannot be read or changed",
                    ["error": .string(String(describing: error))])
            }
        }
    }

    /// Reads the devices that something is kept of, or forgets what was kept when nothing is to be kept any more.
    func begin() {
        let node = place.node
        if !keepsState {
            guard context.shard.runs(place, for: node.uuid) else { return }
            return inBackground { try await RuleNodeStateRepository($0).deleteAll(node: node) }
        }
        guard fetchesState else { return }
        fetched = context.shard.assignment
        let bound = LoopOwned(self)
        Task(executorPreference: context.loop) { await bound.value.fetch() }
    }

    /// Reads the devices of this shard that something is kept of.
    private func fetch() async {
        var last = UUID128.null
        let (node, queue) = (place.node, context.shard.queueName)
        do {
            while !isStopped {
                let after = last
                let page = try await retrying {
                    try await RuleNodeStateRepository($0).devices(node: node, after: after, limit: 1_000)
                }
                for (device, name) in page {
                    last = device.uuid
                    guard !isStopped, devices[device] == nil, queue == nil || queue == name ?? QueueRoute.main,
                        context.shard.ownership(of: device.uuid) != nil
                    else { continue }
                    await beginTurn(device)
                    defer { endTurn(device) }
                    _ = try await load(device)
                }
                if page.count < 1_000 { return }
            }
        } catch {
            context.logger.limited(
                .warning, "the states of alarm rules cannot be read", ["error": .string(String(describing: error))])
        }
    }
}
