internal import Cache
internal import JSON
internal import Messages
internal import Model
internal import Reactor
internal import Storage

/// The lasting sessions of devices, kept where the next owner of a device finds them (`cluster.md` 5.1). Without such a store
/// they come back with the next report of their transport.
struct SessionArchive {
    let store: any CacheStore
    /// What is to be written, by device: `nil` for no session. Newer lists replace older ones.
    var waiting: [DeviceID: [UInt8]?] = [:]
    var isWriting = false

    static let concurrentWrites = 256
    static let concurrentReads = 256
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

    /// Returns when what was planned is written; at most after two seconds.
    func storeSessions() async {
        writeSessions()
        var rounds = 0
        while archive?.isWriting == true, rounds < 500 {
            await loop.sleep(.milliseconds(4))
            rounds += 1
        }
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
        var found: [DeviceID: [DeviceSession]] = [:]
        var rest = devices[...]
        while !rest.isEmpty {
            let batch = rest.prefix(SessionArchive.concurrentReads)
            rest = rest.dropFirst(batch.count)
            let answers = await withTaskGroup(
                of: (DeviceID, [UInt8])?.self, returning: [(DeviceID, [UInt8])?].self
            ) { group in
                for device in batch {
                    group.addTask {
                        guard case .value(let text) = await store.read(.sessions, device.uuid.description) else {
                            return nil
                        }
                        return (device, text)
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            for case let (device, text)? in answers { found[device] = DeviceSession.list(text) }
        }
        return found
    }

    /// Takes up sessions of before this node owned the device. Who was connected stays so: no event is sent.
    func restore(_ sessions: [DeviceSession], of record: DeviceRecord, in entry: DeviceEntry) {
        let alive = DeviceSession.alive(
            sessions, lastActivity: record.connectivity.lastActivityTime, after: now - settings.sessionInactivityTimeout
        )
        for session in alive where entry.session(session.id) == nil {
            entry.sessions.append(session)
            numberCallsAnew(in: entry)
        }
    }

    /// The device may answer calls of its former owner yet, which counted from 0: what it says to those must be no answer to
    /// calls of this one.
    func numberCallsAnew(in entry: DeviceEntry) {
        entry.beginElsewhere()
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

    /// Stored sessions that are not over. What is stored of a session has the time of its last change; the device's own is newer.
    static func alive(_ sessions: [DeviceSession], lastActivity: Int64, after limit: Int64) -> [DeviceSession] {
        sessions.compactMap { stored in
            var session = stored
            session.lastActivityTime = max(stored.lastActivityTime, lastActivity)
            return session.lastActivityTime > limit ? session : nil
        }
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
