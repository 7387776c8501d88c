internal import JSON
internal import Logging
internal import Messages
internal import Metrics
internal import Model
internal import Queue
internal import Reactor
internal import Storage

/// Calls to devices (`device-api.md` 7).
extension DeviceCore {
    func call(_ given: ToDeviceRPCRequest, for serviceID: String, in entry: DeviceEntry) {
        metrics.calls.increment()
        var request = given
        let isOver = request.expirationTime <= now
        guard !isOver || request.isPersisted else {
            return answers.send(.rpcResponse(rpcID: request.rpcID, response: nil, error: .timeout), to: serviceID)
        }
        guard entry.calls.count < settings.maximumPendingCalls else {
            return answers.send(.rpcResponse(rpcID: request.rpcID, response: nil, error: .internal), to: serviceID)
        }
        request.requestID = entry.takeRequestID()
        let call = PendingCall(request, serviceID: serviceID, isStored: !request.isPersisted)
        guard !isOver else { return store(call, as: .expired, in: entry) }
        entry.calls.append(call)
        expireLater(call, in: entry)
        if request.isPersisted { store(call, as: .queued, in: entry) } else { sendNew(in: entry) }
    }

    func expireLater(_ call: PendingCall, in entry: DeviceEntry) {
        call.expiry = loop.schedule(after: .milliseconds(max(0, call.request.expirationTime - now))) {
            [unowned self] in expire(call, in: entry)
        }
    }

    private func expire(_ call: PendingCall, in entry: DeviceEntry) {
        guard drop(call, of: entry) else { return }
        if call.request.isPersisted {
            change(call, to: .expired, in: entry)
        } else {
            tell(call, .failed(call.isSent ? .timeout : .noActiveConnection))
        }
        sendNew(in: entry)
        forgetIfIdle(entry)
    }

    /// Takes a call out; `false` when it has ended before.
    @discardableResult
    func drop(_ call: PendingCall, of entry: DeviceEntry) -> Bool {
        guard let index = entry.calls.firstIndex(where: { $0 === call }) else { return false }
        entry.calls.remove(at: index)
        call.cancelTimers()
        return true
    }

    func removeCall(_ id: UUID128, in entry: DeviceEntry) {
        guard let call = entry.calls.first(where: { $0.request.rpcID == id }) else { return }
        drop(call, of: entry)
        if !call.request.isPersisted { tell(call, .failed(.internal)) }
        sendNew(in: entry)
    }

    /// Tells who made the call.
    func tell(_ call: PendingCall, _ outcome: DeviceCallOutcome) {
        let notification: CoreNotification =
            switch outcome {
            case .answered(let response):
                .rpcResponse(rpcID: call.request.rpcID, response: response, error: nil)
            case .failed(let error): .rpcResponse(rpcID: call.request.rpcID, response: nil, error: error)
            }
        answers.send(notification, to: call.serviceID)
    }

    // MARK: - Sending

    /// Sends what has not been sent, as far as the strategy allows and somebody listens.
    func sendNew(in entry: DeviceEntry) {
        guard entry.sessions.contains(where: \.isSubscribedToRPC) else { return }
        for call in entry.calls {
            if call.isStored, !call.isSent { send(call, to: nil, in: entry) }
            if blocksNext(call) { return }
        }
    }

    /// Whether the strategy lets no later call go before this one has come further.
    private func blocksNext(_ call: PendingCall) -> Bool {
        switch settings.submitStrategy {
        case .burst: false
        case .sequentialOnAcknowledgement: !call.isDelivered && !call.request.isOneWayAndForgotten
        case .sequentialOnResponse: !call.request.isOneWayAndForgotten
        }
    }

    /// Sends what waits to a session that has just subscribed, calls without an answer again (`device-api.md` 7.1).
    func sendPending(to session: UUID128, in entry: DeviceEntry) {
        guard let index = entry.session(session), entry.sessions[index].isSubscribedToRPC else { return }
        if entry.sessions[index].type == .sync {
            let stored = entry.calls.filter(\.isStored)
            if let oldest = stored.first(where: { !$0.isSent }) ?? stored.first {
                send(oldest, to: session, in: entry)
            }
            return
        }
        for call in entry.calls where call.isStored {
            send(call, to: session, in: entry)
            if blocksNext(call) { return }
        }
    }

