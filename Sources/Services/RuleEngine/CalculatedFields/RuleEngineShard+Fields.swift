import CalculatedFields
import Messages
import Model
import Queue
import Reactor
import Storage
import Telemetry

/// Calculated fields beside the chains. A tenant without fields costs a comparison a save.
extension RuleEngineShard {
    // MARK: - Messages that save

    /// Computes the fields that a save concerns before its message goes on. What it leads to belongs to the message: that is
    /// done when all of it is.
    func feed(_ event: FieldEvent, _ entry: SuspendedMessages.Entry) {
        var entry = entry
        entry.fieldEvent = nil
        entry.remaining = 1
        if usages[event.tenant]?.fields?.byReference[event.entity.uuid] != nil {
            // Others of the same originator and queue may have their turn meanwhile: one of them may be what the owners of
            // other entities wait for.
            entry.duty = released(entry.duty)
            if context.outlets.queue?.keepsMessages == false, let attempt = entry.duty.attempt {
                attempt.queue.handOver(attempt)
                queues.hasEnded(attempt.queue)
            }
        }
        let slot = suspended.insert(entry)
        let bound = ShardReference(shard: self)
        Task(executorPreference: loop) {
            let results = await bound.shard.fields.process(event)
            bound.shard.fed(slot, results)
        }
    }

    private func fed(_ slot: UInt32, _ results: [RuleMessage]) {
        guard let entry = suspended.complete(slot, refused: false) else { return }
        var duty = entry.duty
        var shared = MessageDuty.none
        if !results.isEmpty {
            // Copies of the message, in its place.
            let (place, before) = duty.placed
            shared = .copy(FanOut(copies: results.count + 1, of: before))
            if let place { shared.outermostCopies?.place = place }
            duty = place.map { copied(shared, at: $0, entry.chain.ahead(waitingAt: entry.node)) } ?? shared
            _ = released(entry.duty)
        }
        if let (message, chain, node) = route(.next(entry.message, .success), duty, entry.chain, entry.node) {
            run(message, duty, chain, node)
        }
        begin(results, shared)
        runSteps()
        queues.settle()
    }

    private func begin(_ results: [RuleMessage], _ duty: MessageDuty) {
        for result in results {
            guard case .ready(let chains) = tenants[result.tenantID] else {
                finish(duty, .lost, nil)
                continue
            }
            start(result, duty, in: chains)
        }
    }

    // MARK: - Events from elsewhere

    /// Takes an event that somebody else sent to the owner of the entity.
    func receiveEvent(_ message: RuleMessage, _ duty: MessageDuty, _ usage: TenantUsage) {
        guard let event = FieldEvent(message), usage.features.ruleEngine != .disabled else {
            return finish(duty, .acknowledged, usage)
        }
        let number = fieldDuties.insert(duty)
        let bound = ShardReference(shard: self)
        Task(executorPreference: loop) {
            let results = await bound.shard.fields.process(event)
            bound.shard.finishEvent(number, of: event.tenant, results)
        }
    }

    func finishEvent(_ number: Int, of tenant: TenantID, _ results: [RuleMessage]) {
        let own = fieldDuties.remove(number)
        let duty: MessageDuty = results.isEmpty ? own : .copy(FanOut(copies: results.count + 1, of: own))
        begin(results, duty)
        finish(duty, .acknowledged, usages[tenant])
        runSteps()
        queues.settle()
    }

    // MARK: - The fields there are

    /// Reads the fields of a tenant anew, if its chains were read; before that nothing is computed.
    func reloadFields(of tenant: TenantID) {
        guard tenants[tenant] != nil else { return }
        let bound = ShardReference(shard: self)
        Task(executorPreference: loop) {
            var pause = 50
            while true {
                do {
                    return try await bound.shard.readFields(of: tenant)
                } catch DatabaseError.closed {
                    return
                } catch {
                    await bound.shard.loop.sleep(.milliseconds(pause))
                    pause = min(2_000, pause * 2)
                }
            }
        }
    }

    /// Reads the fields of a tenant; what it gives is dropped when a later reading was faster.
    func readFields(of tenant: TenantID) async throws {
        fieldLoads[tenant, default: 0] &+= 1
        let number = fieldLoads[tenant]!
        let read = try await TenantFields(
            chains.calculatedFields(of: tenant), before: usages[tenant]?.fields, scripts)
        install(read, of: tenant, load: number)
    }

    func install(_ read: TenantFields, of tenant: TenantID, load number: UInt32) {
        guard number > fieldInstalls[tenant] ?? 0, let usage = usages[tenant] else { return }
        fieldInstalls[tenant] = number
        usage.fields = read.isEmpty ? nil : read
    }
}

/// Duties of events that are being computed, by number.
struct FieldDuties {
    private var duties: [MessageDuty?] = []
    private var free: [Int] = []

    mutating func insert(_ duty: MessageDuty) -> Int {
        if let number = free.popLast() {
            duties[number] = duty
            return number
        }
        duties.append(duty)
        return duties.count - 1
    }

    mutating func remove(_ number: Int) -> MessageDuty {
        guard let duty = duties[number].take() else { preconditionFailure("event \(number) has no duty") }
        free.append(number)
        return duty
    }
}

extension RuleNodeContext {
    /// Computes the fields that values concern once the saves of a suspended message are stored.
    func feed(_ values: @autoclosure () -> FieldEvent.Change, of message: RuleMessage, after suspension: Suspension) {
        guard let event = event(values(), of: message) else { return }
        shard.suspended.feed(event, slot: suspension.slot)
    }

    /// What fields of the originator may be computed of; `nil` when none is concerned.
    private func event(_ change: @autoclosure () -> FieldEvent.Change, of message: RuleMessage) -> FieldEvent? {
        guard let fields = shard.currentUsage?.fields, shard.fields.mayConcern(message.originator, fields) else {
            return nil
        }
        let event = FieldEvent(
            tenant: message.tenantID, entity: message.originator, change: change(), previous: message.calculatedFields,
            messageID: message.id, messageType: message.type.name)
        return event.names.contains(where: fields.keys.contains) ? event : nil
    }

    /// Computes the fields that values concern, which are not saved; then the message goes on along `Success`.
    func feed(_ values: @autoclosure () -> FieldEvent.Change, of message: RuleMessage) -> NodeOutcome {
        guard let event = event(values(), of: message) else { return .next(message, .success) }
        let suspension = suspend(message)
        guard let entry = shard.suspended.complete(suspension.slot, refused: false) else { return .suspended }
        shard.feed(event, entry)
        return .suspended
    }
}

extension FieldEvent {
    fileprivate var names: [String] {
        switch change {
        case .timeseries(let values), .attributes(_, let values): values.map(\.key)
        case .timeseriesRemoved(let keys), .attributesRemoved(_, let keys): keys
        case .began, .ticked: []
        }
    }
}
