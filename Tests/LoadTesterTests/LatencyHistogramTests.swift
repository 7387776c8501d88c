import Testing

@testable import LoadTester

@Suite struct LatencyHistogramTests {
    @Test func smallValuesAreExact() {
        var histogram = LatencyHistogram()
        for value in UInt64(1)...1000 { histogram.record(microseconds: value) }
        #expect(histogram.count == 1000)
        #expect(histogram.percentile(50) == 500)
        #expect(histogram.percentile(99) == 990)
        #expect(histogram.percentile(100) == 1000)
        #expect(histogram.maximum == 1000)
        #expect(histogram.mean == 500.5)
    }

    @Test(arguments: [2047, 2048, 2049, 4095, 4096, 12_345, 1_000_000, 59_999_999, (1 << 32) - 1] as [UInt64])
    func everyValueKeepsThreeDigits(value: UInt64) {
        let index = LatencyHistogram.index(of: value)
        let highest = LatencyHistogram.highestValue(in: index)
        #expect(highest >= value)
        #expect(Double(highest - value) <= Double(value) / 1000)
        #expect(LatencyHistogram.index(of: highest) == index)
        #expect(LatencyHistogram.index(of: min(highest + 1, LatencyHistogram.maximumValue)) >= index)
    }

    @Test func bucketsFollowEachOther() {
        var last = -1
        for value in stride(from: UInt64(0), to: 100_000, by: 1) {
            let index = LatencyHistogram.index(of: value)
            #expect(index == last || index == last + 1)
            last = index
        }
    }

    @Test func tooLargeValuesCountAsTheLargest() {
        var histogram = LatencyHistogram()
        histogram.record(microseconds: .max)
        #expect(histogram.percentile(50) == LatencyHistogram.maximumValue)
    }

    @Test func aPercentileNeverExceedsTheMaximum() {
        var histogram = LatencyHistogram()
        histogram.record(microseconds: 1_000_001)
        #expect(histogram.percentile(99) == 1_000_001)
    }

    @Test func addingIsRecordingBoth() {
        var one = LatencyHistogram()
        var other = LatencyHistogram()
        one.record(microseconds: 10, occurrences: 3)
        other.record(microseconds: 5000)
        one.add(other)
        #expect(one.count == 4)
        #expect(one.percentile(75) == 10)
        #expect(one.maximum == 5000)
        one.reset()
        #expect(one.isEmpty)
        #expect(one.percentile(99) == 0)
    }
}
