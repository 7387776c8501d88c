/// Writes log lines under one label. A static message plus metadata; values are never spliced into the message. Metadata
/// is built only when the level is on. Safe from any thread.
public struct Logger: Sendable {
    public let label: String
    private let sink: LogSink?

    public init(label: String, sink: LogSink) {
        self.label = label
        self.sink = sink
    }

    private init() {
        label = ""
        sink = nil
    }

    /// Writes nothing.
    public static let disabled = Logger()

    /// A logger of another label into the same sink.
    public func labelled(_ label: String) -> Logger {
        guard let sink else { return self }
        return Logger(label: label, sink: sink)
    }

    public func isEnabled(_ level: LogLevel) -> Bool {
        guard let sink else { return false }
        return level >= sink.level
    }

    public func log(_ level: LogLevel, _ message: StaticString, _ metadata: @autoclosure () -> LogMetadata = [:]) {
        guard let sink, level >= sink.level else { return }
        sink.write(level, label: label, message, metadata())
    }

    /// For what a client can trigger at will: at most the sink's `burst` lines per `interval` per distinct message; the
    /// number suppressed is added to the next one as `suppressed`.
    public func limited(_ level: LogLevel, _ message: StaticString, _ metadata: @autoclosure () -> LogMetadata = [:]) {
        guard let sink, level >= sink.level else { return }
        let (isAdmitted, suppressed) = sink.admit(label: label, message)
        guard isAdmitted else { return }
        sink.write(level, label: label, message, metadata(), suppressed: suppressed)
    }

    public func trace(_ message: StaticString, _ metadata: @autoclosure () -> LogMetadata = [:]) {
        log(.trace, message, metadata())
    }

    public func debug(_ message: StaticString, _ metadata: @autoclosure () -> LogMetadata = [:]) {
        log(.debug, message, metadata())
    }

    public func info(_ message: StaticString, _ metadata: @autoclosure () -> LogMetadata = [:]) {
        log(.info, message, metadata())
    }

    public func notice(_ message: StaticString, _ metadata: @autoclosure () -> LogMetadata = [:]) {
        log(.notice, message, metadata())
    }

    public func warning(_ message: StaticString, _ metadata: @autoclosure () -> LogMetadata = [:]) {
        log(.warning, message, metadata())
    }

    public func error(_ message: StaticString, _ metadata: @autoclosure () -> LogMetadata = [:]) {
        log(.error, message, metadata())
    }

    public func critical(_ message: StaticString, _ metadata: @autoclosure () -> LogMetadata = [:]) {
        log(.critical, message, metadata())
    }
}
