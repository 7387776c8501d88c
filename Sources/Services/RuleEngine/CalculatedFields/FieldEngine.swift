import CalculatedFields
import Logging
import Messages
import Model
import Queue
import Reactor
import ScriptEngine
import Storage
import Telemetry

/// Computes the calculated fields of the entities that a shard owns (`rule-engine.md` 7.3, 7.4). Owned by the shard's loop.
///
/// The owner of an entity is the shard that has its partition of the queue `Main`; others send it what they hear. What an
/// event leads to is a part of its message: that is done when all of it is, and what a crash interrupts is computed anew.
final class FieldEngine {
    unowned let shard: RuleEngineShard
    private var entities: [UUID128: FieldEntity] = [:]
    private var saves: [UInt32: CheckedContinuation<Bool, Never>] = [:]
    private var lastSave = FieldEngine.firstSave
    private let decoder = TelemetryDecoder(options: .strict)
    private let reader: TelemetryReader?
    private let attributes: AttributeRepository?

    /// Tokens of saves from here on are not those of suspended messages.
    static let firstSave: UInt32 = 1 << 31
    /// Entities of which something is known at most.
    private static let maximumEntities = 100_000
    /// Messages to other owners that are under way at a time.
    private static let fanOut = 100

    init(_ shard: RuleEngineShard, database: (any TransactionRunner)?) {
        self.shard = shard
        reader = database.map(TelemetryReader.init)
        attributes = database.map { AttributeRepository($0) }
    }

    private var database: (any TransactionRunner)? { shard.context.outlets.database }
    var now: Int64 { shard.loop.wallClockMilliseconds }

    /// Whether this shard owns the entities whose messages it has.
    private var isOwner: Bool { shard.queues.only.map { $0.name == QueueRoute.main } ?? true }

    // MARK: - What is known

    /// Whether a change of the entity may concern a field; without a look into the database.
    func mayConcern(_ entity: EntityID, _ fields: TenantFields) -> Bool {
        fields.mayConcern(entity, profile: entities[entity.uuid]?.place.map { $0.profile ?? .null })
    }

    /// The entity, or entities of that profile, stand elsewhere now.
    func forget(_ entity: EntityID) {
        switch entity.type {
        case .device, .asset, .customer: entities[entity.uuid] = nil
        default: forgetAll()
        }
    }

    /// Others may have owned the entities meanwhile.
    func forgetAll() { entities.removeAll() }

    private func entity(_ id: UUID128) -> FieldEntity {
        if let known = entities[id] { return known }
        if entities.count >= Self.maximumEntities { entities = entities.filter { !$0.value.isIdle } }
        let made = FieldEntity()
        entities[id] = made
        return made
    }

    // MARK: - Events

    /// What an event leads to.
    struct Outcome {
        /// Results on their way through rule chains.
        var messages: [RuleMessage] = []
        /// Results that other fields may use.
        var events: [FieldEvent] = []
    }

    /// Computes what an event leads to; ends when all that is for others is kept by them.
    ///
    /// - Returns: Results that go through rule chains.
    func process(_ event: FieldEvent) async -> [RuleMessage] {
        guard isOwner else {
            await deliver(event)
            return []
        }
        var messages: [RuleMessage] = []
        var events = [event]
        var next = 0
        while next < events.count {
            let event = events[next]
            next += 1
            let outcome = await retrying { try await self.evaluate(event) }
            messages += outcome.messages
            events += outcome.events
            if event.source == nil { _ = await retrying { try await self.tellOthers(event) } }
        }
        return messages
    }

    /// Begins again while the database cannot be reached.
    private func retrying<R>(_ body: () async throws -> R) async -> R where R: Emptyable {
        var pause = 50
        while true {
            do {
                return try await body()
            } catch DatabaseError.closed {
                // The process stops; the message has no outcome.
                await shard.loop.sleep(.seconds(3600))
            } catch DatabaseError.connectionLost, DatabaseError.unavailable, DatabaseError.timeout,
                DatabaseError.overloaded
            {
                await shard.loop.sleep(.milliseconds(pause))
                pause = min(2_000, pause * 2)
            } catch {
                shard.logger.limited(
                    .error, "calculated fields cannot be computed", ["error": .string(String(describing: error))])
                return R()
            }
        }
    }

    // MARK: - Others

    /// Sends an event to the owner of its entity, and waits until that has it.
    private func deliver(_ event: FieldEvent) async {
        guard let queue = shard.context.outlets.queue else { return }
        while await queue.deliver(event.message(now: now), on: shard.loop) == .lost {
            await shard.loop.sleep(.milliseconds(50))
        }
    }

