import Logging
import Messages
import Model
import Queue
import Storage
import Synchronization

/// What the WebSocket clients of other core nodes look at: sends them what this process commits of it. Safe from any
/// thread; listens only while somebody looks at anything.
final class RemoteWatches: CommittedValuesListener {
    fileprivate struct State {
        var entities: [String: Set<UUID128>] = [:]
        var heard: [String: ContinuousClock.Instant] = [:]
        /// Who looks at an entity.
        var watchers: [UUID128: [String]] = [:]
    }

    /// A core node that says nothing for so long is gone: those that live say it all every ``WatchAnnouncer/interval``.
    private static let patience: Duration = .seconds(60)

    private let serviceID: String
    private let nodes: any CoreNotificationProducer
    private let source: CommittedValues
    private let state = Mutex(State())

    init(serviceID: String, nodes: any CoreNotificationProducer, source: CommittedValues) {
        self.serviceID = serviceID
        self.nodes = nodes
        self.source = source
    }

    func receive(_ watched: WatchedEntities) {
        // The clients of this node hear without a way through others.
        guard watched.serviceID != serviceID else { return }
        let now = ContinuousClock.now
        state.withLock { state in
            let wasEmpty = state.watchers.isEmpty
            for (service, time) in state.heard where now - time > Self.patience { state.forget(service) }
            if watched.isWhole { state.forget(watched.serviceID) }
            state.heard[watched.serviceID] = now
            state.add(watched.added, of: watched.serviceID)
            state.remove(watched.removed, of: watched.serviceID)
            if wasEmpty, !state.watchers.isEmpty { source.add(self) }
            if !wasEmpty, state.watchers.isEmpty { source.remove(self) }
        }
    }

    func wants(_ entity: UUID128, _ origin: borrowing SaveOrigin) -> Bool {
        guard origin.audience.contains(.webSockets) else { return false }
        return state.withLock { $0.watchers[entity] != nil }
    }

    func committed(_ changes: [CommittedChange]) {
        var byNode: [String: [WatchedChange]] = [:]
        state.withLock { state in
            for change in changes {
                for node in state.watchers[change.entity] ?? [] { byNode[node, default: []].append(change.told) }
            }
        }
        // A notification stays far below what a record may hold.
        for (node, changes) in byNode {
            for start in stride(from: 0, to: changes.count, by: 200) {
                nodes.send(.watchedValues(Array(changes[start..<min(start + 200, changes.count)])), to: node)
            }
        }
    }
}

extension RemoteWatches.State {
    fileprivate mutating func forget(_ service: String) {
        remove(Array(entities[service] ?? []), of: service)
        entities[service] = nil
        heard[service] = nil
    }

    fileprivate mutating func add(_ added: [UUID128], of service: String) {
        for entity in added where entities[service, default: []].insert(entity).inserted {
            watchers[entity, default: []].append(service)
        }
    }

    fileprivate mutating func remove(_ removed: [UUID128], of service: String) {
        for entity in removed where entities[service]?.remove(entity) != nil {
            watchers[entity]?.removeAll { $0 == service }
            if watchers[entity]?.isEmpty ?? false { watchers[entity] = nil }
        }
    }
}
