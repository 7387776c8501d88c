public import Cache
public import Logging
public import Messages
public import Metrics
internal import Model
public import Queue
public import Reactor
public import Storage

/// The devices that this node owns: their sessions, subscriptions, calls and connectivity (`cluster.md` 5.1 to 5.4).
/// Owned by the loop that consumes the core queue.
///
/// A device is known here from its first message on, or because its inactivity is to be noticed; what is stored of it is
/// read first, for many devices at once, and its messages wait meanwhile. It is forgotten when there is nothing left to
/// wait for.
public final class DeviceCore {
    let loop: EventLoop
    let settings: DeviceCoreSettings
    let notifications: any TransportNotificationProducer
    let answers: any CoreNotificationProducer
    let outbox: RuleMessageOutbox
    let attributes: AttributeRepository
    let records: DeviceRecordRepository
    let rpcs: RPCRepository
    let logger: Logger
    private let makeSink: (@escaping SaveCompletionHandler) -> any TelemetrySink
    private(set) lazy var sink: any TelemetrySink = makeSink { [unowned self] saves in
        for save in saves { stateStored(save) }
    }

    var entries: [DeviceID: DeviceEntry] = [:]
    /// Devices that are to be read, and how many reads are under way.
    private var unread: [DeviceEntry] = []
    private var readsInFlight = 0
    /// Messages of devices that are to be read.
    var waitingCount = 0
    /// Versions of credentials that changed, and devices that were deleted, while sessions may still open with what was
    /// known before.
    var credentialsVersions = LRUCache<DeviceID, Int64>(capacity: 100_000)
    var deleted = LRUCache<DeviceID, Bool>(capacity: 100_000)
    var calendar: DueCalendar<DeviceEntry>
    /// What ``clockLead(of:)`` was a moment ago.
    private var clockLead: Int64
    /// What is sent once the save of that token is complete.
    var afterStoring: [UInt32: RuleMessage] = [:]
    var nextToken: UInt32 = 0
    /// Devices whose last activity is to be written.
    var unstored: [DeviceEntry] = []
    /// Attribute requests that wait for their turn.
    var questions: [(SessionInfo, AttributesRequest)] = []
    var questionsInFlight = 0
    /// Devices whose offer to be claimed is being stored, each with the questions that came behind it.
    var claiming: [DeviceID: [(SessionInfo, AttributesRequest)]] = [:]
    /// Those that read devices of which this node has become the owner.
    var restorations: [StateRestoration] = []
    /// Whether old calls are being deleted.
    var isCleaningUp = false
    let metrics: DeviceCoreMetrics
    /// `nil` where nobody else could take over.
    var archive: SessionArchive?

    /// Milliseconds of a slot of the calendar, and between two looks at it: what is due is noticed after at most two.
    static let calendarSlot: Int64 = 250
    /// While the database is away, all that comes waits.
    private static let maximumWaiting = 20_000
    private static let maximumReads = 2
    private static let readBatch = 1_000
    private static let readRetry: Duration = .milliseconds(500)

    /// Called on `loop`.
    ///
    /// - Parameters:
    ///   - sessionStore: Where the sessions of devices survive this owner of theirs.
    ///   - makeSink: The way to the storage of attributes from `loop`, with its completions.
    public init(
        loop: EventLoop, settings: DeviceCoreSettings, database: Database, queue: any RuleEngineQueue,
        notifications: any TransportNotificationProducer, answers: any CoreNotificationProducer, logger: Logger,
        metrics: MetricsRegistry, sessionStore: (any CacheStore)? = nil,
        makeSink: @escaping (@escaping SaveCompletionHandler) -> any TelemetrySink
    ) {
        self.loop = loop
        self.settings = settings
        self.notifications = notifications
        self.answers = answers
        self.logger = logger
        self.makeSink = makeSink
        archive = sessionStore.map { SessionArchive(store: $0) }
        outbox = RuleMessageOutbox(loop: loop, queue: queue, logger: logger)
        attributes = AttributeRepository(database)
        records = DeviceRecordRepository(database, readsTelemetry: settings.persistsStateToTelemetry)
        rpcs = RPCRepository(database)
        calendar = DueCalendar(slot: loop.wallClockMilliseconds / Self.calendarSlot)
        clockLead = Self.clockLead(of: loop)
        self.metrics = DeviceCoreMetrics(metrics)
        loop.addTickHook { [unowned self] in endTick() }
        let slot = Duration.milliseconds(Self.calendarSlot)
        loop.schedule(after: slot, repeating: slot) { [unowned self] in advanceTime() }
        cleanUpCalls()
    }

