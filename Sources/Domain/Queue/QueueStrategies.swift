/// When the messages of a queue begin (`rule-engine.md` 5.4).
public enum SubmitStrategy: Sendable, Hashable {
    /// At once.
    case burst
    /// So many together, the next when all of these are done.
    case batch(Int)
    /// Of each originator one at a time.
    case sequentialByOriginator
    /// Of each tenant one at a time.
    case sequentialByTenant
    /// One at a time.
    case sequential

    /// The published names.
    public static let names = ["BURST", "BATCH", "SEQUENTIAL_BY_ORIGINATOR", "SEQUENTIAL_BY_TENANT", "SEQUENTIAL"]

    /// - Parameter batchSize: At least 1.
    public init?(name: String, batchSize: Int) {
        switch name {
        case "BURST": self = .burst
        case "BATCH": self = .batch(max(1, batchSize))
        case "SEQUENTIAL_BY_ORIGINATOR": self = .sequentialByOriginator
        case "SEQUENTIAL_BY_TENANT": self = .sequentialByTenant
        case "SEQUENTIAL": self = .sequential
        default: return nil
        }
    }
}

/// What becomes of messages that fail, or are not done in time (`rule-engine.md` 5.5).
public struct ProcessingStrategy: Sendable, Hashable {
    public enum Kind: String, Sendable, CaseIterable {
        case skipAllFailures = "SKIP_ALL_FAILURES"
        case skipAllFailuresAndTimedOut = "SKIP_ALL_FAILURES_AND_TIMED_OUT"
        case retryAll = "RETRY_ALL"
        case retryFailed = "RETRY_FAILED"
        case retryTimedOut = "RETRY_TIMED_OUT"
        case retryFailedAndTimedOut = "RETRY_FAILED_AND_TIMED_OUT"
    }

    public var kind: Kind
    /// 0: without end.
    public var retries: Int
    /// The share of a delivery's messages that may be unsuccessful at a time, in percent; more are given up. 0: any share.
    public var failurePercentage: Double
    /// Doubles with every retry, up to ``maximumPause``.
    public var pause: Duration
    public var maximumPause: Duration

    public init(
        _ kind: Kind, retries: Int = 0, failurePercentage: Double = 0, pause: Duration = .zero,
        maximumPause: Duration = .zero
    ) {
        self.kind = kind
        self.retries = retries
        self.failurePercentage = failurePercentage
        self.pause = pause
        self.maximumPause = max(pause, maximumPause)
    }

    public var retriesFailed: Bool { kind == .retryAll || kind == .retryFailed || kind == .retryFailedAndTimedOut }
    var retriesTimedOut: Bool { kind == .retryAll || kind == .retryTimedOut || kind == .retryFailedAndTimedOut }
    /// Whether a message that is not done in time is told to stop; else it goes on.
    var stopsTimedOut: Bool { kind != .skipAllFailures }

    /// Before the retry of that number, from 1.
    func pause(before retry: Int) -> Duration {
        var pause = pause
        for _ in 1..<max(1, min(retry, 40)) where pause < maximumPause { pause = min(pause * 2, maximumPause) }
        return pause
    }
}

/// How a queue is processed.
public struct QueueStrategies: Sendable, Hashable {
    public var submit: SubmitStrategy
    public var processing: ProcessingStrategy
    /// How long a message may take. Counts for strategies that stop what takes longer.
    public var timeout: Duration

    public init(
        submit: SubmitStrategy = .burst, processing: ProcessingStrategy = ProcessingStrategy(.skipAllFailures),
        timeout: Duration = .seconds(2)
    ) {
        self.submit = submit
        self.processing = processing
        self.timeout = timeout
    }

    /// Everything at once, and nothing again: messages need no schedule.
    public var isPlain: Bool { submit == .burst && processing.kind == .skipAllFailures }
}
