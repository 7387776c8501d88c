internal import Cache
internal import JSON
internal import Messages
internal import Model
internal import Reactor

/// The lasting sessions of devices, kept where the next owner of a device finds them (`cluster.md` 5.1). Without such a store
/// they come back with the next report of their transport.
struct SessionArchive {
    let store: any CacheStore
    /// What is to be written, by device: `nil` for no session. Newer lists replace older ones.
    var waiting: [DeviceID: [UInt8]?] = [:]
    var isWriting = false

    static let concurrentWrites = 256
}

extension DeviceCore {
    /// Plans to store the sessions of a device when they are not those that are stored.
    func archiveSessions(of entry: DeviceEntry) {
        guard archive != nil, entry.hasNewSessions, entry.record != nil else { return }
        entry.hasNewSessions = false
        let lasting = entry.sessions.filter { $0.type == .async }
        var hasher = Hasher()
        for session in lasting { session.hashLasting(into: &hasher) }
        let digest = lasting.isEmpty ? 0 : hasher.finalize()
        guard digest != entry.archivedSessions else { return }
        entry.archivedSessions = digest
        archive?.waiting.updateValue(lasting.isEmpty ? nil : DeviceSession.text(of: lasting), forKey: entry.deviceID)
    }

    /// Writes what was planned. At the end of a tick.
    func writeSessions() {
        guard archive?.isWriting == false, archive?.waiting.isEmpty == false else { return }
        archive?.isWriting = true
        let core = CoreReference(core: self)
        Task.immediate(executorPreference: loop) { await core.core.drainArchive() }
    }

    private func drainArchive() async {
        while let (store, batch) = nextArchiveBatch() {
            await withTaskGroup(of: Void.self) { group in
                for (device, text) in batch {
                    group.addTask {
                        let key = device.uuid.description
                        if let text {
                            await store.write(.sessions, key, text, version: 0)
                        } else {
                            await store.evict(.sessions, key)
                        }
                    }
                }
            }
        }
    }

    private func nextArchiveBatch() -> (any CacheStore, [(DeviceID, [UInt8]?)])? {
        guard let store = archive?.store, let waiting = archive?.waiting, !waiting.isEmpty else {
            archive?.isWriting = false
            return nil
        }
        let batch = waiting.prefix(SessionArchive.concurrentWrites).map { ($0.key, $0.value) }
        for (device, _) in batch { archive?.waiting.removeValue(forKey: device) }
        return (store, batch)
    }

    /// The stored sessions of devices that were not known here.
    func archivedSessions(of devices: [DeviceID]) async -> [DeviceID: [DeviceSession]] {
        guard let store = archive?.store else { return [:] }
        return await withTaskGroup(of: (DeviceID, [UInt8])?.self) { group in
            for device in devices {
                group.addTask {
                    guard case .value(let text) = await store.read(.sessions, device.uuid.description) else {
                        return nil
                    }
                    return (device, text)
                }
            }
            return await group.reduce(into: [:]) { found, answer in
                if let (device, text) = answer { found[device] = DeviceSession.list(text) }
            }
        }
    }

    /// Takes up sessions of before this node owned the device. Who was connected stays so: no event is sent.
    func restore(_ sessions: [DeviceSession], in entry: DeviceEntry) {
        let limit = now - settings.sessionInactivityTimeout
        for session in sessions where session.lastActivityTime > limit && entry.session(session.id) == nil {
            entry.sessions.append(session)
        }
    }
}

extension DeviceSession {
    /// Everything but the time of the last activity, which changes all the time.
    fileprivate func hashLasting(into hasher: inout Hasher) {
        hasher.combine(id)
        hasher.combine(nodeID)
        hasher.combine(isSubscribedToAttributes)
        hasher.combine(isSubscribedToRPC)
    }

    static func text(of sessions: [DeviceSession]) -> [UInt8] {
        let value = JSONValue.array(
            sessions.map { session in
                [
                    "id": .string(session.id.description), "nodeId": .string(session.nodeID),
                    "attributes": .bool(session.isSubscribedToAttributes), "rpc": .bool(session.isSubscribedToRPC),
                    "lastActivityTime": .integer(session.lastActivityTime),
                ]
            })
        return value.serialized()
    }

    /// What cannot be read is left out.
    static func list(_ text: [UInt8]) -> [DeviceSession] {
        let elements = (try? JSONValue.parse(text))?.arrayValue ?? []
        return elements.compactMap { element in
            guard let id = element["id"]?.stringValue.flatMap({ UUID128($0) }),
                let node = element["nodeId"]?.stringValue, let time = element["lastActivityTime"]?.integerValue
            else { return nil }
            return DeviceSession(
                id: id, nodeID: node, type: .async,
                isSubscribedToAttributes: element["attributes"]?.boolValue ?? false,
                isSubscribedToRPC: element["rpc"]?.boolValue ?? false, lastActivityTime: time)
        }
    }
}
