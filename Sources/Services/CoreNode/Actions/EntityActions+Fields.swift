internal import CalculatedFields
internal import Logging
internal import Messages
internal import Model
internal import Storage
internal import Telemetry

/// What the API changes of values makes calculated fields be computed anew, like what devices send.
extension EntityActions {
    /// Tells the owner of the entity of values that were saved or deleted; ends when the rule engine's queue keeps it. A tenant
    /// without fields costs a statement.
    func feedFields(_ event: DeviceEvent, _ now: Int64) async {
        guard let event = FieldEvent(event, now) else { return }
        let hasFields: Bool
        do {
            hasFields = try await CalculatedFieldRepository(database).exist(of: event.tenant)
        } catch {
            // Rather an event for nothing than none.
            hasFields = true
        }
        if hasFields { await messages.deliver(event.message(now: now)) }
    }

    /// Has a new or changed field computed for what it belongs to. Entities of a profile follow one after the other, and nobody
    /// waits for them.
    func beginField(_ field: CalculatedField, now: Int64) async {
        func event(_ entity: EntityID) -> FieldEvent {
            FieldEvent(tenant: field.tenantID, entity: entity, change: .began(field.id, version: field.version))
        }
        guard field.entity.type == .deviceProfile || field.entity.type == .assetProfile else {
            return await messages.deliver(event(field.entity).message(now: now))
        }
        let (repository, messages, logger) = (CalculatedFieldRepository(database), messages, logger)
        Task {
            var last = UUID128.zero
            do {
                while true {
                    let members = try await repository.members(
                        of: field.entity, tenant: field.tenantID, after: last, limit: 1_000)
                    guard let end = members.last else { return }
                    for member in members { await messages.deliver(event(member).message(now: now)) }
                    last = end.uuid
                }
            } catch {
                logger.warning(
                    "a calculated field is computed with the next values only",
                    ["calculated_field.id": .string(field.id.description), "error": .string("\(error)")])
            }
        }
    }
}

extension FieldEvent {
    /// - Returns: `nil` for what changes no values.
    fileprivate init?(_ event: DeviceEvent, _ now: Int64) {
        switch event {
        case .attributesUpdated(let tenant, let entity, let scope, let values, let time):
            self.init(
                tenant: tenant, entity: entity,
                change: .attributes(scope, values.map { Value(key: $0.key, value: $0.value, time: time) }),
                messageType: KnownMessageType.attributesUpdated.name)
        case .attributesDeleted(let tenant, let entity, let scope, let keys):
            self.init(
                tenant: tenant, entity: entity, change: .attributesRemoved(scope, keys),
                messageType: KnownMessageType.attributesDeleted.name)
        case .timeseriesUpdated(let tenant, let entity, let arena, let records):
            let values = records.flatMap { record in
                record.points.map {
                    Value(key: arena.key(at: $0), value: arena.value(at: $0), time: record.timestamp)
                }
            }
            self.init(
                tenant: tenant, entity: entity, change: .timeseries(values),
                messageType: KnownMessageType.timeseriesUpdated.name)
        case .timeseriesDeleted(let tenant, let entity, let keys):
            self.init(
                tenant: tenant, entity: entity, change: .timeseriesRemoved(keys),
                messageType: KnownMessageType.timeseriesDeleted.name)
        default: return nil
        }
    }
}
