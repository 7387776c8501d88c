import CalculatedFields
import JSON
import Messages
import Model
import ScriptEngine
import Storage
import Synchronization

/// What one process notes about its rule chains (`rule-engine.md` 5.10): shared by its shards, so that bounds are those
/// of a tenant and lives those of a chain. Safe from any thread.
///
/// Off the way of messages: a shard comes here only for nodes with debug settings, for messages that fail, and when
/// chains are read.
final class RuleEvents: Sendable {
    private struct State {
        var rates: [TenantID: DebugRateState] = [:]
        var fieldRates: [TenantID: DebugRateState] = [:]
        /// When the last error of a node or chain was noted.
        var errors: [UUID128: Int64] = [:]
        /// What is known to run, by node or chain.
        var lives: [TenantID: [UUID128: Life]] = [:]
    }

    private struct Life: Equatable {
        /// Of what it is made of.
        var fingerprint: Int
        var error: String?
    }

    /// Tenants, nodes and chains remembered at most; beyond it the memory starts anew.
    private static let maximumRemembered = 100_000

    private let recorder: any EventRecorder
    private let settings: RuleEventSettings
    private let state = Mutex(State())

    init(recorder: any EventRecorder, settings: RuleEventSettings) {
        self.recorder = recorder
        self.settings = settings
    }

    // MARK: - Messages

    /// Notes a message of a node, if the tenant may have one more.
    func record(
        _ message: RuleMessage, _ direction: NewEvent.NodeMessage.Direction, label: String, error: String? = nil,
        node: RuleNodeID, chain: RuleChainID, now: Int64
    ) {
        switch take(message.tenantID, now: now) {
        case .refused: break
        case .exhausted:
            note(message.tenantID, chain.uuid, now, .ruleChainDebug("Reached debug mode rate limit!"))
        case .allowed:
            note(
                message.tenantID, node.uuid, now,
                .ruleNodeDebug(
                    NewEvent.NodeMessage(
                        direction: direction, originator: message.originator, messageID: message.id,
                        messageType: message.type.name, label: label, data: message.payload.text,
                        metadata: JavaScriptText.metadata(message.metadata.dictionary), error: error)))
        }
    }

    /// Notes a calculation of a field, if that is debugged and the tenant may have one more.
    func calculated(
        _ field: CompiledField, _ event: FieldEvent, _ arguments: @autoclosure () -> JSONValue, result: String?,
        error: String?, now: Int64
    ) {
        guard field.debug.allUntil > now || (field.debug.failures && error != nil) else { return }
        if let rate = settings.fieldDebugRate {
            let answer = state.withLock { state in
                if state.fieldRates.count > Self.maximumRemembered { state.fieldRates.removeAll() }
                return state.fieldRates[event.tenant, default: DebugRateState(rate, now: now)].take(now: now)
            }
            guard answer == .allowed else { return }
        }
        note(
            event.tenant, field.id.uuid, now,
            .calculatedFieldDebug(
                NewEvent.Calculation(
                    field: field.id.uuid, entity: event.entity, messageID: event.messageID,
                    messageType: event.messageType, arguments: arguments().serializedString, result: result,
                    error: error)))
    }

    private func take(_ tenant: TenantID, now: Int64) -> DebugRateState.Answer {
        guard let rate = settings.debugRate else { return .allowed }
        return state.withLock { state in
            if state.rates.count > Self.maximumRemembered { state.rates.removeAll() }
            return state.rates[tenant, default: DebugRateState(rate, now: now)].take(now: now)
        }
    }

    /// Notes that a message failed for good.
    func failed(_ message: RuleMessage, _ error: String, node: RuleNodeID?, chain: RuleChainID, now: Int64) {
        let entity = node?.uuid ?? chain.uuid
        let interval = node == nil ? settings.chainErrorInterval : settings.nodeErrorInterval
        let isDue = state.withLock { state in
            if let last = state.errors[entity], now - last < interval { return false }
            if state.errors.count > Self.maximumRemembered { state.errors.removeAll() }
            state.errors[entity] = now
            return true
        }
        guard isDue else { return }
        note(message.tenantID, entity, now, .error(method: node == nil ? "onQueueToRuleEngineMsg" : "onRuleMsg", error))
    }

    func statistics(of tenant: TenantID, _ entity: UUID128, processed: Int, errors: Int, now: Int64) {
        note(tenant, entity, now, .statistics(processed: Int64(processed), errors: Int64(errors)))
    }

    private func note(_ tenant: TenantID, _ entity: UUID128, _ now: Int64, _ body: NewEvent.Body) {
        recorder.record(NewEvent(tenantID: tenant, entity: entity, time: now, body: body))
    }

    // MARK: - Lives

    /// Notes what started, changed and ended since the chains of a tenant were read last, by whichever shard.
    ///
    /// - Parameter failures: Why nodes could not start.
    func read(
        _ definitions: [RuleChainDefinition], of tenant: TenantID, failures: [RuleNodeID: String], now: Int64
    ) {
        var present: [UUID128: Life] = [:]
        for chain in definitions {
            present[chain.id.uuid] = Life(fingerprint: Self.fingerprint(chain), error: nil)
            for node in chain.nodes {
                present[node.id.uuid] = Life(fingerprint: Self.fingerprint(node), error: failures[node.id])
            }
        }
        let known = state.withLock { state in
            if state.lives.count > Self.maximumRemembered { state.lives.removeAll() }
            // Whoever edits chains begins with a full bucket.
            state.rates[tenant] = nil
            return state.lives.updateValue(present, forKey: tenant) ?? [:]
        }
        for (entity, life) in present where known[entity] != life {
            note(tenant, entity, now, .lifecycle(known[entity] == nil ? "STARTED" : "UPDATED", error: life.error))
        }
        for entity in known.keys where present[entity] == nil {
            note(tenant, entity, now, .lifecycle("STOPPED", error: nil))
        }
    }

    private static func fingerprint(_ node: RuleNodeDefinition) -> Int {
        var hasher = Hasher()
        hasher.combine(node.type)
        hasher.combine(node.configuration.serializedString)
        return hasher.finalize()
    }

    private static func fingerprint(_ chain: RuleChainDefinition) -> Int {
        var hasher = Hasher()
        hasher.combine(chain.name)
        hasher.combine(chain.isRoot)
        hasher.combine(chain.firstNodeID)
        for node in chain.nodes {
            hasher.combine(node.id)
            hasher.combine(node.name)
            hasher.combine(node.debug.allUntil)
            hasher.combine(node.debug.failures)
            hasher.combine(fingerprint(node))
        }
        for connection in chain.connections { hasher.combine(connection) }
        return hasher.finalize()
    }
}

/// Notes nothing.
struct NoEvents: EventRecorder {
    func record(_ event: NewEvent) {}
}
