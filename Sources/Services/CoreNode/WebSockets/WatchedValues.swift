public import Model
internal import Reactor
internal import Storage
internal import Synchronization

/// Which sessions look at which entities, over all loops. Hears of committed values and hands them to those sessions. Safe
/// from any thread; listens only while anybody looks at anything.
final class WatchedValues: CommittedValuesListener {
    private struct State {
        var sessions: [UUID128: [WebSocketSession]] = [:]
        var interest: (any WatchedValuesObserver)?
    }

    private let state = Mutex(State())
    private let source: CommittedValues

    /// - Parameter source: Told of what this process commits.
    init(source: CommittedValues) { self.source = source }

    /// Tells the observer of entities that begin or end to be looked at; of all that are looked at already at once.
    func observe(_ observer: any WatchedValuesObserver) {
        let watched = state.withLock { state in
            state.interest = observer
            return Array(state.sessions.keys)
        }
        observer.watchedChanged(added: watched, removed: [])
    }

    /// Whether values may be committed by processes that do not know yet what is looked at.
    var isShared: Bool { state.withLock { $0.interest != nil } }

    /// All entities that anybody looks at.
    var entities: [UUID128] { state.withLock { Array($0.sessions.keys) } }

    func watch(_ entities: some Sequence<UUID128>, _ session: WebSocketSession) {
        let (added, observer) = state.withLock { state in
            // Inside the lock, so that nobody stops to look in between.
            if state.sessions.isEmpty { source.add(self) }
            var added: [UUID128] = []
            for entity in entities {
                var sessions = state.sessions.removeValue(forKey: entity) ?? []
                if sessions.isEmpty { added.append(entity) }
                if !sessions.contains(where: { $0 === session }) { sessions.append(session) }
                state.sessions[entity] = sessions
            }
            if state.sessions.isEmpty { source.remove(self) }
            return (added, state.interest)
        }
        if !added.isEmpty { observer?.watchedChanged(added: added, removed: []) }
    }

    func unwatch(_ entities: some Sequence<UUID128>, _ session: WebSocketSession) {
        let (removed, observer) = state.withLock { state in
            var removed: [UUID128] = []
            if state.sessions.isEmpty { return (removed, state.interest) }
            for entity in entities {
                guard var sessions = state.sessions.removeValue(forKey: entity) else { continue }
                sessions.removeAll { $0 === session }
                if sessions.isEmpty { removed.append(entity) } else { state.sessions[entity] = sessions }
            }
            if state.sessions.isEmpty { source.remove(self) }
            return (removed, state.interest)
        }
        if !removed.isEmpty { observer?.watchedChanged(added: [], removed: removed) }
    }

    // MARK: - Hearing

    func wants(_ entity: UUID128, _ origin: borrowing SaveOrigin) -> Bool {
        guard origin.audience.contains(.webSockets) else { return false }
        return state.withLock { $0.sessions[entity] != nil }
    }

    func committed(_ changes: [CommittedChange]) {
        var bySession: [ObjectIdentifier: (session: WebSocketSession, changes: [CommittedChange])] = [:]
        state.withLock { state in
            for change in changes {
                for session in state.sessions[change.entity] ?? [] {
                    bySession[ObjectIdentifier(session), default: (session, [])].changes.append(change)
                }
            }
        }
        for (session, changes) in bySession.values { session.loop.execute { session.receive(changes) } }
    }
}

/// Hears which entities somebody looks at: where other processes are to be told. Called on any thread.
public protocol WatchedValuesObserver: AnyObject, Sendable {
    func watchedChanged(added: [UUID128], removed: [UUID128])
}