    var now: Int64 { loop.wallClockMilliseconds }

    // MARK: - Messages

    public func receive(_ message: CoreMessage) {
        let (tenant, device) = message.device
        if deleted.value(for: device) != nil { return refuse(message) }
        if let entry = entries[device] {
            if entry.record == nil { wait(message, for: entry) } else { apply(message, to: entry) }
        } else {
            let entry = DeviceEntry(tenantID: tenant, deviceID: device)
            guard !message.isVoidForUnknownDevice else { return noteUnknown(message) }
            wait(message, for: entry)
            entries[device] = entry
            unread.append(entry)
        }
    }

    private func wait(_ message: CoreMessage, for entry: DeviceEntry) {
        entry.waiting.append(message)
        waitingCount += 1
    }

    /// Whether so little waits for the database that more messages may come.
    var hasRoom: Bool { waitingCount + questions.count < Self.maximumWaiting }

    /// What is remembered of a device that nothing is known of yet.
    private func noteUnknown(_ message: CoreMessage) {
        guard case .device(let notification) = message else { return }
        switch notification {
        case .credentialsUpdated(_, let device, let version): credentialsVersions.insert(version, for: device)
        case .deleted(_, let device): deleted.insert(true, for: device)
        default: break
        }
    }

    func apply(_ message: CoreMessage, to entry: DeviceEntry) {
        switch message {
        case .sessionOpened(let info): open(info, in: entry)
        case .sessionClosed(let info): close(info.sessionID, in: entry)
        case .attributesRequest(let info, let request): answer(request, of: info)
        case .subscribeToAttributes(let info, let isSubscribed):
            subscribe(info, in: entry) { $0.isSubscribedToAttributes = isSubscribed }
        case .subscribeToRPC(let info, let isSubscribed):
            subscribe(info, in: entry) { $0.isSubscribedToRPC = isSubscribed }
            if isSubscribed { sendPending(to: info.sessionID, in: entry) }
        case .sendPendingRPC(let info): sendPending(to: info.sessionID, in: entry)
        case .rpcResponse(_, let response): answered(response, in: entry)
        case .rpcStatus(_, _, let rpcID, let status): moved(rpcID, to: status, in: entry)
        case .activity(let info, let time, let attributes, let rpc):
            report(info, time: time, attributes: attributes, rpc: rpc, in: entry)
        case .claim(let info, let secretKey, let duration): claim(info, secretKey: secretKey, duration: duration)
        case .device(let notification): apply(notification, to: entry)
        }
        forgetIfIdle(entry)
    }

    private func apply(_ notification: DeviceNotification, to entry: DeviceEntry) {
        switch notification {
        case .attributesUpdated(_, _, let scope, let values): attributesUpdated(scope, values, in: entry)
        case .attributesDeleted(_, _, let scope, let keys): attributesDeleted(scope, keys, in: entry)
        case .credentialsUpdated(_, let device, let version):
            credentialsVersions.insert(version, for: device)
            closeAll(.credentialsUpdated, in: entry)
        case .renamed(_, _, let name, let type):
            entry.record?.name = name
            entry.record?.type = type
        case .deleted(_, let device):
            deleted.insert(true, for: device)
            remove(entry)
        case .rpcRequest(_, _, let serviceID, let request): call(request, for: serviceID, in: entry)
        case .removeRPC(_, _, let rpcID): removeCall(rpcID, in: entry)
        case .stateAdded: watch(entry)
        case .stateUpdated: readAgain(entry)
        case .stateDeleted: break
        case .activity(_, _, let time): activity(at: time, in: entry)
        case .connect(_, _, let time): connected(at: time, in: entry)
        case .disconnect(_, _, let time): disconnected(at: time, in: entry)
        case .inactivity(_, _, let time): inactivity(at: time, in: entry)
        case .inactivityTimeout(_, _, let milliseconds): setInactivityTimeout(milliseconds, in: entry)
        }
    }

