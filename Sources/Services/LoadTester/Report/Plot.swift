internal import Glibc

/// A drawing of a run: latency percentiles on a logarithmic scale above, rates below, over the same time axis.
struct Plot {
    private let timeline: [TimelineEntry]
    private let title: String

    private static let width = 960.0
    private static let left = 80.0
    private static let right = 940.0
    private static let latencyPanel = 60.0...330.0
    private static let ratePanel = 390.0...600.0

    init(timeline: [TimelineEntry], title: String) {
        self.timeline = timeline
        self.title = title
    }

    private struct Series {
        var name: String
        var colour: String
        /// In the order of the timeline; `nil` leaves a gap.
        var values: [Double?]
    }

    /// The drawing as an SVG document.
    var svg: String {
        var out = """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 960 640" width="960" height="640" \
            font-family="sans-serif" font-size="12">
            <rect width="960" height="640" fill="white"/>
            <text x="80" y="28" font-size="16">\(Self.escaped(title))</text>

            """
        out += latencies()
        out += rates()
        return out + "</svg>\n"
    }

    // MARK: - Panels

    private func latencies() -> String {
        func milliseconds(_ path: KeyPath<TimelineEntry, UInt64>) -> [Double?] {
            timeline.map { $0[keyPath: path] == 0 ? nil : Double($0[keyPath: path]) / 1000 }
        }
        let series = [
            Series(name: "p50", colour: "#1b9e77", values: milliseconds(\.p50)),
            Series(name: "p99", colour: "#d95f02", values: milliseconds(\.p99)),
            Series(name: "max", colour: "#7570b3", values: milliseconds(\.maximum)),
        ]
        let all = series.flatMap { $0.values.compactMap { $0 } }
        let low = Self.powerOfTen(atMost: all.min() ?? 1)
        let high = max(low * 10, Self.powerOfTen(atMost: all.max() ?? 1) * 10)
        var ticks: [Double] = []
        var tick = low
        while tick <= high * 1.001 {
            ticks.append(tick)
            tick *= 10
        }
        let scale = Self.logarithm(high / low)
        return panel(
            "latency, ms", Self.latencyPanel, series, ticks, label: { Format.fixed($0, places: $0 < 1 ? 3 : 0) },
            position: { Self.logarithm($0 / low) / scale })
    }

    private func rates() -> String {
        let series = [
            Series(name: "sent/s", colour: "#666666", values: timeline.map { $0.sentPerSecond }),
            Series(name: "acknowledged/s", colour: "#1b9e77", values: timeline.map { $0.acknowledgedPerSecond }),
            Series(
                name: "waiting", colour: "#e7298a",
                values: timeline.map { $0.waiting == 0 ? nil : Double($0.waiting) }),
        ]
        let most = series.flatMap { $0.values.compactMap { $0 } }.max() ?? 1
        let step = Self.step(for: max(most, 1))
        let high = (max(most, 1) / step).rounded(.up) * step
        let ticks = Array(stride(from: 0, through: high * 1.001, by: step))
        return panel(
            "messages", Self.ratePanel, series, ticks, label: { Format.grouped(Int($0)) }, position: { $0 / high })
    }

    private func panel(
        _ name: String, _ area: ClosedRange<Double>, _ series: [Series], _ ticks: [Double], label: (Double) -> String,
        position: (Double) -> Double
    ) -> String {
        func y(_ value: Double) -> String {
            Format.fixed(area.upperBound - position(value) * (area.upperBound - area.lowerBound), places: 1)
        }
        var out = "<text x=\"\(Self.left)\" y=\"\(area.lowerBound - 10)\" fill=\"#444\">\(name)</text>\n"
        for tick in ticks {
            out += "<path d=\"M\(Self.left) \(y(tick))H\(Self.right)\" stroke=\"#ddd\"/>\n"
            out += "<text x=\"\(Self.left - 6)\" y=\"\(y(tick))\" dy=\"4\" text-anchor=\"end\">\(label(tick))</text>\n"
        }
        out += timeTicks(below: area.upperBound)
        for (index, one) in series.enumerated() {
            for points in segments(one.values, y) {
                out += "<polyline fill=\"none\" stroke=\"\(one.colour)\" stroke-width=\"1.5\" points=\"\(points)\"/>\n"
            }
            let x = Self.left + 160 + Double(index) * 130
            out += "<text x=\"\(x)\" y=\"\(area.lowerBound - 10)\" fill=\"\(one.colour)\">\(one.name)</text>\n"
        }
        return out
    }

    private func timeTicks(below bottom: Double) -> String {
        let end = timeline.last?.second ?? 1
        return stride(from: 0, through: end, by: Self.step(for: end)).map { second in
            let label = Format.fixed(second, places: 0)
            return "<text x=\"\(x(second))\" y=\"\(bottom + 18)\" text-anchor=\"middle\">\(label) s</text>\n"
        }.joined()
    }

    private func x(_ second: Double) -> String {
        let end = max(timeline.last?.second ?? 1, 0.001)
        return Format.fixed(Self.left + second / end * (Self.right - Self.left), places: 1)
    }

    /// Runs of points without a gap.
    private func segments(_ values: [Double?], _ y: (Double) -> String) -> [String] {
        var segments: [[String]] = [[]]
        for (entry, value) in zip(timeline, values) {
            if let value {
                segments[segments.count - 1].append("\(x(entry.second)),\(y(value))")
            } else if segments.last?.isEmpty == false {
                segments.append([])
            }
        }
        return segments.filter { !$0.isEmpty }.map { $0.joined(separator: " ") }
    }

    // MARK: - Scales

    private static func powerOfTen(atMost value: Double) -> Double {
        var power = 0.001
        while power * 10 <= value { power *= 10 }
        return power
    }

    /// 1, 2 or 5 times a power of ten that cuts `range` into four to ten pieces.
    static func step(for range: Double) -> Double {
        var step = 1.0
        var factors = [2.0, 2.5, 2.0]
        while range / step > 10 {
            step *= factors[0]
            factors.append(factors.removeFirst())
        }
        return step
    }

    private static func logarithm(_ value: Double) -> Double { value > 0 ? log10(value) : 0 }

    private static func escaped(_ text: String) -> String {
        text.map { $0 == "<" ? "&lt;" : $0 == "&" ? "&amp;" : String($0) }.joined()
    }
}