    /// - Parameter session: `nil` stands for every session that listens.
    private func send(_ call: PendingCall, to session: UUID128?, in entry: DeviceEntry) {
        var isTaken = false
        for index in entry.sessions.indices.reversed() {
            let target = entry.sessions[index]
            guard target.isSubscribedToRPC, session == nil || target.id == session else { continue }
            notifications.send(.rpcRequest(target.id, call.request), to: target.nodeID)
            isTaken = true
            // One call ends a poll.
            if target.type == .sync { entry.sessions.remove(at: index) }
        }
        guard isTaken else { return }
        call.isSent = true
        waitForResponse(of: call, in: entry, beyond: Self.deliveryAllowance)
        if call.request.isOneWayAndForgotten, drop(call, of: entry) {
            tell(call, .answered(nil))
        }
    }

    /// What a delivery may take where nobody tells of it, as behind gateways: as long as a transport waits for a PUBACK.
    private static let deliveryAllowance: Int64 = 10_000

    /// Of the strategy that waits for answers: a call that gets none in time after its delivery lets the next one go.
    func waitForResponse(of call: PendingCall, in entry: DeviceEntry, beyond allowance: Int64 = 0) {
        guard settings.submitStrategy == .sequentialOnResponse, !call.request.isOneWay else { return }
        call.responseDeadline?.cancel()
        let patience = Duration.milliseconds(settings.rpcResponseTimeout + allowance)
        call.responseDeadline = loop.schedule(after: patience) { [unowned self] in
            guard drop(call, of: entry) else { return }
            if call.request.isPersisted {
                let text = "There was a timeout awaiting for RPC response from device."
                change(call, to: .failed, response: Self.failure(text), in: entry)
            } else {
                tell(call, .failed(.timeout))
            }
            sendNew(in: entry)
            forgetIfIdle(entry)
        }
    }

    // MARK: - What devices and transports say

    func answered(_ response: ToDeviceRPCResponse, in entry: DeviceEntry) {
        guard let call = entry.call(numbered: response.requestID), call.wasSent else { return }
        drop(call, of: entry)
        let text = response.error ?? response.payload ?? ""
        if call.request.isPersisted {
            let parsed = RawJSON(parsing: text) ?? Self.failure(text)
            change(call, to: response.error == nil ? .successful : .failed, response: parsed, in: entry)
        } else {
            tell(call, .answered(text))
        }
        sendNew(in: entry)
    }

    /// How far the delivery of a call came.
    func moved(_ id: UUID128, to status: RPCStatus, in entry: DeviceEntry) {
        guard let call = entry.calls.first(where: { $0.request.rpcID == id }) else { return }
        switch status {
        case .sent:
            if call.request.isPersisted, !call.isDelivered { change(call, to: .sent, in: entry) }
        case .delivered:
            guard !call.isDelivered else { return }
            call.isDelivered = true
            call.isSent = true
            if call.request.isPersisted { change(call, to: .delivered, in: entry) }
            if call.request.isOneWay { drop(call, of: entry) } else { waitForResponse(of: call, in: entry) }
            sendNew(in: entry)
        case .timeout: deliveryTimedOut(call, in: entry)
        case .failed:
            drop(call, of: entry)
            if call.request.isPersisted { change(call, to: .failed, in: entry) } else { tell(call, .failed(.internal)) }
            sendNew(in: entry)
        case .queued, .successful, .expired, .deleted: break
        }
    }

    /// Nobody confirmed the delivery in time. The strategies that send one call after the other do so with calls that are
    /// not stored too.
    private func deliveryTimedOut(_ call: PendingCall, in entry: DeviceEntry) {
        let isSequential = settings.submitStrategy != .burst
        guard call.request.isPersisted || isSequential, !call.isDelivered else { return }
        // With the other strategy it waits for the next subscription.
        if isSequential { call.isSent = false }
        let isPersisted = call.request.isPersisted
        if call.retries < min(call.request.retries ?? settings.maximumRPCRetries, settings.maximumRPCRetries) {
            call.retries += 1
            if isPersisted { change(call, to: .timeout, in: entry) }
            if isSequential { sendNew(in: entry) }
        } else if settings.closesSessionOnRPCDeliveryTimeout {
            call.retries = 0
            if isPersisted { change(call, to: .queued, in: entry) }
            closeAll(.rpcDeliveryTimeout, in: entry)
        } else {
            drop(call, of: entry)
            if isPersisted {
                let text =
                    "There was a Timeout and all retry attempts have been exhausted. Retry attempts set: "
                    + "\(call.retries)"
                change(call, to: .failed, response: Self.failure(text), in: entry)
            } else {
                tell(call, .failed(.timeout))
            }
            sendNew(in: entry)
        }
    }

    static func failure(_ text: String) -> RawJSON { RawJSON(["error": .string(text)]) }
}

extension ToDeviceRPCRequest {
    /// Done as soon as it was sent.
    var isOneWayAndForgotten: Bool { isOneWay && !isPersisted }
}
