internal import Cache
internal import JSON
internal import Logging
internal import Messages
internal import Model
internal import Reactor
internal import Storage
internal import Telemetry

/// Whether and since when devices are connected and active (`rule-engine.md` 9).
extension DeviceCore {
    // MARK: - Transitions (9.3)

    func connected(at time: Int64, in entry: DeviceEntry) {
        guard var state = entry.record?.connectivity, Self.isTime(time), time > state.lastConnectTime else { return }
        state.lastConnectTime = time
        save([("lastConnectTime", .long(time))], state, in: entry, then: .connectEvent)
    }

    func disconnected(at time: Int64, in entry: DeviceEntry) {
        guard var state = entry.record?.connectivity, Self.isTime(time), time > state.lastDisconnectTime else {
            return
        }
        state.lastDisconnectTime = time
        save([("lastDisconnectTime", .long(time))], state, in: entry, then: .disconnectEvent)
    }

    func activity(at time: Int64, in entry: DeviceEntry) {
        guard var state = entry.record?.connectivity, Self.isTime(time), time > state.lastActivityTime else { return }
        state.lastActivityTime = time
        guard !state.isActive else {
            entry.record?.connectivity = state
            storeActivityLater(of: entry)
            return
        }
        state.isActive = true
        var values: [(String, TelemetryValue)] = [("lastActivityTime", .long(time)), ("active", .boolean(true))]
        if state.inactivityAlarmTime != 0, time <= state.inactivityAlarmTime {
            state.inactivityAlarmTime = 0
            values.append(("inactivityAlarmTime", .long(0)))
        }
        entry.storedActivityTime = time
        save(values, state, in: entry, then: .activityEvent)
        watch(entry)
    }

    func inactivity(at time: Int64, in entry: DeviceEntry) {
        guard var state = entry.record?.connectivity, Self.isTime(time), time > state.inactivityAlarmTime,
            time > state.lastActivityTime
        else { return }
        state.inactivityAlarmTime = time
        state.isActive = false
        save(
            [
                ("inactivityAlarmTime", .long(time)), ("active", .boolean(false)),
                ("lastActivityTime", .long(state.lastActivityTime)),
            ].filter { $0.0 != "lastActivityTime" || entry.storedActivityTime != state.lastActivityTime },
            state, in: entry, then: .inactivityEvent)
        entry.storedActivityTime = state.lastActivityTime
    }

    /// What rule nodes tell is the time of a message, which may be any number.
    private static func isTime(_ number: Int64) -> Bool { DeviceConnectivity.times.contains(number) }

    /// - Parameter number: 0 or less stands for the default.
    func setInactivityTimeout(_ number: Int64, in entry: DeviceEntry) {
        let milliseconds = DeviceConnectivity.time(number)
        guard var state = entry.record?.connectivity else { return }
        state.inactivityTimeout = milliseconds > 0 ? milliseconds : nil
        entry.record?.connectivity = state
        let timeout = milliseconds > 0 ? milliseconds : settings.inactivityTimeout
        if !state.isActive, state.lastActivityTime > 0, state.lastActivityTime + timeout > now {
            state.isActive = true
            var values: [(String, TelemetryValue)] = [("active", .boolean(true))]
            if state.inactivityAlarmTime != 0 {
                state.inactivityAlarmTime = 0
                values.append(("inactivityAlarmTime", .long(0)))
            }
            save(values, state, in: entry, then: .activityEvent)
        }
        checkInactivity(of: entry)
        watch(entry)
    }

    // MARK: - Noticing inactivity

    /// When the device counts as inactive if nothing comes; `nil` when that was told already.
    func inactivityDeadline(of entry: DeviceEntry) -> Int64? {
        guard let record = entry.record else { return nil }
        let state = record.connectivity
        guard state.inactivityAlarmTime == 0 || state.inactivityAlarmTime <= state.lastActivityTime else { return nil }
        let timeout = state.inactivityTimeout.flatMap { $0 > 0 ? $0 : nil } ?? settings.inactivityTimeout
        return max(state.lastActivityTime, record.createdTime) + timeout
    }

    func checkInactivity(of entry: DeviceEntry) {
        guard let deadline = inactivityDeadline(of: entry), deadline <= now else { return }
        inactivity(at: now, in: entry)
    }

    /// Puts the device into the calendar, unless it is there already early enough.
    func watch(_ entry: DeviceEntry) {
        guard let due = [inactivityDeadline(of: entry), sessionDeadline(of: entry)].compactMap(\.self).min() else {
            return
        }
        // The slot that has begun when the time has passed.
        let slot = (due + Self.calendarSlot - 1) / Self.calendarSlot
        if let planned = entry.calendarSlot, planned <= slot { return }
        entry.calendarSlot = calendar.insert(entry, slot: slot)
    }

    // MARK: - Storing

    /// Stores values of the state, then tells the rule engine: attribute first, message afterwards.
    private func save(
        _ values: [(String, TelemetryValue)], _ state: DeviceConnectivity, in entry: DeviceEntry,
        then type: KnownMessageType
    ) {
        guard var record = entry.record else { return }
        record.connectivity = state
        entry.record = record
        nextToken &+= 1
        afterStoring[nextToken] = record.event(
            type, at: now, defaultTimeout: settings.inactivityTimeout, isTelemetry: settings.persistsStateToTelemetry)
        write(values, of: entry, token: nextToken)
    }

