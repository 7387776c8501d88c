/// All series of one name.
struct MetricFamily: Sendable {
    enum Kind: String, Sendable {
        case counter, gauge, histogram
    }

    enum Series: Sendable {
        case counter(Counter)
        case gauge(Gauge)
        case histogram(Histogram)
        case read(@Sendable () -> Double)
    }

    let name: String
    let help: String
    let kind: Kind
    /// By their rendered labels, without braces: `type="publish",qos="1"`.
    var series: [String: Series] = [:]

    init(name: String, help: String, kind: Kind) {
        precondition(Self.isName(name, colons: true), "\"\(name)\" is no metric name")
        self.name = name
        self.help = help
        self.kind = kind
    }

    private static func isName(_ name: String, colons: Bool) -> Bool {
        guard let first = name.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else {
            return false
        }
        return name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                true
            case UInt8(ascii: ":"): colons
            default: false
            }
        }
    }

    // MARK: - Text

    /// Labels by name, so that their order at registration does not matter.
    static func render(labels: KeyValuePairs<String, String>) -> String {
        let sorted = labels.sorted { $0.key < $1.key }
        return sorted.map { label in
            precondition(isName(label.key, colons: false), "\"\(label.key)\" is no label name")
            return "\(label.key)=\"\(escaped(label.value, quotes: true))\""
        }.joined(separator: ",")
    }

    func render(into text: inout String) {
        text += "# HELP \(name) \(Self.escaped(help, quotes: false))\n"
        text += "# TYPE \(name) \(kind.rawValue)\n"
        for (labels, series) in series.sorted(by: { $0.key < $1.key }) {
            switch series {
            case .counter(let counter): line("", labels, String(counter.value), into: &text)
            case .gauge(let gauge): line("", labels, Self.number(gauge.value), into: &text)
            case .read(let read): line("", labels, Self.number(read()), into: &text)
            case .histogram(let histogram): render(histogram, labels, into: &text)
            }
        }
    }

    private func render(_ histogram: Histogram, _ labels: String, into text: inout String) {
        let snapshot = histogram.snapshot()
        let prefix = labels.isEmpty ? "" : labels + ","
        var cumulative = 0
        for (bound, count) in zip(histogram.bounds + [.infinity], snapshot.counts) {
            cumulative += count
            line("_bucket", prefix + "le=\"\(Self.number(bound))\"", String(cumulative), into: &text)
        }
        line("_sum", labels, Self.number(snapshot.sum), into: &text)
        line("_count", labels, String(cumulative), into: &text)
    }

    private func line(_ suffix: String, _ labels: String, _ value: String, into text: inout String) {
        text += name
        text += suffix
        if !labels.isEmpty { text += "{\(labels)}" }
        text += " \(value)\n"
    }

    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
        if value == value.rounded(), abs(value) < 1e15 { return String(Int64(value)) }
        return value.description
    }

    private static func escaped(_ text: String, quotes: Bool) -> String {
        var result = ""
        for character in text.unicodeScalars {
            switch character {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }
}
