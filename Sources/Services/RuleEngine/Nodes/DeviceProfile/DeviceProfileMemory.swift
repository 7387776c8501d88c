import AlarmRules
import JSON
import Logging
import Messages
import Model
import Reactor
import Storage
import Telemetry

/// The devices that a device profile node knows, one after the other for each device (`rule-engine.md` 7.1). Owned by the
/// shard's loop.
///
/// A device is read from the database with its first message; after that its messages need the database only where an alarm
/// is raised or cleared, or rules compare with attributes of its customer or tenant.
final class DeviceProfileMemory: RuleNodeMemory {
    let place: RuleNodePlace
    let context: RuleNodeContext
    let keepsState: Bool
    let fetchesState: Bool
    private var timer: LoopTimer?
    private(set) var isStopped = false
    var devices: [DeviceID: DeviceAlarms] = [:]
    /// Devices whose messages wait, or are in work, with those that come next.
    private var turns: [DeviceID: [CheckedContinuation<Void, Never>]] = [:]
    /// By profile, as it is now.
    var profiles: [DeviceProfileID: ProfileAlarms] = [:]
    /// What the shard had when devices were read that something is kept of.
    var fetched: Int?
    /// Counts changes of profiles and devices: what was read before one is not kept.
    private(set) var changes = 0

    /// Beyond this, devices whose profiles have no alarms are forgotten: they are read again.
    static let rememberedDevices = 50_000
    var sweepsAt = DeviceProfileMemory.rememberedDevices
    private static let harvestInterval: Duration = .seconds(60)

    init(place: RuleNodePlace, context: RuleNodeContext, keepsState: Bool, fetchesState: Bool) {
        self.place = place
        self.context = context
        self.keepsState = keepsState
        self.fetchesState = fetchesState
        timer = context.loop.schedule(after: Self.harvestInterval, repeating: Self.harvestInterval) { [weak self] in
            self?.harvest()
        }
        begin()
    }

    func stop() {
        isStopped = true
        timer?.cancel()
        timer = nil
        devices.removeAll()
    }

    // MARK: - What changed

    func entityChanged(_ entity: EntityID, _ change: EntityChange) {
        switch entity.type {
        case .deviceProfile:
            changes += 1
            profiles[DeviceProfileID(entity.uuid)] = nil
        case .device:
            changes += 1
            let device = DeviceID(entity.uuid)
            if change == .deleted, forgetDeleted(device), keepsState {
                let node = place.node
                inBackground { database in
                    try await RuleNodeStateRepository(database).delete(node: node, entity: device.entityID)
                }
            } else {
                devices[device]?.needsCheck = true
            }
        default: break
        }
    }

    /// Forgets a device that has another profile than it is known to have.
    func forget(_ device: DeviceID, unless profile: String?) {
        guard let known = devices[device], let profile, known.profileID.uuid.text != profile else { return }
        changes += 1
        devices[device] = nil
    }

    /// - Returns: Whether anything may be kept of it.
    func forgetDeleted(_ device: DeviceID) -> Bool {
        changes += 1
        return devices.removeValue(forKey: device) != nil || !fetchesState
    }

    // MARK: - Messages

    /// Processes a message of a device that is known and not in work, if nothing has to be asked or written for it.
    ///
    /// - Returns: Whether it is done.
    func processAtOnce(_ message: RuleMessage, _ input: ProfileInput, _ device: DeviceID) throws(AlarmRuleError) -> Bool
    {
        guard turns[device] == nil, let state = known(device) else { return false }
        if state.profile.alarms.isEmpty { return true }
        switch input {
        case .nothing: return true
        case .alarmCleared(let id):
            state.forget(cleared: id)
        case .alarmDeleted(let id): state.forget(deleted: id)
        case .values(let steps):
            // Most messages have nothing that the rules look at.
            guard steps.allSatisfy({ step in step.values.allSatisfy { !state.profile.keys.contains($0.0) } }) else {
                return false
            }
            if let last = steps.last { state.values.timestamp = last.time }
        case .removed, .assigned: return false
        }
        return !(keepsState && state.hasChanged)
    }

    /// Processes a message when those of its device before it are done.
    func process(_ message: RuleMessage, _ input: ProfileInput, _ device: DeviceID) async throws -> NodeOutcome {
        await beginTurn(device)
        defer { endTurn(device) }
        guard let state = try await load(device) else { return .acknowledge(message) }
        if case .assigned = input {
            let tenant = place.tenant
            state.customer = try await retrying { try await Self.customer(of: device, tenant, $0) }
        }
        try await readShared(state)
        do {
            try await take(message, input, state)
        } catch let error as AlarmRuleError {
            try await store(state)
            return .failure(message, Self.text(of: error, device))
        }
        try await store(state)
        return .next(message, .success)
    }

    static func text(of error: AlarmRuleError, _ device: DeviceID) -> String {
        "Failed to process alarm rule for Device [\(device.uuid.text)]: \(error.message)"
    }

    private func take(_ message: RuleMessage, _ input: ProfileInput, _ state: DeviceAlarms) async throws {
        switch input {
        case .nothing, .assigned: break
        case .alarmCleared(let id): state.forget(cleared: id)
        case .alarmDeleted(let id): state.forget(deleted: id)
        case .removed(let keys):
            state.remove(keys)
            try await evaluate(state, .changed(keys), message)
        case .values(let steps):
            for step in steps {
                let changed = state.take(step.values, at: step.time)
                if !changed.isEmpty { try await evaluate(state, .changed(changed), message) }
            }
        }
    }

    private func evaluate(
        _ state: DeviceAlarms, _ occasion: DeviceAlarms.Occasion, _ message: RuleMessage?
    ) async throws {
        if let message { (state.lastMetadata, state.lastQueue) = (message.metadata, message.queueName) }
        for alarm in state.profile.alarms.indices {
            let now = context.loop.wallClockMilliseconds
            guard let action = try state.evaluate(alarm, occasion, now: now) else { continue }
            try await perform(action, state, customer: message?.customerID)
        }
    }

    // MARK: - Time

    /// Looks at rules that wait for time to pass.
    func harvest() {
        let assignment = context.shard.assignment
        if keepsState, fetchesState, assignment != fetched { begin() }
        for (device, state) in devices {
            if context.shard.ownership(of: device.uuid) != state.ownership {
                // Its messages go elsewhere now.
                devices[device] = nil
                continue
            }
            guard state.waitsForTime, turns[device] == nil else { continue }
            let bound = LoopOwned(self)
            Task(executorPreference: context.loop) { await bound.value.harvest(device) }
        }
    }

    private func harvest(_ device: DeviceID) async {
        await beginTurn(device)
        defer { endTurn(device) }
        do {
            guard devices[device] != nil, let state = try await load(device) else { return }
            try await readShared(state)
            try await evaluate(state, .time(context.loop.wallClockMilliseconds), nil)
            try await store(state)
        } catch {
            guard !isStopped else { return }
            context.logger.limited(
                .warning, "alarm rules of a device cannot be processed",
                ["device.id": .string(device.description), "error": .string(String(describing: error))])
        }
    }

    // MARK: - Turns

    func beginTurn(_ device: DeviceID) async {
        if turns[device] == nil {
            turns[device] = []
            return
        }
        await withCheckedContinuation { turns[device]!.append($0) }
    }

    func endTurn(_ device: DeviceID) {
        if turns[device]!.isEmpty {
            turns[device] = nil
        } else {
            turns[device]!.removeFirst().resume()
        }
    }
}
