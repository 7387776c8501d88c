/// Counters of one event loop since its start. Plain numbers, published by the loop at the end of every tick.
public struct LoopStatistics: Sendable, Hashable {
    /// Turns of the loop.
    public var ticks = 0
    /// Readiness events taken from the kernel.
    public var events = 0
    /// Closures, tasks' jobs and mailboxes run for other threads or for the loop itself.
    public var submissions = 0
    public var timersFired = 0
    public var bytesReceived = 0
    public var bytesSent = 0
    /// Connections open now.
    public var connections = 0
    public var connectionsAccepted = 0
    public var connectionsClosed = 0
    /// Times that accepting had to pause because descriptors or memory ran out.
    public var acceptFailures = 0
    /// TLS handshakes that failed.
    public var tlsFailures = 0
    /// Connections aborted because more output than their limit was waiting.
    public var slowConsumers = 0
    /// Time spent in ticks, without waiting.
    public var nanosecondsInTicks: UInt64 = 0
    public var longestTickNanoseconds: UInt64 = 0

    public init() {}
}
