internal import JSON

extension LoadReport {
    /// The report for machines: one JSON object, times in milliseconds.
    var json: String {
        var root: JSONValue = [
            "interrupted": .bool(wasInterrupted),
            "seconds": Self.rounded(seconds),
            "options": optionsValue,
            "due": Self.count(counters.due),
            "sent": Self.count(counters.sent),
            "acknowledged": Self.count(counters.acknowledged),
            "acknowledgedPerSecond": Self.rounded(acknowledgedPerSecond),
            "valuesPerSecond": Self.rounded(acknowledgedPerSecond * Double(options.payload.valueCount)),
            "alarms": Self.count(counters.alarms),
            "unsent": Self.count(unsent),
            "mostWaiting": Self.count(mostWaiting),
            "unacknowledged": Self.count(unacknowledged),
            "resent": Self.count(counters.resent),
            "refused": Self.count(counters.refused),
            "unexpectedAcknowledgements": Self.count(counters.unexpected),
            "connections": Self.count(counters.connected),
            "openConnections": Self.count(openConnections),
            "connectionsLost": Self.count(counters.connectionsLost),
            "connectsFailed": Self.count(counters.connectsFailed),
            "processorSeconds": Self.rounded(processorSeconds),
            "latency": Self.value(of: latencies),
        ]
        if !rowLatencies.isEmpty { root["rowLatency"] = Self.value(of: rowLatencies) }
        if let verification { root["verification"] = Self.value(of: verification) }
        root["timeline"] = .array(timeline.map(Self.value(of:)))
        return root.serializedString + "\n"
    }

    private var optionsValue: JSONValue {
        var value: JSONValue = [
            "devices": Self.count(options.devices.count),
            "gateways": Self.count(options.gateways.count),
            "firstDevice": Self.count(options.devices.lowerBound),
            "api": .string(options.api.rawValue),
            "payload": .string(options.payload.rawValue),
            "valuesPerMessage": Self.count(options.payload.valueCount),
            "duration": Self.count(options.durationSeconds),
            "qos": Self.count(options.qualityOfService),
            "inFlight": Self.count(options.inFlightLimit),
            "threads": Self.count(options.threadCount),
        ]
        switch options.pace {
        case .open(let rate): value["rate"] = Self.count(rate)
        case .closed(let count): value["closedLoop"] = Self.count(count)
        case .idle: value["idle"] = true
        }
        return value
    }

    private static func value(of histogram: LatencyHistogram) -> JSONValue {
        var value: JSONValue = ["count": count(Int(histogram.count)), "mean": rounded(histogram.mean / 1000)]
        for (name, percent) in percentiles { value[name] = milliseconds(histogram.percentile(percent)) }
        value["max"] = milliseconds(histogram.maximum)
        return value
    }

    private static func value(of verification: VerificationResult) -> JSONValue {
        [
            "acknowledged": count(verification.acknowledged),
            "stored": count(verification.stored),
            "lost": count(verification.lost),
            "late": count(verification.late),
            "unreadableDevices": count(verification.unreadableDevices),
            "seconds": rounded(verification.seconds),
        ]
    }

    private static func value(of entry: TimelineEntry) -> JSONValue {
        [
            "second": rounded(entry.second),
            "sent": count(entry.sent),
            "acknowledged": count(entry.acknowledged),
            "inFlight": count(entry.inFlight),
            "waiting": count(entry.waiting),
            "errors": count(entry.errors),
            "p50": milliseconds(entry.p50),
            "p99": milliseconds(entry.p99),
            "max": milliseconds(entry.maximum),
        ]
    }

    private static func count(_ number: Int) -> JSONValue { .integer(Int64(number)) }

    private static func rounded(_ number: Double) -> JSONValue { .double((number * 1000).rounded() / 1000) }

    private static func milliseconds(_ microseconds: UInt64) -> JSONValue { .double(Double(microseconds) / 1000) }
}
