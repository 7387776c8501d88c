import JSON
import Testing

@testable import LoadTester

@Suite struct ReportTests {
    private var report: LoadReport {
        var report = LoadReport(options: LoadTestOptions())
        report.seconds = 2
        report.counters.sent = 2000
        report.counters.acknowledged = 2000
        for value in UInt64(1)...2000 { report.latencies.record(microseconds: value) }
        var snapshot = LoopSnapshot()
        snapshot.counters.acknowledged = 1000
        snapshot.latencies = report.latencies
        report.timeline = [1.0, 2.0].map { TimelineEntry(from: LoadCounters(), to: snapshot, second: $0, seconds: 1) }
        return report
    }

    @Test func theVerificationLineIsTheLastOne() {
        var report = report
        report.verification = VerificationResult(acknowledged: 10, stored: 10)
        #expect(report.text.hasSuffix("\nacknowledged 10, stored 10, lost 0\n"))
        #expect(report.isSound)
        report.verification?.stored = 9
        #expect(report.text.hasSuffix("acknowledged 10, stored 9, lost 1\n"))
        #expect(!report.isSound)
    }

    @Test func theJSONReportIsJSON() throws {
        var report = report
        report.verification = VerificationResult(acknowledged: 10, stored: 9)
        let value = try JSONValue.parse(report.json)
        #expect(value["acknowledgedPerSecond"]?.doubleValue == 1000)
        #expect(value["valuesPerSecond"]?.doubleValue == 3000)
        #expect(value["latency"]?["p99"]?.doubleValue == 1.98)
        #expect(value["verification"]?["lost"]?.integerValue == 1)
        #expect(value["timeline"]?.arrayValue?.count == 2)
    }

    @Test func theDrawingStaysInsideItsPaper() {
        let svg = Plot(timeline: report.timeline, title: "a < b & c").svg
        #expect(svg.contains("a &lt; b &amp; c"))
        #expect(svg.contains("<polyline"))
        #expect(!svg.contains("nan") && !svg.contains("inf"))
    }

    @Test func anEmptyRunIsDrawnToo() {
        #expect(Plot(timeline: [], title: "").svg.hasSuffix("</svg>\n"))
    }

    @Test(arguments: [(1.0, 1.0), (9, 1), (11, 2), (60, 10), (120_000, 20_000)])
    func scalesHaveRoundSteps(range: Double, step: Double) {
        #expect(Plot.step(for: range) == step)
    }

    @Test func numbersAreGrouped() {
        #expect(Format.grouped(0) == "0")
        #expect(Format.grouped(1234) == "1 234")
        #expect(Format.grouped(-1_234_567) == "-1 234 567")
    }

    @Test func numbersAreRounded() {
        #expect(Format.fixed(1.005, places: 1) == "1.0")
        #expect(Format.fixed(-0.06, places: 1) == "-0.1")
        #expect(Format.fixed(99.95, places: 0) == "100")
        #expect(Format.milliseconds(412) == "0.412 ms")
        #expect(Format.milliseconds(12_345) == "12.3 ms")
        #expect(Format.milliseconds(1_240_000) == "1 240 ms")
    }
}
