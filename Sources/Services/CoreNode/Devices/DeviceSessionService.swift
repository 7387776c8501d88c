public import Messages
public import Model
public import Queue
public import Reactor

/// The device sessions of this node behind its queue. Safe from any thread.
public final class DeviceSessionService: CoreQueueProducer, @unchecked Sendable {
    // @unchecked: `sessions` is touched on `loop` only.
    private let loop: EventLoop
    private let sessions: DeviceSessions
    private let queue: InProcessCoreQueue

    /// Called on `loop`, which consumes the queue.
    public init(loop: EventLoop, maximumPerDevice: Int, notifications: any TransportNotificationProducer) {
        let sessions = DeviceSessions(maximumPerDevice: maximumPerDevice, notifications: notifications)
        self.loop = loop
        self.sessions = sessions
        queue = InProcessCoreQueue(loop: loop) { sessions.receive($0) }
    }

    public func send(_ message: CoreMessage, device: DeviceID) -> Bool {
        queue.send(message, device: device)
    }

    /// Closes every session of the device.
    public func close(_ device: DeviceID, _ reason: SessionCloseReason) {
        loop.execute { [self] in sessions.close(device, reason) }
    }
}
