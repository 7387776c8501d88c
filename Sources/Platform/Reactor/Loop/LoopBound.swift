/// A value that only the thread of its event loop may touch.
///
/// References may travel; the value may not.
public final class LoopBound<Value>: @unchecked Sendable {
    // @unchecked: `value` is reached only through `withValue`, which stops the process when it is called from another
    // thread than the loop's. So the value is never shared, only named elsewhere.
    public let loop: EventLoop
    private var value: Value

    /// On the loop, or before it is started.
    public init(_ value: Value, on loop: EventLoop) {
        loop.preconditionOwned()
        self.loop = loop
        self.value = value
    }

    public func withValue<R>(_ body: (inout Value) throws -> R) rethrows -> R {
        loop.preconditionOwned()
        return try body(&value)
    }
}