    /// Tells the owners of entities whose fields use the values.
    private func tellOthers(_ event: FieldEvent) async throws -> Outcome {
        guard let fields = shard.usages[event.tenant]?.fields, let database,
            let concerned = fields.byReference[event.entity.uuid]
        else { return Outcome() }
        var owners: Set<EntityID> = []
        for field in concerned where !event.previous.contains(field.id.uuid) {
            guard field.arguments.contains(where: { $0.entity == event.entity && event.concerns($0) }) else { continue }
            owners.insert(field.entity)
        }
        for owner in owners {
            guard owner.type == .deviceProfile || owner.type == .assetProfile else {
                await deliver(event.relayed(to: owner))
                continue
            }
            var last = UUID128.zero
            while true {
                let members = try await CalculatedFieldRepository(database).members(
                    of: owner, tenant: event.tenant, after: last, limit: Self.fanOut)
                guard let end = members.last else { break }
                await deliver(members.map { event.relayed(to: $0) })
                last = end.uuid
            }
        }
        return Outcome()
    }

    /// Sends many at once.
    private func deliver(_ events: [FieldEvent]) async {
        let bound = ShardReference(shard: shard)
        await withTaskGroup(of: Void.self) { group in
            for event in events {
                group.addTask(executorPreference: shard.loop) { await bound.shard.fields.deliver(event) }
            }
        }
    }

    // MARK: - One entity

    private func evaluate(_ event: FieldEvent) async throws -> Outcome {
        guard let database, let reader, let attributes else { return Outcome() }
        if case .began(let field, let version) = event.change {
            // Told of the field sooner than of the change.
            if shard.usages[event.tenant]?.fields?.versions[field] ?? 0 < version {
                try await shard.readFields(of: event.tenant)
            }
        }
        guard let fields = shard.usages[event.tenant]?.fields else { return Outcome() }
        let entity = entity(event.entity.uuid)
        await entity.enter()
        defer { entity.leave() }
        if entity.place == nil {
            entity.place = try await CalculatedFieldRepository(database).place(of: event.entity, tenant: event.tenant)
        }
        guard let place = entity.place else {
            // It is gone.
            entities[event.entity.uuid] = nil
            return Outcome()
        }
        let candidates =
            (fields.byOwner[event.entity.uuid] ?? []) + (place.profile.flatMap { fields.byOwner[$0] } ?? [])
        if entity.states.count > candidates.count {
            let ids = Set(candidates.map(\.id))
            entity.states = entity.states.filter { ids.contains($0.key) }
        }
        var outcome = Outcome()
        for field in candidates where !event.previous.contains(field.id.uuid) {
            let source = FieldArguments(
                reader: reader, attributes: attributes, states: CalculatedFieldStateRepository(database),
                limits: fields.limits, now: now)
            guard try await source.update(entity, field, with: event) else { continue }
            try await compute(field, entity, place, event, fields.limits, &outcome)
        }
        return outcome
    }

    private func compute(
        _ field: CompiledField, _ entity: FieldEntity, _ place: FieldEntityPlace, _ event: FieldEvent,
        _ limits: StoredCalculatedFields, _ outcome: inout Outcome
    ) async throws {
        guard var state = entity.states[field.id]?.state else { return }
        state.expire(now: now)
        entity.states[field.id]?.state = state
        let now = now
        do {
            let formula = try field.formula.get()
            let missing = state.missing
            guard missing.isEmpty else {
                throw FieldCalculationError("Required arguments are missing: " + missing.joined(separator: ", "))
            }
            if limits.stateBytes > 0, state.size > limits.stateBytes {
                entity.states[field.id] = nil
                throw FieldCalculationError("State size exceeds limit of \(limits.stateBytes / 1_024)Kb!")
            }
            if formula.scripts > 0 {
                guard shard.usages[event.tenant]?.features.mayRun(.tbel) ?? true else {
                    throw FieldCalculationError(ScriptError.disabled.message)
                }
                shard.usages[event.tenant]?.counts.add(Int64(formula.scripts), of: .tbel)
            }
            if case .alarm(let rules, let scripts) = formula, let database {
                let message = try await evaluate(rules, scripts, of: field, entity, place, event, database)
                shard.events.calculated(
                    field, event, state.document(now: now), result: message?.payload.text, error: nil, now: now)
                if let message { outcome.messages.append(message) }
                return
            }
            let result = FieldResult(try await formula.result(of: state, now: now))
            shard.events.calculated(field, event, state.document(now: now), result: result.text, error: nil, now: now)
            guard !result.isEmpty else { return }
            try await put(result, of: field, place, event, &outcome)
        } catch let error as FieldCalculationError {
            shard.events.calculated(
                field, event, state.document(now: now), result: nil, error: error.message, now: now)
        }
    }