    private func write(_ values: [(String, TelemetryValue)], of entry: DeviceEntry, token: UInt32) {
        var arena = PointArena()
        for (key, value) in values { arena.append(key: key, value: value) }
        let origin = SaveOrigin(tenant: entry.tenantID, entityType: .device)
        guard !settings.persistsStateToTelemetry else {
            return sink.saveTelemetry(
                entity: entry.deviceID.uuid, timestamp: now, arena: arena, points: 0..<arena.count, streams: .all,
                origin: origin, token: token)
        }
        sink.saveAttributes(
            entity: entry.deviceID.uuid, scope: .server, timestamp: now, arena: arena, points: 0..<arena.count,
            onlyChanged: false, origin: origin, token: token)
    }

    /// A row each of several saves may complete with one token; the first that does sends the message.
    func stateStored(_ save: SaveCompletion) {
        guard let message = afterStoring.removeValue(forKey: save.token) else { return }
        outbox.send(message)
    }

    private func storeActivityLater(of entry: DeviceEntry) {
        guard !entry.isWaitingToStore else { return }
        entry.isWaitingToStore = true
        unstored.append(entry)
    }

    /// Writes the last activity of devices whose stored one is too old.
    func storeActivity(force: Bool) {
        guard !unstored.isEmpty else { return }
        var kept: [DeviceEntry] = []
        for entry in unstored {
            guard let time = entry.record?.connectivity.lastActivityTime, time > entry.storedActivityTime else {
                entry.isWaitingToStore = false
                continue
            }
            guard force || now - entry.storedActivityTime >= settings.stateWriteInterval else {
                kept.append(entry)
                continue
            }
            entry.isWaitingToStore = false
            entry.storedActivityTime = time
            write([("lastActivityTime", .long(time))], of: entry, token: 0)
        }
        unstored = kept
    }

    // MARK: - Start

    /// Takes up the devices whose inactivity is still to be noticed. To be called when this node has become the owner of
    /// devices.
    ///
    /// - Parameter isOwned: Whether a device belongs to this node.
    func restoreStates(where isOwned: @escaping @Sendable (DeviceID) -> Bool) async {
        let restoration = StateRestoration(where: isOwned)
        restorations.append(restoration)
        defer { restorations.removeAll { $0 === restoration } }
        var last = UUID128.zero
        while true {
            do {
                let page = try await records.page(after: last, limit: min(settings.fetchPackSize, 10_000))
                guard let end = page.last else { return }
                let owned = page.filter { restoration.isOwned($0.deviceID) && entries[$0.deviceID] == nil }
                let sessions = await archivedSessions(of: owned.filter(\.connectivity.isConnected).map(\.deviceID))
                let calls = try await rpcs.open(devices: owned.map { (tenant: $0.tenantID, device: $0.deviceID) })
                let waiting = Dictionary(grouping: calls, by: \.deviceID)
                // Some may have been given up in the meantime.
                for record in owned where restoration.isOwned(record.deviceID) {
                    adopt(record, sessions[record.deviceID] ?? [], waiting[record.deviceID] ?? [])
                }
                last = end.deviceID.uuid
            } catch DatabaseError.closed {
                return
            } catch {
                logger.limited(
                    .error, "the states of devices cannot be read at the moment",
                    ["error": .string(String(describing: error))])
                await loop.sleep(.milliseconds(500))
            }
        }
    }

    /// A device that a message brought here before is up to date already.
    private func adopt(_ record: DeviceRecord, _ sessions: [DeviceSession], _ calls: [PersistentRPC]) {
        guard entries[record.deviceID] == nil, deleted.value(for: record.deviceID) == nil else { return }
        let entry = DeviceEntry(tenantID: record.tenantID, deviceID: record.deviceID)
        restore(sessions, of: record, in: entry)
        install(record, in: entry)
        entries[record.deviceID] = entry
        restore(calls)
        // What its former owner had accepted and not sent, to sessions that have outlived it.
        sendNew(in: entry)
        forgetIfIdle(entry)
    }

    /// Forgets devices that belong to another node now.
    func release(where isOwned: @escaping (DeviceID) -> Bool) {
        for restoration in restorations { restoration.narrow(to: isOwned) }
        storeActivity(force: true)
        for (device, entry) in entries where !isOwned(device) {
            for call in entry.calls {
                call.cancelTimers()
                call.isAbandoned = true
            }
            waitingCount -= entry.waiting.count
            entries[device] = nil
            // The new owner knows better.
            archive?.waiting.removeValue(forKey: device)
        }
    }
}

extension DeviceConnectivity {
    /// Whether a lasting session was open, as far as is stored.
    fileprivate var isConnected: Bool { lastConnectTime > lastDisconnectTime }
}

extension DeviceRecord {
    /// The message of a change of state (`rule-engine.md` 1.8).
    func event(
        _ type: KnownMessageType, at time: Int64, defaultTimeout: Int64, isTelemetry: Bool
    ) -> RuleMessage {
        var metadata = ["deviceName": name, "deviceType": self.type, "deviceLabel": label ?? ""]
        if !isTelemetry { metadata["scope"] = AttributeScope.server.name }
        var writer = JSONWriter()
        let state = connectivity
        writer.object { writer in
            if type != .connectEvent { writer.member("active", state.isActive) }
            writer.member("lastConnectTime", state.lastConnectTime)
            writer.member("lastActivityTime", state.lastActivityTime)
            writer.member("lastDisconnectTime", state.lastDisconnectTime)
            writer.member("lastInactivityAlarmTime", state.inactivityAlarmTime)
            writer.member("inactivityTimeout", state.inactivityTimeout ?? defaultTimeout)
        }
        return RuleMessage(
            id: .random(), timestamp: time, type: .known(type), originator: deviceID.entityID, tenantID: tenantID,
            customerID: customerID.isNull ? nil : customerID,
            metadata: MessageMetadata(metadata), payload: .text(String(decoding: writer.bytes, as: UTF8.self)),
            ruleChainID: ruleChainID, queueName: queueName)
    }
}
