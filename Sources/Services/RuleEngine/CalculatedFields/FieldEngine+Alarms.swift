import CalculatedFields
import JSON
import Messages
import Model
import ScriptEngine
import Storage

/// Alarm rules (`rule-engine.md` 7.2).
extension FieldEngine {
    /// Between two looks at rules that time alone can change, in milliseconds.
    private static let periodicPass: Int64 = 60_000

    /// Evaluates the rules of a field for an entity, and raises, updates or clears its alarm.
    func evaluate(
        _ rules: AlarmFieldRules, _ scripts: [String: Script], of field: CompiledField, _ entity: FieldEntity,
        _ place: FieldEntityPlace, _ event: FieldEvent, _ database: any TransactionRunner
    ) async throws -> RuleMessage? {
        guard let known = entity.states[field.id] else { return nil }
        var state = known.alarm
        let alarms = AlarmRepository(database)
        let active = try await alarms.active(of: event.entity, type: field.name, tenant: event.tenant)
        // Whoever cleared or deleted it meanwhile: everything begins anew.
        if let alarm = state.alarm, active?.id.uuid.text != alarm { state.reset() }
        state.alarm = active?.id.uuid.text
        let cause: AlarmEvaluation.Cause =
            switch event.change {
            case .began: .begin
            case .ticked: .time
            default: .event
            }
        let now = now
        let decision = try await AlarmEvaluation(rules, known.state, cause, now: now, scripts: scripts)
            .decide(&state, isActive: active != nil)
        var message: RuleMessage?
        if let raised = decision.raised {
            let rule = rules.create[raised]
            let details = rules.details(of: rule, known.state, field.arguments).map { RawJSON($0) }
            if let outcome = try await raise(rule, rules, details, active, known.state, cause, field, place, event, now)
            {
                state.alarm = outcome.alarm.alarm.id.uuid.text
                message = Self.message(outcome, event)
            }
        } else if decision.isCleared, let clear = rules.clear, let active {
            let details = rules.details(of: clear, known.state, field.arguments).map { RawJSON($0) }
            if try await alarms.clear(active.id, tenant: event.tenant, at: now, details: details),
                let cleared = try await alarms.find(active.id)
            {
                message = Self.message(.alarmClear, ["isClearedAlarm": "true"], cleared, event)
            }
            state.alarm = nil
        }
        if let repeats = decision.repeats { message?.metadata["alarmConditionRepeats"] = String(repeats) }
        if let duration = decision.duration { message?.metadata["alarmConditionDuration"] = String(duration) }
        try await keep(state, decision.wait, rules, of: field, entity, event, now, database)
        guard var message else { return nil }
        message.timestamp = now
        message.customerID = place.customer
        message.ruleChainID = place.route.chain
        message.queueName = place.route.queue
        message.calculatedFields = event.previous + [field.id.uuid]
        return message
    }

    /// - Returns: `nil` when nothing is to be said: the alarm is more severe, or as severe and only time went by.
    private func raise(
        _ rule: AlarmFieldRules.Rule, _ rules: AlarmFieldRules, _ details: RawJSON?, _ active: Alarm?,
        _ values: FieldState, _ cause: AlarmEvaluation.Cause, _ field: CompiledField, _ place: FieldEntityPlace,
        _ event: FieldEvent, _ now: Int64
    ) async throws -> AlarmOutcome? {
        let severity = rule.severity.flatMap(AlarmSeverity.init) ?? .indeterminate
        var draft = AlarmRepository.Draft(
            tenantID: event.tenant, customerID: place.customer, originator: event.entity, type: field.name,
            severity: severity, details: details,
            propagation: AlarmPropagation(
                isOn: rules.propagates, toOwner: rules.propagatesToOwner, toTenant: rules.propagatesToTenant,
                relationTypes: rules.relationTypes))
        if let active {
            let order = AlarmFieldRules.severities
            let (new, old) = (order.firstIndex(of: severity.rawValue)!, order.firstIndex(of: active.severity.rawValue)!)
            if new > old || new == old && cause == .time { return nil }
            if details == nil { draft.details = active.details }
            draft.propagation = active.propagation
        } else {
            let start = values.latestTime ?? now
            draft.startTime = start <= 0 || start > now ? now : start
            draft.endTime = draft.startTime
            if details == nil { draft.details = RawJSON(.object([:])) }
        }
        guard let database = shard.context.outlets.database else { return nil }
        let drafted = draft
        let outcome = try await database.inTransaction { transaction in
            try await AlarmRepository(transaction).createOrUpdateActive(drafted, now: now)
        }
        return outcome.isModified ? outcome : nil
    }

    /// What the originator's chain hears (`rule-engine.md` 1.8).
    private static func message(_ outcome: AlarmOutcome, _ event: FieldEvent) -> RuleMessage {
        if outcome.isCreated { return message(.alarmCreated, ["isNewAlarm": "true"], outcome.alarm, event) }
        if outcome.oldSeverity != outcome.alarm.alarm.severity {
            return message(
                .alarmSeverityUpdated, ["isExistingAlarm": "true", "isSeverityUpdated": "true"], outcome.alarm, event)
        }
        return message(.alarmUpdated, ["isExistingAlarm": "true"], outcome.alarm, event)
    }

    private static func message(
        _ type: KnownMessageType, _ metadata: [String: String], _ alarm: AlarmInfo, _ event: FieldEvent
    ) -> RuleMessage {
        RuleMessage(
            id: .random(), timestamp: 0, type: .known(type), originator: event.entity, tenantID: event.tenant,
            metadata: MessageMetadata(metadata), payload: .text(alarm.document.serializedString))
    }

    /// Keeps the state of rules that count or wait, and says when they are to be looked at again.
    private func keep(
        _ state: AlarmFieldState, _ wait: Int64?, _ rules: AlarmFieldRules, of field: CompiledField,
        _ entity: FieldEntity, _ event: FieldEvent, _ now: Int64, _ database: any TransactionRunner
    ) async throws {
        let isTimed = rules.all.contains(where: \.isTimed)
        if isTimed || rules.all.contains(where: \.hasState) {
            let isChanged = state != entity.states[field.id]?.alarm
            var isDue = false
            switch event.change {
            case .began, .ticked: isDue = true
            default: break
            }
            if isChanged || isDue || wait != nil {
                let next = isTimed ? min(wait ?? Self.periodicPass, Self.periodicPass) : wait
                try await CalculatedFieldStateRepository(database).save(
                    RawJSON(state.document), due: next.map { now + max(0, $0) }, of: field.id, event.entity,
                    tenant: event.tenant)
            }
        }
        entity.states[field.id]?.alarm = state
    }
}
