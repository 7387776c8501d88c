import Metrics
import Testing

@Suite struct RenderingTests {
    @Test func countersAndGaugesAreRenderedByName() {
        let registry = MetricsRegistry()
        registry.gauge("b_connections", help: "Open connections.").set(2.5)
        registry.counter("a_packets_total", help: "Packets.", labels: ["type": "publish"]).increment(by: 3)
        registry.counter("a_packets_total", help: "Packets.", labels: ["type": "connect"]).increment()
        #expect(
            registry.render() == """
                # HELP a_packets_total Packets.
                # TYPE a_packets_total counter
                a_packets_total{type="connect"} 1
                a_packets_total{type="publish"} 3
                # HELP b_connections Open connections.
                # TYPE b_connections gauge
                b_connections 2.5

                """)
    }

    @Test func histogramsAreCumulative() {
        let registry = MetricsRegistry()
        let histogram = registry.histogram(
            "wait_seconds", help: "Waits.", labels: ["queue": "Main"], buckets: [0.1, 1])
        histogram.observe(0.1)
        histogram.observe(0.5, count: 3)
        histogram.observe(7)
        #expect(
            registry.render() == """
                # HELP wait_seconds Waits.
                # TYPE wait_seconds histogram
                wait_seconds_bucket{queue="Main",le="0.1"} 1
                wait_seconds_bucket{queue="Main",le="1"} 4
                wait_seconds_bucket{queue="Main",le="+Inf"} 5
                wait_seconds_sum{queue="Main"} 8.6
                wait_seconds_count{queue="Main"} 5

                """)
        #expect(histogram.count == 5)
    }

    @Test func helpAndLabelValuesAreEscaped() {
        let registry = MetricsRegistry()
        registry.counter("c_total", help: "A \\ and\na \"quote\".", labels: ["v": "a\"b\\c\nd"]).increment()
        let text = registry.render()
        #expect(text.contains("# HELP c_total A \\\\ and\\na \"quote\".\n"))
        #expect(text.contains(#"c_total{v="a\"b\\c\nd"} 1"#))
    }

    @Test(arguments: [
        (Double.nan, "NaN"), (.infinity, "+Inf"), (-.infinity, "-Inf"), (3, "3"), (-0.25, "-0.25"), (1e300, "1e+300"),
    ])
    func numbersAreThoseOfTheFormat(_ value: Double, _ expected: String) {
        let registry = MetricsRegistry()
        registry.gauge("g", help: "G.").set(value)
        #expect(registry.render().hasSuffix("g \(expected)\n"))
    }

    @Test func valuesKeptElsewhereAreReadAtEveryRendering() {
        let registry = MetricsRegistry()
        let source = registry.counter("source_total", help: "S.")
        registry.gauge("depth", help: "D.") { Double(source.value) }
        registry.counter("copy_total", help: "C.") { Double(source.value) }
        source.increment(by: 7)
        #expect(registry.render().contains("depth 7\n"))
        #expect(registry.render().contains("copy_total 7\n"))
    }
}

@Suite struct RegistrationTests {
    @Test func sameNameAndLabelsGiveTheSameHandle() {
        let registry = MetricsRegistry()
        let one = registry.counter("c_total", help: "C.", labels: ["a": "1", "b": "2"])
        #expect(registry.counter("c_total", help: "C.", labels: ["b": "2", "a": "1"]) === one)
        #expect(registry.counter("c_total", help: "C.", labels: ["a": "1"]) !== one)
    }

    @Test func oneNameHasOneKind() async {
        await #expect(processExitsWith: .failure) {
            let registry = MetricsRegistry()
            _ = registry.counter("c", help: "C.")
            _ = registry.gauge("c", help: "C.")
        }
    }

    @Test func wrongNamesStopTheProcess() async {
        await #expect(processExitsWith: .failure) { _ = MetricsRegistry().counter("a.b", help: "") }
    }
}

@Suite struct InstrumentTests {
    @Test func additionsOfManyThreadsAreAllCounted() async {
        let registry = MetricsRegistry()
        let counter = registry.counter("c_total", help: "C.")
        let gauge = registry.gauge("g", help: "G.")
        let histogram = registry.histogram("h", help: "H.", buckets: [1])
        await withTaskGroup { group in
            for _ in 0..<4 {
                group.addTask {
                    for _ in 0..<1000 {
                        counter.increment()
                        gauge.add(0.5)
                        histogram.observe(2)
                    }
                }
            }
        }
        #expect(counter.value == 4000)
        #expect(gauge.value == 2000)
        #expect(histogram.count == 4000)
        #expect(histogram.sum == 8000)
    }

    @Test func aBoundBelongsToItsBucket() {
        let registry = MetricsRegistry()
        let histogram = registry.histogram("h", help: "H.", buckets: Histogram.countBuckets)
        for bound in Histogram.countBuckets { histogram.observe(bound) }
        let text = registry.render()
        for (index, bound) in Histogram.countBuckets.enumerated() {
            #expect(text.contains("h_bucket{le=\"\(Int(bound))\"} \(index + 1)\n"))
        }
    }
}

@Suite struct ProcessMetricsTests {
    @Test func theProcessIsDescribed() throws {
        let registry = MetricsRegistry()
        ProcessMetrics.register(in: registry)
        var values: [String: Double] = [:]
        for line in registry.render().split(separator: "\n") where !line.hasPrefix("#") {
            let parts = line.split(separator: " ")
            values[String(parts[0])] = Double(parts[1])
        }
        #expect(try #require(values["process_resident_memory_bytes"]) > 1_000_000)
        let virtualMemory = try #require(values["process_virtual_memory_bytes"])
        #expect(virtualMemory > values["process_resident_memory_bytes"]!)
        #expect(try #require(values["process_cpu_seconds_total"]) > 0)
        #expect(try #require(values["process_open_fds"]) >= 1)
        #expect(try #require(values["process_max_fds"]) >= 64)
        #expect(try #require(values["process_threads"]) >= 1)
        #expect(try #require(values["process_start_time_seconds"]) > 1_600_000_000)
    }
}