    // MARK: - Results

    private func put(
        _ result: FieldResult, of field: CompiledField, _ place: FieldEntityPlace, _ event: FieldEvent,
        _ outcome: inout Outcome
    ) async throws(FieldCalculationError) {
        let previous = event.previous + [field.id.uuid]
        guard let output = field.output else { return }
        switch output.strategy {
        case .ruleChain:
            outcome.messages.append(result.message(of: field, event, place, previous, now: now))
        case .saveTimeSeries(let saving):
            var arena = PointArena()
            var records: [TelemetryRecord] = []
            do {
                try decoder.decodeTelemetry(result.bytes.span, receivedAt: now, into: &arena, records: &records)
            } catch {
                throw FieldCalculationError("\(error)")
            }
            var streams: TelemetryStreams = []
            if saving.savesHistory { streams.insert(.history) }
            if saving.savesLatest { streams.insert(.latest) }
            let origin = SaveOrigin(
                tenant: event.tenant, entityType: event.entity.type,
                audience: saving.tellsSockets ? .all : .calculatedFields,
                calculatedFields: previous)
            var values: [FieldEvent.Value] = []
            for record in records where record.pointCount > 0 {
                let isStored = await save { token in
                    shard.context.telemetry.saveTelemetry(
                        entity: event.entity.uuid, timestamp: record.timestamp, arena: arena, points: record.points,
                        streams: streams, origin: origin, token: token)
                }
                guard isStored else { throw FieldCalculationError("The database refuses the values") }
                values += arena.fieldValues(record.points, at: record.timestamp)
            }
            if saving.feedsFields, !values.isEmpty {
                outcome.events.append(event.followed(by: .timeseries(values), previous))
            }
        case .saveAttributes(let saving):
            guard case .attributes(let scope) = output.target else { return }
            var arena = PointArena()
            let points: Range<Int>
            do {
                points = try decoder.decodeAttributes(result.bytes.span, into: &arena)
            } catch {
                throw FieldCalculationError("\(error)")
            }
            let time = now
            if saving.isSaved, !points.isEmpty {
                let origin = SaveOrigin(
                    tenant: event.tenant, entityType: event.entity.type,
                    audience: saving.tellsSockets ? .all : .calculatedFields, calculatedFields: previous)
                let isStored = await save { token in
                    shard.context.telemetry.saveAttributes(
                        entity: event.entity.uuid, scope: scope, timestamp: time, arena: arena, points: points,
                        onlyChanged: saving.onlyChanged, origin: origin, token: token)
                }
                guard isStored else { throw FieldCalculationError("The database refuses the values") }
                tellDevice(scope, arena, points, event, time)
            }
            let values = arena.fieldValues(points, at: time)
            if saving.feedsFields, !values.isEmpty {
                outcome.events.append(event.followed(by: .attributes(scope, values), previous))
            }
        }
    }

    /// Shared attributes go to the device's sessions, and some server attributes concern its state.
    private func tellDevice(
        _ scope: AttributeScope, _ arena: PointArena, _ points: Range<Int>, _ event: FieldEvent, _ time: Int64
    ) {
        guard event.entity.type == .device, scope != .client else { return }
        let entries = points.map { AttributeEntry(key: arena.key(at: $0), value: arena.value(at: $0), timestamp: time) }
        let notification = DeviceNotification.attributesUpdated(
            event.tenant, DeviceID(event.entity.uuid), scope, entries)
        _ = shard.context.outlets.core?.send(.device(notification), device: notification.deviceID)
    }

    private func save(_ begin: (UInt32) -> Void) async -> Bool {
        lastSave = lastSave == .max ? Self.firstSave : lastSave + 1
        let token = lastSave
        return await withCheckedContinuation { continuation in
            saves[token] = continuation
            begin(token)
        }
    }

    func finish(_ save: SaveCompletion) {
        saves.removeValue(forKey: save.token)?.resume(returning: save.isStored)
    }
}

/// What there is instead of a result that could not be computed.
private protocol Emptyable { init() }
extension FieldEngine.Outcome: Emptyable {}

extension FieldEvent {
    /// The same for an entity whose fields use the values.
    fileprivate func relayed(to owner: EntityID) -> FieldEvent {
        var relayed = self
        relayed.source = entity
        relayed.entity = owner
        return relayed
    }

    /// What comes of a result that was saved.
    fileprivate func followed(by change: Change, _ previous: [UUID128]) -> FieldEvent {
        FieldEvent(
            tenant: tenant, entity: entity, change: change, previous: previous, messageID: messageID,
            messageType: messageType)
    }
}
