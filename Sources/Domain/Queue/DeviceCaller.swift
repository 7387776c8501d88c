public import Messages
public import Model

/// Calls devices through the nodes that own them (`cluster.md` 5.4). Safe from any thread.
public struct DeviceCaller: Sendable {
    private let serviceID: String
    private let core: any CoreQueueProducer
    private let answers: any CoreNotificationProducer
    private let waiters: DeviceCallWaiters

    /// A wait is this much longer than the owner's, so that the owner's outcome is the one that counts.
    private static let graceMilliseconds: Int64 = 1_000

    /// - Parameter serviceID: Of this process: where the owner of a device sends the outcome.
    public init(
        serviceID: String, core: any CoreQueueProducer, answers: any CoreNotificationProducer,
        waiters: DeviceCallWaiters
    ) {
        self.serviceID = serviceID
        self.core = core
        self.answers = answers
        self.waiters = waiters
    }

    /// Returns when the call has an outcome, at its expiration at the latest.
    ///
    /// - Parameter origin: Service id of the core node that waits for the same outcome; it is told too.
    public func call(
        _ request: ToDeviceRPCRequest, tenant: TenantID, device: DeviceID, origin: String?
    ) async -> DeviceCallOutcome {
        // Expiration comes from whoever calls, and may be any number.
        let (deadline, isNever) = request.expirationTime.addingReportingOverflow(Self.graceMilliseconds)
        let outcome = await waiters.wait(for: request.rpcID, until: isNever ? .max : deadline) {
            let isTaken = core.send(
                .device(.rpcRequest(tenant, device, serviceID: serviceID, request)), device: device)
            if !isTaken { waiters.finish(request.rpcID, .failed(.internal)) }
        }
        if let origin, origin != serviceID {
            switch outcome {
            case .answered(let response):
                answers.send(.rpcResponse(rpcID: request.rpcID, response: response, error: nil), to: origin)
            case .failed(let error):
                answers.send(.rpcResponse(rpcID: request.rpcID, response: nil, error: error), to: origin)
            }
        }
        return outcome
    }
}
