public import Messages
public import Reactor
import Synchronization

/// The buckets of one row of the limits' table: of a tenant, a device, or all traffic through a gateway. Safe from any
/// thread.
public final class LimitGroup: Sendable {
    private struct State {
        var level: TransportLimits.Level
        var messages: TokenBuckets?
        var telemetryMessages: TokenBuckets?
        var telemetryDataPoints: TokenBuckets?
    }

    private let state: Mutex<State>

    public init(_ level: TransportLimits.Level, now: MonotonicTime) {
        state = Mutex(
            State(
                level: level, messages: TokenBuckets(level.messages, now: now),
                telemetryMessages: TokenBuckets(level.telemetryMessages, now: now),
                telemetryDataPoints: TokenBuckets(level.telemetryDataPoints, now: now)))
    }

    /// Takes new limits; those that did not change keep their state.
    public func update(_ level: TransportLimits.Level, now: MonotonicTime) {
        state.withLock { state in
            if level.messages != state.level.messages { state.messages = TokenBuckets(level.messages, now: now) }
            if level.telemetryMessages != state.level.telemetryMessages {
                state.telemetryMessages = TokenBuckets(level.telemetryMessages, now: now)
            }
            if level.telemetryDataPoints != state.level.telemetryDataPoints {
                state.telemetryDataPoints = TokenBuckets(level.telemetryDataPoints, now: now)
            }
            state.level = level
        }
    }

    /// Whether a load may pass; what was taken of an earlier bucket when a later one refuses is gone.
    public func admits(_ load: TransportLoad, now: MonotonicTime) -> Bool {
        state.withLock { state in
            if load.messages > 0, state.messages?.take(load.messages, now: now) == false { return false }
            if load.telemetryMessages > 0, state.telemetryMessages?.take(load.telemetryMessages, now: now) == false {
                return false
            }
            return load.dataPoints == 0 || state.telemetryDataPoints?.take(load.dataPoints, now: now) != false
        }
    }

    /// Whether nothing was taken lately.
    func isFull(now: MonotonicTime) -> Bool {
        state.withLock { state in
            state.messages?.isFull(now: now) != false && state.telemetryMessages?.isFull(now: now) != false
                && state.telemetryDataPoints?.isFull(now: now) != false
        }
    }
}

/// What something costs (`device-api.md` 6.3): a message with data points counts as telemetry, another one as a message.
public struct TransportLoad: Sendable, Equatable {
    public var messages = 0
    public var telemetryMessages = 0
    public var dataPoints = 0

    /// One message without data points.
    public static let message = TransportLoad(messages: 1)

    public init(messages: Int = 0, telemetryMessages: Int = 0, dataPoints: Int = 0) {
        self.messages = messages
        self.telemetryMessages = telemetryMessages
        self.dataPoints = dataPoints
    }

    /// Adds a message of so many data points.
    mutating func add(dataPoints count: Int) {
        if count == 0 {
            messages += 1
        } else {
            telemetryMessages += 1
            dataPoints += count
        }
    }
}