    /// Ends everything about a device that is gone.
    private func remove(_ entry: DeviceEntry) {
        closeAll(.deviceDeleted, in: entry)
        for call in entry.calls {
            call.cancelTimers()
            if !call.request.isPersisted { tell(call, .failed(.notFound)) }
        }
        entry.calls = []
        archiveSessions(of: entry)
        entries[entry.deviceID] = nil
    }

    /// Answers what is asked about a device that does not exist.
    private func refuse(_ message: CoreMessage) {
        switch message {
        case .sessionOpened(let info), .subscribeToAttributes(let info, true), .subscribeToRPC(let info, true),
            .activity(let info, _, _, _):
            notifications.send(.closeSession(info.sessionID, .deviceDeleted), to: info.nodeID)
        case .attributesRequest(let info, let request):
            let response = AttributesResponse(requestID: request.requestID, error: "Device is not found")
            notifications.send(.attributesResponse(info.sessionID, response), to: info.nodeID)
        case .device(.rpcRequest(_, _, let serviceID, let request)):
            answers.send(.rpcResponse(rpcID: request.rpcID, response: nil, error: .notFound), to: serviceID)
        default: break
        }
    }

    /// Forgets a device that nothing is to be waited for.
    func forgetIfIdle(_ entry: DeviceEntry) {
        archiveSessions(of: entry)
        guard entry.sessions.isEmpty, entry.calls.isEmpty, !entry.isWaitingToStore, entry.calendarSlot == nil,
            entry.record != nil
        else { return }
        entries[entry.deviceID] = nil
    }

    // MARK: - Reading devices

    private func endTick() {
        metrics.publish(devices: entries.count)
        writeSessions()
        while !unread.isEmpty, readsInFlight < Self.maximumReads {
            let batch = Array(unread.prefix(Self.readBatch))
            unread.removeFirst(batch.count)
            read(batch)
        }
    }

    private func read(_ batch: [DeviceEntry]) {
        readsInFlight += 1
        let core = CoreReference(core: self)
        let devices = batch.map { (tenant: $0.tenantID, device: $0.deviceID) }
        Task.immediate(executorPreference: loop) { await core.core.read(devices) }
    }

    private func read(_ devices: [(tenant: TenantID, device: DeviceID)]) async {
        while true {
            do {
                let found = try await records.find(devices.map(\.device.uuid))
                let calls = try await rpcs.open(devices: devices)
                let sessions = await archivedSessions(of: devices.map(\.device))
                return install(found, calls, sessions, asked: devices.map(\.device))
            } catch DatabaseError.closed {
                return
            } catch {
                logger.limited(
                    .error, "devices cannot be read at the moment; their messages wait",
                    ["error": .string(String(describing: error))])
            }
            await loop.sleep(Self.readRetry)
        }
    }

    private func install(
        _ records: [DeviceRecord], _ calls: [PersistentRPC], _ sessions: [DeviceID: [DeviceSession]], asked: [DeviceID]
    ) {
        readsInFlight -= 1
        for record in records {
            guard let entry = entries[record.deviceID], entry.record == nil, entry.tenantID == record.tenantID else {
                continue
            }
            restore(sessions[record.deviceID] ?? [], of: record, in: entry)
            install(record, in: entry)
        }
        restore(calls)
        for device in asked {
            guard let entry = entries[device] else { continue }
            let messages = entry.waiting
            entry.waiting = []
            waitingCount -= messages.count
            guard entry.record != nil else {
                // There is no such device, or not in that tenant.
                entries[device] = nil
                for message in messages { refuse(message) }
                continue
            }
            // Calls of before, to sessions that were restored with them.
            sendNew(in: entry)
            for message in messages where entries[device] === entry { apply(message, to: entry) }
            forgetIfIdle(entry)
        }
    }

    func install(_ record: DeviceRecord, in entry: DeviceEntry) {
        entry.record = record
        entry.storedActivityTime = record.connectivity.lastActivityTime
        watch(entry)
    }

