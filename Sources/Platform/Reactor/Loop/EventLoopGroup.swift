import Synchronization

/// A fixed number of event loops, usually one per core meant for I/O.
public final class EventLoopGroup: Sendable {
    public let loops: [EventLoop]
    private let turn = Atomic<Int>(0)

    /// The loops are named `name-0`, `name-1`, ...
    public init(count: Int, name: String) throws(ReactorError) {
        precondition(count > 0, "a group of \(count) event loops")
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

    public func join() {
        for loop in loops { loop.join() }
    }

    /// The loops in turn.
    public func next() -> EventLoop {
        let turn = turn.wrappingAdd(1, ordering: .relaxed).oldValue
        return loops[Int(UInt(bitPattern: turn) % UInt(loops.count))]
    }
}
