/// Several event loops that start and stop together.
public final class EventLoopGroup: Sendable {
    public let loops: [EventLoop]

    /// - Parameter name: The loops' threads are called `name-0`, `name-1`, ...; at most 15 characters are kept.
    public init(count: Int, name: String) throws(ReactorError) {
        precondition(count > 0, "a group of \(count) loops")
        var loops: [EventLoop] = []
        for index in 0..<count { loops.append(try EventLoop(name: "\(name)-\(index)", index: index)) }
        self.loops = loops
    }

    public func start() {
        for loop in loops { loop.start() }
    }

    public func stop() {
        for loop in loops { loop.stop() }
    }

    /// Waits for the loops' ends. Never on one of them.
    public func join() {
        for loop in loops { loop.join() }
    }
}
