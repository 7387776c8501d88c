internal import JSON
internal import Logging
internal import Messages
internal import Model
internal import Queue
internal import Reactor
internal import Storage

/// Calls that are stored (`device-api.md` 7.4): every state in the order in which it came, each followed by its message to
/// the rule engine.
extension DeviceCore {
    /// As long as a database may take to come back; the state that is stored is an older one then, from which the next
    /// start goes on.
    private static let attempts = 240
    private static let pause: Duration = .milliseconds(500)

    /// Stores a new call and answers whoever made it with its id.
    func store(_ call: PendingCall, as status: RPCStatus, in entry: DeviceEntry) {
        let row = PersistentRPC(
            id: call.request.rpcID, createdTime: now, tenantID: entry.tenantID, deviceID: entry.deviceID,
            expirationTime: call.request.expirationTime,
            request: call.request.document(tenant: entry.tenantID, device: entry.deviceID), status: status,
            additionalInfo: call.request.additionalInfo.flatMap(RawJSON.init(parsing:)))
        let core = CoreReference(core: self)
        let bound = CallReference(call: call, entry: entry)
        let (rpcs, logger) = (rpcs, logger)
        Task.immediate(executorPreference: loop) {
            do {
                let isNew = try await rpcs.insert(row)
                core.core.stored(bound.call, row, isNew: isNew, in: bound.entry)
            } catch {
                logger.limited(
                    .error, "a persistent call cannot be stored", ["error": .string(String(describing: error))])
                core.core.drop(bound.call, of: bound.entry)
                core.core.tell(bound.call, .failed(.internal))
            }
        }
    }

    private func stored(_ call: PendingCall, _ row: PersistentRPC, isNew: Bool, in entry: DeviceEntry) {
        tell(call, .answered("{\"rpcId\":\"\(call.request.rpcID)\"}"))
        guard isNew else {
            // Somebody asked twice with the same id.
            drop(call, of: entry)
            return
        }
        post(row, in: entry)
        call.isStored = true
        sendNew(in: entry)
    }

    /// Moves a stored call on.
    func change(_ call: PendingCall, to status: RPCStatus, response: RawJSON? = nil, in entry: DeviceEntry) {
        call.changes.append((status, response))
        guard !call.isStoring else { return }
        call.isStoring = true
        let core = CoreReference(core: self)
        let bound = CallReference(call: call, entry: entry)
        Task.immediate(executorPreference: loop) {
            while !bound.call.changes.isEmpty, !bound.call.isAbandoned {
                let (status, response) = bound.call.changes.removeFirst()
                await core.core.write(bound, status, response)
            }
            bound.call.isStoring = false
        }
    }

    private func write(_ bound: CallReference, _ status: RPCStatus, _ response: RawJSON?) async {
        for attempt in 1...Self.attempts where !bound.call.isAbandoned {
            do {
                let row = try await rpcs.update(
                    bound.call.request.rpcID, tenant: bound.entry.tenantID, status: status, response: response)
                if let row { post(row, in: bound.entry) }
                return
            } catch DatabaseError.closed {
                return
            } catch {
                logger.limited(
                    .error, "the state of a persistent call cannot be stored",
                    ["attempt": .integer(attempt), "error": .string(String(describing: error))])
            }
            await loop.sleep(Self.pause)
        }
    }

    /// Tells the rule engine.
    private func post(_ row: PersistentRPC, in entry: DeviceEntry) {
        guard let record = entry.record else { return }
        var writer = JSONWriter()
        row.write(to: &writer)
        outbox.send(
            RuleMessage(
                id: .random(), timestamp: now, type: .known(row.status.messageType),
                originator: entry.deviceID.entityID, tenantID: entry.tenantID,
                customerID: record.customerID.isNull ? nil : record.customerID, metadata: MessageMetadata(),
                payload: .text(String(decoding: writer.bytes, as: UTF8.self)), ruleChainID: record.ruleChainID,
                queueName: record.queueName))
    }

    /// Takes up calls that were stored before this node owned their devices, with their numbers: what a device answers to
    /// one that it has got before still counts, and one that it gets again is the same to it.
    func restore(_ rows: [PersistentRPC]) {
        for row in rows {
            guard let entry = entries[row.deviceID], entry.record != nil,
                !entry.calls.contains(where: { $0.request.rpcID == row.id }),
                entry.calls.count < settings.maximumPendingCalls, var request = ToDeviceRPCRequest(row)
            else { continue }
            let isDelivered = row.status == .delivered
            // A one-way call ends with its delivery.
            if isDelivered, request.isOneWay { continue }
            request.requestID = entry.restoreRequestID(row.requestNumber)
            let call = PendingCall(request, serviceID: settings.serviceID, isStored: true)
            call.isDelivered = isDelivered
            call.isSent = isDelivered || row.status == .sent
            // It may have been sent in a state that was not stored any more.
            call.wasSent = true
            if request.expirationTime <= now {
                change(call, to: .expired, in: entry)
            } else {
                entry.calls.append(call)
                expireLater(call, in: entry)
                if isDelivered { waitForResponse(of: call, in: entry) }
            }
        }
    }
}

private struct CallReference: @unchecked Sendable {
    // @unchecked: dereferenced only by tasks whose executor is the core's loop.
    let call: PendingCall
    let entry: DeviceEntry
}

extension RawJSON {
    /// `nil` when the text is not JSON.
    init?(parsing text: String) {
        guard let value = try? JSONValue.parse(text) else { return nil }
        self.init(value)
    }
}

extension PersistentRPC {
    /// Where the stored request has the device's own number of the call.
    static let numberMember = "requestId"

    /// `nil` where it was not stored.
    var requestNumber: Int32? {
        request.value[Self.numberMember]?.integerValue.flatMap { Int32(exactly: $0) }
    }
}

extension ToDeviceRPCRequest {
    /// Column `request`: what was asked for (`rest-api.md` 4.10), and the number under which the device knows it.
    func document(tenant: TenantID, device: DeviceID) -> RawJSON {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("id", rpcID.text)
            writer.member("requestId", Int64(requestID))
            writer.id("tenantId", tenant)
            writer.id("deviceId", device)
            writer.member("oneway", isOneWay)
            writer.member("expirationTime", expirationTime)
            writer.key("body")
            writer.object { writer in
                writer.member("method", method)
                writer.member("params", params)
            }
            writer.member("persisted", true)
            if let retries { writer.member("retries", Int64(retries)) }
            if let additionalInfo { writer.member("additionalInfo", additionalInfo) }
        }
        return RawJSON(wellFormed: String(decoding: writer.bytes, as: UTF8.self))
    }

    /// Reads ``document(tenant:device:)``.
    init?(_ row: PersistentRPC) {
        let document = row.request.value
        guard let method = document["body"]?["method"]?.stringValue else { return nil }
        self.init(
            method: method, params: document["body"]?["params"]?.stringValue ?? "null",
            expirationTime: row.expirationTime, rpcID: row.id, isOneWay: document["oneway"]?.boolValue ?? false,
            isPersisted: true, retries: document["retries"]?.integerValue.map { Int32(clamping: $0) },
            additionalInfo: document["additionalInfo"]?.stringValue)
    }
}
