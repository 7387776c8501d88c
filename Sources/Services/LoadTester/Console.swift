internal import Glibc

/// Where a run reports to people: progress and complaints on standard error, the report on standard output.
struct Console: Sendable {
    private let showsProgress: Bool

    /// - Parameter showsProgress: on a terminal; elsewhere nobody would read it.
    init(showsProgress: Bool) {
        self.showsProgress = showsProgress && isatty(STDERR_FILENO) == 1
    }

    func progress(_ line: @autoclosure () -> String) {
        if showsProgress { Self.write(line() + "\n", to: STDERR_FILENO) }
    }

    func complain(_ text: String) {
        Self.write("loadtest: \(text)\n", to: STDERR_FILENO)
    }

    func print(_ text: String) {
        Self.write(text, to: STDOUT_FILENO)
    }

    private static func write(_ text: String, to descriptor: Int32) {
        let bytes = Array(text.utf8)
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress! + done, $0.count - done) }
            guard count > 0 else { return }
            done += count
        }
    }
}

extension TimelineEntry {
    /// The progress line of this second.
    var line: String {
        let columns = [
            Format.right(Format.fixed(second, places: 0), 5) + " s",
            "sent " + Format.right(Format.grouped(Int(sentPerSecond)), 9) + "/s",
            "acked " + Format.right(Format.grouped(Int(acknowledgedPerSecond)), 9) + "/s",
            "in flight " + Format.right(Format.grouped(inFlight), 7),
            "late " + Format.right(Format.grouped(waiting), 7),
            "p50 " + Format.right(Format.milliseconds(p50), 9),
            "p99 " + Format.right(Format.milliseconds(p99), 9),
            "errors \(errors)",
        ]
        return columns.joined(separator: "  ")
    }
}
