import CoreNode
import Messages
import Model
import Queue
import Synchronization

/// Tells the other processes which entities the WebSocket clients of this core node look at: every change at once, all of
/// it from time to time and to whoever asks, so that one that has started anew knows it too.
final class WatchAnnouncer: WatchedValuesObserver {
    static let interval: Duration = .seconds(15)
    /// Ids in one notification.
    private static let chunk = 10_000

    private let serviceID: String
    /// The ways to all core nodes and to all rule engines.
    private let peers: [any CoreNotificationProducer]
    private let webSockets: WebSocketService
    private let task = Mutex<Task<Void, Never>?>(nil)

    init(serviceID: String, peers: [any CoreNotificationProducer], webSockets: WebSocketService) {
        self.serviceID = serviceID
        self.peers = peers
        self.webSockets = webSockets
    }

    func start() {
        webSockets.observeWatched(self)
        let running = Task.detached { [weak self] in
            while !Task.isCancelled {
                self?.tellAll()
                try? await Task.sleep(for: Self.interval)
            }
        }
        task.withLock { $0 = running }
    }

    func stop() {
        task.withLock { $0?.cancel() }
        broadcast(WatchedEntities(serviceID: serviceID, isWhole: true))
    }

    func watchedChanged(added: [UUID128], removed: [UUID128]) {
        for part in parts(added) { broadcast(WatchedEntities(serviceID: serviceID, added: part)) }
        for part in parts(removed) { broadcast(WatchedEntities(serviceID: serviceID, removed: part)) }
    }

    /// Another process has started and wants to know.
    func answer(_ question: WatchedEntities) {
        for (index, part) in parts(webSockets.watchedEntities).enumerated() {
            let told = WatchedEntities(serviceID: serviceID, isWhole: index == 0, added: part)
            peers[0].send(.watchedEntities(told), to: question.serviceID)
        }
    }

    private func tellAll() {
        let parts = parts(webSockets.watchedEntities)
        if parts.isEmpty { return broadcast(WatchedEntities(serviceID: serviceID, isWhole: true)) }
        for (index, part) in parts.enumerated() {
            broadcast(WatchedEntities(serviceID: serviceID, isWhole: index == 0, added: part))
        }
    }

    private func broadcast(_ watched: WatchedEntities) {
        for peer in peers { peer.broadcast(.watchedEntities(watched)) }
    }

    private func parts(_ entities: [UUID128]) -> [[UUID128]] {
        stride(from: 0, to: entities.count, by: Self.chunk).map {
            Array(entities[$0..<min($0 + Self.chunk, entities.count)])
        }
    }
}
