internal import Messages
internal import Model
internal import Reactor
internal import Storage

/// A session as the owner of its device knows it.
struct DeviceSession {
    let id: UUID128
    let nodeID: String
    let type: SessionType
    var isSubscribedToAttributes = false
    var isSubscribedToRPC = false
    /// Milliseconds since 1970.
    var lastActivityTime: Int64
}

/// A call that has no outcome yet.
final class PendingCall {
    let request: ToDeviceRPCRequest
    /// Who is told the outcome; a persistent call was answered when it was stored.
    let serviceID: String
    /// Of a persistent call: whether it is in the database. It is not sent before.
    var isStored: Bool
    /// Handed to a session, and not to be sent again before somebody subscribes.
    var isSent = false {
        didSet { if isSent { wasSent = true } }
    }
    /// The device may have it, so that its answer counts.
    var wasSent = false
    var isDelivered = false
    var retries: Int32 = 0
    var expiry: LoopTimer?
    /// Of the sequential strategy that waits for answers.
    var responseDeadline: LoopTimer?
    /// Changes of a persistent call that are still to be stored, in order.
    var changes: [(status: RPCStatus, response: RawJSON?)] = []
    var isStoring = false
    /// The device belongs to another node, which goes on from what is stored.
    var isAbandoned = false

    init(_ request: ToDeviceRPCRequest, serviceID: String, isStored: Bool) {
        self.request = request
        self.serviceID = serviceID
        self.isStored = isStored
    }

    func cancelTimers() {
        expiry?.cancel()
        responseDeadline?.cancel()
    }
}

/// Everything that the owner of a device holds of it. Owned by the loop of ``DeviceCore``.
final class DeviceEntry {
    let tenantID: TenantID
    let deviceID: DeviceID
    /// `nil` while it is being read; messages wait in ``waiting`` then.
    var record: DeviceRecord?
    var waiting: [CoreMessage] = []
    /// Oldest first.
    var sessions: [DeviceSession] = [] {
        didSet { hasNewSessions = true }
    }
    /// Whether ``sessions`` may differ from what is stored of them, and a digest of that; 0 for none.
    var hasNewSessions = false
    var archivedSessions = 0
    /// In the order of their numbers.
    var calls: [PendingCall] = []
    /// Calls that are stored keep their numbers over a restart, and no other gets one of them.
    private var lastRequestID: Int32 = -1
    /// The slot in which the calendar looks at the device next; `nil` when it does not.
    var calendarSlot: Int64?
    /// The last activity that is stored.
    var storedActivityTime: Int64 = 0
    var isWaitingToStore = false

    init(tenantID: TenantID, deviceID: DeviceID) {
        self.tenantID = tenantID
        self.deviceID = deviceID
    }

    func session(_ id: UUID128) -> Int? { sessions.firstIndex { $0.id == id } }

    func call(numbered number: Int32) -> PendingCall? { calls.first { $0.request.requestID == number } }

    /// A number for a new call.
    func takeRequestID() -> Int32 {
        repeat { lastRequestID &+= 1 } while call(numbered: lastRequestID) != nil
        return lastRequestID
    }

    /// Goes on with numbers that a former owner has hardly given.
    func beginElsewhere() {
        guard lastRequestID < Self.firstElsewhere else { return }
        lastRequestID = .random(in: Self.firstElsewhere...1 << 30)
    }
    /// Few owners give that many.
    private static let firstElsewhere: Int32 = 1 << 16

    /// - Parameter number: Of a stored call; `nil` where none was stored.
    func restoreRequestID(_ number: Int32?) -> Int32 {
        guard let number, call(numbered: number) == nil else { return takeRequestID() }
        lastRequestID = max(lastRequestID, number)
        return number
    }
}
