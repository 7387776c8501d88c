import CalculatedFields
import Model
import Storage
import Telemetry

/// Brings what is known of a field's arguments up to date: from the database at first, by events from then on.
struct FieldArguments {
    let reader: TelemetryReader
    let attributes: AttributeRepository
    let states: CalculatedFieldStateRepository
    let limits: StoredCalculatedFields
    let now: Int64

    /// Takes an event into the state of a field.
    ///
    /// - Returns: Whether the field is to be computed.
    func update(_ entity: FieldEntity, _ field: CompiledField, with event: FieldEvent) async throws -> Bool {
        if case .began(let id, _) = event.change {
            guard id == field.id else { return false }
            entity.states[field.id] = try await read(field, of: event.entity)
            return true
        }
        if case .ticked(let id) = event.change {
            guard id == field.id else { return false }
            if entity.states[field.id]?.version != field.version {
                entity.states[field.id] = try await read(field, of: event.entity)
            }
            return true
        }
        let indices = event.indices(of: field.arguments, fieldEntity: field.entity)
        guard !indices.isEmpty else { return false }
        var isNew = false
        if entity.states[field.id]?.version != field.version { entity.states[field.id] = nil }
        switch event.change {
        // What is there in place of the removed is in the database.
        case .timeseriesRemoved, .attributesRemoved: entity.states[field.id] = nil
        case .timeseries, .attributes, .began, .ticked: break
        }
        if entity.states[field.id] == nil {
            entity.states[field.id] = try await read(field, of: event.entity)
            isNew = true
        }
        guard var state = entity.states[field.id]?.state else { return false }
        for index in indices {
            let argument = field.arguments[index]
            for value in event.values where value.key == argument.key && isAllowed(value.value) {
                if state.update(index, value.value, at: value.time, now: now) { isNew = true }
            }
        }
        entity.states[field.id]?.state = state
        return isNew
    }

    private func isAllowed(_ value: TelemetryValue) -> Bool {
        guard limits.valueBytes > 0 else { return true }
        switch value {
        case .string(let text), .json(let text): return text.utf8.count <= limits.valueBytes
        case .boolean, .long, .double: return true
        }
    }

    /// What the database has of all arguments.
    private func read(_ field: CompiledField, of entity: EntityID) async throws -> FieldEntity.State {
        var state = FieldState(field.arguments, rollingLimit: limits.rollingPoints, now: now)
        for (index, argument) in field.arguments.enumerated() {
            let owner = (argument.entity ?? entity).uuid
            switch argument.source {
            case .latest:
                let found = try await reader.latest(entity: owner, keys: [argument.key])
                if let point = found[argument.key], isAllowed(point.value) {
                    _ = state.update(index, point.value, at: point.timestamp, now: now)
                }
            case .attribute(let scope):
                let found = try await attributes.find(entity: owner, scope: scope, keys: [argument.key])
                if let attribute = found.first, isAllowed(attribute.value) {
                    _ = state.update(index, attribute.value, at: attribute.lastUpdate, now: now)
                }
            case .rolling(let limit, let window):
                let most = limits.rollingPoints > 0 ? limits.rollingPoints : 100_000
                let points = try await reader.history(
                    entity: owner, keys: [argument.key],
                    .init(from: now - window, to: now + 1, limit: limit > 0 ? min(Int64(limit), most) : most))
                for point in points[argument.key] ?? [] {
                    _ = state.update(index, point.value, at: point.timestamp, now: now)
                }
            }
        }
        var known = FieldEntity.State(version: field.version, state: state)
        if case .success(.alarm(let rules, _)) = field.formula, rules.all.contains(where: \.hasState) {
            let stored = try await states.find(field.id, entity)
            known.alarm = stored.flatMap { AlarmFieldState($0.value) } ?? AlarmFieldState()
        }
        return known
    }
}
