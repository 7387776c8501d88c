internal import Glibc
internal import JSON

extension LoadReport {
    /// Writes the files that the options ask for.
    ///
    /// - Returns: what went wrong, one sentence each.
    func writeFiles() -> [String] {
        var problems: [String] = []
        do {
            if let path = options.jsonPath { try SystemFile.write(json, to: path) }
            if let path = options.plotPath, !writePlot(to: path) { problems.append("\(path) could not be drawn") }
        } catch {
            problems.append("\(error)")
        }
        return problems
    }

    private func writePlot(to path: String) -> Bool {
        let rate = Format.grouped(Int(acknowledgedPerSecond.rounded()))
        let p99 = Format.milliseconds(latencies.percentile(99))
        let title =
            "\(Format.grouped(options.devices.count)) devices, \(rate) messages/s acknowledged, p99 \(p99)"
        let plot = Plot(timeline: timeline, title: title)
        guard path.hasSuffix(".png") else { return (try? SystemFile.write(plot.svg, to: path)) != nil }
        let usesGnuplot = ImageConverter.installedProgram() == nil
        let source = path + (usesGnuplot ? ".gnuplot" : ".svg")
        defer { unlink(source) }
        let text = usesGnuplot ? gnuplotScript(title: title, output: path) : plot.svg
        guard (try? SystemFile.write(text, to: source)) != nil else { return false }
        return usesGnuplot ? ImageConverter.gnuplot(script: source) : ImageConverter.convert(svg: source, png: path)
    }

    /// The same two panels for gnuplot, with the data inside the script.
    private func gnuplotScript(title: String, output: String) -> String {
        let rows = timeline.map { entry in
            let latencies = [entry.p50, entry.p99, entry.maximum].map { $0 == 0 ? "NaN" : "\(Double($0) / 1000)" }
            let rates = [entry.second, entry.sentPerSecond, entry.acknowledgedPerSecond].map { "\($0)" }
            return (rates + ["\(entry.waiting)"] + latencies).joined(separator: " ")
        }
        return """
            $run << END
            \(rows.joined(separator: "\n"))
            END
            set terminal png size 960,640
            set output \(JSONValue.string(output).serializedString)
            set multiplot layout 2,1 title \(JSONValue.string(title).serializedString)
            set grid
            set key outside top horizontal
            set logscale y
            set ylabel "latency, ms"
            plot $run using 1:5 with lines title "p50", $run using 1:6 with lines title "p99", \
            $run using 1:7 with lines title "max"
            unset logscale y
            set yrange [0:*]
            set offsets 0, 0, graph 0.1, 0
            set ylabel "messages"
            set xlabel "seconds"
            plot $run using 1:2 with lines title "sent/s", $run using 1:3 with lines title "acknowledged/s", \
            $run using 1:4 with lines title "waiting"

            """
    }
}
