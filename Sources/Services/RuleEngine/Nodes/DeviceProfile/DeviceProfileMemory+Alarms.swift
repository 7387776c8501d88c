import AlarmRules
import JSON
import Logging
import Messages
import Model
import Reactor
import Storage
import Telemetry

/// What a device profile node does with alarms (`rule-engine.md` 7.1).
extension DeviceProfileMemory {
    func perform(_ action: DeviceAlarms.Action, _ state: DeviceAlarms, customer: CustomerID?) async throws {
        switch action {
        case .raise(let alarm, let rule): try await raise(alarm, rule, state, customer)
        case .clear(let alarm): try await clear(alarm, state, customer)
        }
    }

    private func raise(_ index: Int, _ place: Int, _ state: DeviceAlarms, _ customer: CustomerID?) async throws {
        let alarm = state.profile.alarms[index]
        let (severity, rule) = alarm.createRules[place]
        let (values, device, owner, tenant) = (state.values, state.device, state.customer, self.place.tenant)
        let now = context.loop.wallClockMilliseconds
        let outcome: AlarmOutcome? = try await retrying { database in
            try await database.inTransaction { transaction in
                let alarms = AlarmRepository(transaction)
                let active = try await alarms.active(of: device.entityID, type: alarm.type, tenant: tenant)
                // An active alarm does not become less severe.
                if let active, active.severity.isWorse(than: severity) { return nil }
                let isNew = active == nil
                let start = values.timestamp == 0 || values.timestamp > now ? now : values.timestamp
                let details = rule.details(values).map { RawJSON($0) } ?? active?.details ?? RawJSON(.object([:]))
                let draft = AlarmRepository.Draft(
                    tenantID: tenant, customerID: owner, originator: device.entityID, type: alarm.type,
                    severity: severity, startTime: isNew ? start : nil, endTime: isNew ? start : nil,
                    details: details, propagation: active?.propagation ?? alarm.propagation)
                return try await alarms.createOrUpdateActive(draft, now: now)
            }
        }
        guard let outcome else { return }
        state.progress[index].active = (outcome.alarm.alarm.id, severity)
        let label: RelationLabel
        var flags = ["isExistingAlarm"]
        if outcome.isCreated {
            (label, flags) = ("Alarm Created", ["isNewAlarm"])
        } else if let old = outcome.oldSeverity, old != severity {
            (label, flags) = ("Alarm Severity Updated", ["isExistingAlarm", "isSeverityUpdated"])
        } else {
            label = "Alarm Updated"
        }
        try await tell(outcome.alarm, label, flags, rule, state.progress[index].create[place], state, customer)
    }

    private func clear(_ index: Int, _ state: DeviceAlarms, _ customer: CustomerID?) async throws {
        guard let rule = state.profile.alarms[index].clearRule, let active = state.progress[index].active else {
            return
        }
        let (tenant, now) = (place.tenant, context.loop.wallClockMilliseconds)
        let details = rule.details(state.values).map { RawJSON($0) }
        let cleared: AlarmInfo? = try await retrying { database in
            let alarms = AlarmRepository(database)
            guard try await alarms.clear(active.id, tenant: tenant, at: now, details: details) else { return nil }
            return try await alarms.find(active.id)
        }
        state.progress[index].active = nil
        guard let cleared else { return }
        try await tell(
            cleared, "Alarm Cleared", ["isClearedAlarm"], rule, state.progress[index].clear, state, customer)
    }

    /// Sends the message that tells of an alarm.
    private func tell(
        _ alarm: AlarmInfo, _ label: RelationLabel, _ flags: [String], _ rule: ProfileRule, _ counters: RuleCounters,
        _ state: DeviceAlarms, _ customer: CustomerID?
    ) async throws {
        var metadata = state.lastMetadata.dictionary
        for flag in flags { metadata[flag] = "true" }
        switch rule.kind {
        case .simple: break
        case .repeating: metadata["alarmConditionRepeats"] = String(counters.eventCount)
        case .duration: metadata["alarmConditionDuration"] = String(counters.duration)
        }
        let message = context.shard.emitted(
            RuleMessage(
                id: .null, timestamp: context.loop.wallClockMilliseconds, type: .known(.alarm),
                originator: state.device.entityID, tenantID: place.tenant, customerID: customer,
                metadata: MessageMetadata(metadata), payload: .text(alarm.document.serializedString),
                queueName: state.lastQueue), label, by: place)
        guard await context.sending.sendOn(message) else {
            throw RuleNodeError("The queue could not take the message")
        }
    }
}

extension AlarmSeverity {
    fileprivate func isWorse(than other: AlarmSeverity) -> Bool {
        let all = AlarmSeverity.allCases
        return all.firstIndex(of: self)! < all.firstIndex(of: other)!
    }
}
