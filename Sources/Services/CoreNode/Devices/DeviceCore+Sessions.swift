internal import Cache
internal import Messages
internal import Metrics
internal import Model
internal import Queue
internal import Storage

/// Sessions and subscriptions (`cluster.md` 5.1).
extension DeviceCore {
    func open(_ info: SessionInfo, in entry: DeviceEntry) {
        if let version = credentialsVersions.value(for: entry.deviceID), info.device.credentialsVersion != 0,
            info.device.credentialsVersion < version
        {
            // The credentials changed after they were checked.
            return close(info.sessionID, at: info.nodeID, .credentialsUpdated)
        }
        guard entry.session(info.sessionID) == nil else { return }
        let isFirst = entry.sessions.isEmpty
        entry.sessions.append(
            DeviceSession(id: info.sessionID, nodeID: info.nodeID, type: info.sessionType, lastActivityTime: now))
        metrics.sessionsOpened.increment()
        var excess = entry.sessions.count { $0.type == .async } - settings.maximumSessionsPerDevice
        while excess > 0, let oldest = entry.sessions.firstIndex(where: { $0.type == .async }) {
            let session = entry.sessions.remove(at: oldest)
            close(session.id, at: session.nodeID, .maximumConcurrentSessionsReached)
            excess -= 1
        }
        if isFirst { connected(at: now, in: entry) }
        activity(at: now, in: entry)
        watch(entry)
    }

    func close(_ session: UUID128, in entry: DeviceEntry) {
        guard let index = entry.session(session) else { return }
        let wasLasting = entry.sessions.remove(at: index).type == .async
        metrics.sessionsClosed.increment()
        if wasLasting, !entry.sessions.contains(where: { $0.type == .async }) { disconnected(at: now, in: entry) }
    }

    func closeAll(_ reason: SessionCloseReason, in entry: DeviceEntry) {
        guard !entry.sessions.isEmpty else { return }
        let wasConnected = entry.sessions.contains { $0.type == .async }
        for session in entry.sessions { close(session.id, at: session.nodeID, reason) }
        entry.sessions = []
        if wasConnected, reason != .deviceDeleted { disconnected(at: now, in: entry) }
    }

    private func close(_ session: UUID128, at nodeID: String, _ reason: SessionCloseReason) {
        metrics.sessionsClosed.increment()
        notifications.send(.closeSession(session, reason), to: nodeID)
    }

    /// A session that is not known is one of before this node owned the device, or a short one.
    func subscribe(_ info: SessionInfo, in entry: DeviceEntry, _ change: (inout DeviceSession) -> Void) {
        if let index = entry.session(info.sessionID) {
            entry.sessions[index].lastActivityTime = now
            change(&entry.sessions[index])
            let session = entry.sessions[index]
            // A short session lives as long as it waits for something.
            if session.type == .sync, !session.isSubscribedToAttributes, !session.isSubscribedToRPC {
                entry.sessions.remove(at: index)
            }
        } else {
            var session = DeviceSession(
                id: info.sessionID, nodeID: info.nodeID, type: info.sessionType, lastActivityTime: now)
            change(&session)
            guard session.isSubscribedToAttributes || session.isSubscribedToRPC else { return }
            entry.sessions.append(session)
            if session.type == .async { numberCallsAnew(in: entry) }
            watch(entry)
        }
    }

    /// The report of a transport: the session lives, and these are its subscriptions.
    func report(_ info: SessionInfo, time: Int64, attributes: Bool, rpc: Bool, in entry: DeviceEntry) {
        if let index = entry.session(info.sessionID) {
            entry.sessions[index].lastActivityTime = max(entry.sessions[index].lastActivityTime, time)
            entry.sessions[index].isSubscribedToAttributes = attributes
            entry.sessions[index].isSubscribedToRPC = rpc
        } else if attributes || rpc, info.sessionType == .async {
            // Of before this node owned the device.
            subscribe(info, in: entry) { session in
                session.isSubscribedToAttributes = attributes
                session.isSubscribedToRPC = rpc
            }
            if rpc { sendPending(to: info.sessionID, in: entry) }
        }
        activity(at: time, in: entry)
    }

    /// Closes sessions that nobody has reported for too long.
    func expireSessions(of entry: DeviceEntry) {
        let limit = now - settings.sessionInactivityTimeout
        guard entry.sessions.contains(where: { $0.lastActivityTime <= limit }) else { return }
        let wasConnected = entry.sessions.contains { $0.type == .async }
        for session in entry.sessions where session.lastActivityTime <= limit {
            close(session.id, at: session.nodeID, .sessionTimeout)
        }
        entry.sessions.removeAll { $0.lastActivityTime <= limit }
        if wasConnected, !entry.sessions.contains(where: { $0.type == .async }) { disconnected(at: now, in: entry) }
    }

    /// When the calendar has to look at the sessions next.
    func sessionDeadline(of entry: DeviceEntry) -> Int64? {
        entry.sessions.map(\.lastActivityTime).min().map { $0 + settings.sessionInactivityTimeout }
    }
}
