public import Messages
public import Model

/// The producing face of the core queue: what transports, core nodes and rule engines tell the core node that owns the
/// device.
public protocol CoreQueueProducer: Sendable {
    /// Sends the message; `false` when the bound is reached and it was not taken.
    ///
    /// Messages of one device stay in order.
    func send(_ message: CoreMessage, device: DeviceID) -> Bool
}

/// The producing face of the core nodes' notification topics. Safe from any thread.
public protocol CoreNotificationProducer: Sendable {
    /// Sends to the core node of that service id.
    func send(_ notification: CoreNotification, to serviceID: String)
    /// Sends to every core node, this one included.
    func broadcast(_ notification: CoreNotification)
}

/// The producing face of the transports' notification topics.
public protocol TransportNotificationProducer: Sendable {
    /// Sends to the transport of that service id.
    func send(_ notification: TransportNotification, to nodeID: String)
    /// Sends to every transport.
    func broadcast(_ notification: TransportNotification)
}
