extension LoadReport {
    static let percentiles: [(name: String, percent: Double)] = [
        ("p50", 50), ("p90", 90), ("p95", 95), ("p99", 99), ("p99.9", 99.9), ("p99.99", 99.99),
    ]

    /// The report for people, ending with a line feed.
    var text: String {
        var lines: [String] = []
        if wasInterrupted { lines.append("interrupted") }
        if options.sendsLoad, !options.verifiesOnly { lines += loadLines }
        if !rowLatencies.isEmpty {
            lines.append("PUBLISH -> row    " + Self.summary(of: rowLatencies) + "  (\(rowLatencies.count) samples)")
        }
        if let verification { lines += Self.lines(of: verification) }
        return lines.joined(separator: "\n") + "\n"
    }

    private var loadLines: [String] {
        let answer = options.api == .http ? "POST -> 200      " : "PUBLISH -> PUBACK"
        var lines = [headline]
        if options.pace == .idle {
            let wanted = Format.grouped(options.connectionCount)
            lines = ["\(Format.grouped(openConnections)) of \(wanted) connections open"]
        }
        if !latencies.isEmpty { lines.append("\(answer) " + Self.summary(of: latencies)) }
        if mostWaiting > 0 || unsent > 0 {
            lines.append(
                "late: at most \(Format.grouped(mostWaiting)) messages waited to be sent, "
                    + "\(Format.grouped(unsent)) never were")
        }
        if unacknowledged > 0 { lines.append("without acknowledgement at the end: \(Format.grouped(unacknowledged))") }
        if counters.alarms > 0 { lines.append("alarms: \(Format.grouped(counters.alarms))") }
        if counters.errors + counters.resent > 0 {
            lines.append(
                "errors: \(counters.refused) refused, \(counters.unexpected) unexpected acknowledgements, "
                    + "\(counters.connectionsLost) connections lost, \(counters.connectsFailed) failed to connect; "
                    + "\(Format.grouped(counters.resent)) messages sent again")
        }
        return lines
    }

    private var headline: String {
        let hasAnswers = options.qualityOfService > 0 || options.api == .http
        let rate = hasAnswers ? acknowledgedPerSecond : seconds > 0 ? Double(counters.sent) / seconds : 0
        let answers = hasAnswers ? ", \(Format.grouped(counters.acknowledged)) acknowledged" : ""
        return "\(Format.grouped(counters.sent)) messages sent\(answers) in \(Format.fixed(seconds, places: 1)) s: "
            + "\(Format.grouped(Int(rate.rounded()))) messages/s, "
            + "\(Format.grouped(Int((rate * Double(options.payload.valueCount)).rounded()))) values/s"
    }

    private static func summary(of histogram: LatencyHistogram) -> String {
        var text = percentiles.map { "\($0.name) \(Format.milliseconds(histogram.percentile($0.percent)))" }
        text.append("max \(Format.milliseconds(histogram.maximum))")
        return text.joined(separator: "  ")
    }

    private static func lines(of verification: VerificationResult) -> [String] {
        var lines: [String] = []
        if verification.unreadableDevices > 0 {
            lines.append("history of \(verification.unreadableDevices) devices could not be read")
        }
        for record in verification.examples {
            lines.append("lost: \(LoadTestOptions.deviceName(Int(record.device))) ts \(record.timestamp)")
        }
        if verification.late > 0 { lines.append("\(verification.late) were not readable at once, but a little later") }
        return lines + [verification.line]
    }
}