    /// Reads a device once more, because its description or profile changed; its state here is newer and stays.
    private func readAgain(_ entry: DeviceEntry) {
        let core = CoreReference(core: self)
        let (records, device) = (records, entry.deviceID)
        Task.immediate(executorPreference: loop) {
            guard let fresh = try? await records.find([device.uuid]).first else { return }
            guard let entry = core.core.entries[device], let known = entry.record else { return }
            var record = fresh
            record.connectivity = known.connectivity
            entry.record = record
        }
    }

    // MARK: - Time

    /// By how much the wall clock is ahead of the monotonic one.
    private static func clockLead(of loop: EventLoop) -> Int64 {
        loop.wallClockMilliseconds - Int64(loop.now.nanoseconds / 1_000_000)
    }

    /// When somebody sets the clock, sessions keep the time that has really passed since they were heard of, and the
    /// calendar begins anew.
    private func followClock() {
        let lead = Self.clockLead(of: loop)
        let jump = lead - clockLead
        clockLead = lead
        guard abs(jump) > 5_000 else { return }
        logger.warning("the clock was set", ["by.ms": .integer(Int(jump))])
        calendar = DueCalendar(slot: now / Self.calendarSlot)
        for entry in entries.values {
            for index in entry.sessions.indices { entry.sessions[index].lastActivityTime += jump }
            entry.calendarSlot = nil
            watch(entry)
        }
    }

    private func advanceTime() {
        followClock()
        for (slot, entry) in calendar.take(until: now / Self.calendarSlot) {
            guard entry.calendarSlot == slot, entries[entry.deviceID] === entry else { continue }
            entry.calendarSlot = nil
            expireSessions(of: entry)
            checkInactivity(of: entry)
            watch(entry)
            forgetIfIdle(entry)
        }
        storeActivity(force: false)
    }

    /// Writes what is only remembered. To be called before the writers stop.
    public func flush() {
        storeActivity(force: true)
    }

    /// Messages that the rule engine is still to be sent, or has not done yet.
    var unfinishedMessages: Int { outbox.count + afterStoring.count }
}

/// Carries the core into a task that runs on the core's own loop.
struct CoreReference: @unchecked Sendable {
    // @unchecked: dereferenced only by tasks whose executor is the core's loop.
    let core: DeviceCore
}

extension CoreMessage {
    /// Whose device it is about.
    var device: (TenantID, DeviceID) {
        switch self {
        case .sessionOpened(let info), .sessionClosed(let info), .attributesRequest(let info, _),
            .subscribeToAttributes(let info, _), .subscribeToRPC(let info, _), .rpcResponse(let info, _),
            .rpcStatus(let info, _, _, _), .sendPendingRPC(let info), .activity(let info, _, _, _),
            .claim(let info, _, _):
            (info.device.tenantID, info.device.deviceID)
        case .device(let notification): (notification.tenantID, notification.deviceID)
        }
    }

    /// Whether it means nothing for a device that nothing is known of: nobody is subscribed, connected or waiting.
    var isVoidForUnknownDevice: Bool {
        switch self {
        case .sessionOpened, .attributesRequest, .activity, .claim: return false
        case .subscribeToAttributes(_, let isSubscribed), .subscribeToRPC(_, let isSubscribed): return !isSubscribed
        // Even nothing known may mean a session of before a restart.
        case .sessionClosed, .rpcResponse, .rpcStatus, .sendPendingRPC: return false
        case .device(let notification):
            switch notification {
            case .credentialsUpdated, .deleted, .renamed, .removeRPC, .stateUpdated, .stateDeleted: return true
            case .attributesUpdated(_, _, let scope, let values):
                return scope != .server || !values.contains { $0.key == DeviceCore.inactivityTimeoutKey }
            case .attributesDeleted(_, _, let scope, let keys):
                return scope != .server || !keys.contains(DeviceCore.inactivityTimeoutKey)
            case .rpcRequest, .stateAdded, .activity, .connect, .disconnect, .inactivity, .inactivityTimeout:
                return false
            }
        }
    }
}
