import Glibc
import Synchronization

/// Where a process's log lines go. One per process, made by the executable and handed to every ``Logger``; safe from
/// any thread.
///
/// A line is one `write(2)`. A reader that does not keep up (a full pipe, a stopped terminal) costs a caller at most
/// ``maximumWaitMilliseconds``, once; until there is room again lines are dropped, and the next line that gets out is
/// preceded by one that says how many were.
public final class LogSink: Sendable {
    /// Lines below it are not written.
    public let level: LogLevel
    public let format: LogFormat
    /// How many lines per interval ``Logger/limited(_:_:_:)`` lets through, per message.
    public let burst: Int
    public let interval: Duration

    static let maximumWaitMilliseconds: Int32 = 5

    private let descriptor: Int32
    private let clock: LogClock
    private let output = Mutex(Output())
    private let windows = Mutex<[WindowKey: Window]>([:])

    private struct Output {
        var isStalled = false
        var dropped = 0
    }

    private struct WindowKey: Hashable {
        var label: String
        var message: UInt
    }

    private struct Window {
        var startNanoseconds: UInt64
        var count = 0
        var suppressed = 0
    }

    /// - Parameter descriptor: stays the caller's; 2 is standard error.
    public convenience init(
        level: LogLevel = .info, format: LogFormat = .text, descriptor: Int32 = 2, burst: Int = 10,
        interval: Duration = .seconds(10)
    ) {
        self.init(
            level: level, format: format, descriptor: descriptor, burst: burst, interval: interval, clock: .system)
    }

    init(
        level: LogLevel, format: LogFormat, descriptor: Int32, burst: Int, interval: Duration, clock: LogClock
    ) {
        precondition(burst > 0, "a burst of \(burst) lines")
        self.level = level
        self.format = format
        self.descriptor = descriptor
        self.burst = burst
        self.interval = interval
        self.clock = clock
    }

    // MARK: - Lines

    func write(
        _ level: LogLevel, label: String, _ message: StaticString, _ metadata: LogMetadata, suppressed: Int = 0
    ) {
        let line = LogLine(
            format: format, milliseconds: clock.wallMilliseconds(), level: level, label: label, message: message,
            metadata: metadata, suppressed: suppressed)
        output.withLock { output in
            guard hasRoom(output) else {
                output.isStalled = true
                output.dropped += 1
                return
            }
            output.isStalled = false
            if output.dropped > 0 {
                let dropped = output.dropped
                output.dropped = 0
                send(droppedLine(dropped).bytes)
                guard hasRoom(output) else {
                    output.isStalled = true
                    output.dropped = 1
                    return
                }
            }
            send(line.bytes)
        }
    }

    private func hasRoom(_ output: Output) -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        return poll(&entry, 1, output.isStalled ? 0 : Self.maximumWaitMilliseconds) > 0
    }

    private func droppedLine(_ count: Int) -> LogLine {
        LogLine(
            format: format, milliseconds: clock.wallMilliseconds(), level: .warning, label: "log",
            message: "lines were dropped, the reader does not keep up", metadata: ["count": .integer(count)],
            suppressed: 0)
    }

    /// A log that cannot be written (closed reader, full disk) must not stop the service: the failure is ignored.
    private func send(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { raw in
            while Glibc.write(descriptor, raw.baseAddress, raw.count) < 0, errno == EINTR {}
        }
    }

    // MARK: - Rate limit

    /// Whether one more line of `message` may be written now, and how many were not since the last one.
    func admit(label: String, _ message: StaticString) -> (isAdmitted: Bool, suppressed: Int) {
        let now = clock.monotonicNanoseconds()
        let key = WindowKey(label: label, message: UInt(bitPattern: message.utf8Start))
        return windows.withLock { windows in
            var window = windows[key] ?? Window(startNanoseconds: now)
            defer { windows[key] = window }
            if now >= window.startNanoseconds + UInt64(interval / .nanoseconds(1)) {
                window.startNanoseconds = now
                window.count = 0
            }
            guard window.count < burst else {
                window.suppressed += 1
                return (false, 0)
            }
            window.count += 1
            defer { window.suppressed = 0 }
            return (true, window.suppressed)
        }
    }
}

/// The clocks of a sink.
struct LogClock: Sendable {
    /// Since 1970.
    var wallMilliseconds: @Sendable () -> Int64
    var monotonicNanoseconds: @Sendable () -> UInt64

    static let system = LogClock(
        wallMilliseconds: {
            let time = now(CLOCK_REALTIME)
            return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
        },
        monotonicNanoseconds: {
            let time = now(CLOCK_MONOTONIC)
            return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
        })

    private static func now(_ clock: clockid_t) -> timespec {
        var time = timespec()
        clock_gettime(clock, &time)
        return time
    }
}
