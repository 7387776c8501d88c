import Glibc
import Synchronization
import Testing

@testable import Logging

/// A sink into a pipe, with clocks that stand still until they are moved.
final class LogCapture: Sendable {
    let sink: LogSink
    private let readEnd: Int32
    private let writeEnd: Int32
    private let monotonic: MovableClock

    final class MovableClock: Sendable {
        let nanoseconds = Atomic<UInt64>(1_000_000_000)
    }

    init(level: LogLevel = .trace, format: LogFormat = .text, burst: Int = 10) throws {
        var ends: [Int32] = [0, 0]
        let status = pipe(&ends)
        try #require(status == 0)
        for end in ends { try #require(fcntl(end, F_SETFL, O_NONBLOCK) == 0) }
        (readEnd, writeEnd) = (ends[0], ends[1])
        let clock = MovableClock()
        monotonic = clock
        sink = LogSink(
            level: level, format: format, descriptor: writeEnd, burst: burst, interval: .seconds(10),
            clock: LogClock(
                wallMilliseconds: { 1_795_234_260_123 },
                monotonicNanoseconds: { clock.nanoseconds.load(ordering: .relaxed) }))
    }

    deinit {
        close(readEnd)
        close(writeEnd)
    }

    func advance(seconds: UInt64) {
        monotonic.nanoseconds.wrappingAdd(seconds * 1_000_000_000, ordering: .relaxed)
    }

    /// What was written since the last call.
    func text() -> String {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(readEnd, &chunk, chunk.count)
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += chunk[..<count]
        }
    }

    func lines() -> [Substring] {
        text().split(separator: "\n")
    }
}

@Suite struct LogLineTests {
    @Test func textLineHasTimeLevelLabelMessageAndMetadata() throws {
        let capture = try LogCapture()
        Logger(label: "mqtt", sink: capture.sink).info(
            "client connected", ["client_id": "x", "count": 5, "ratio": 0.5, "clean": true])
        let expected =
            #"2026-11-21T04:11:00.123Z INFO  mqtt: client connected client_id="x" count=5 ratio=0.5 clean=true"#
        #expect(capture.text() == expected + "\n")
    }

    @Test func jsonLineIsOneObject() throws {
        let capture = try LogCapture(format: .json)
        Logger(label: "mqtt", sink: capture.sink).error(
            "no \"room\"", ["device": "a\"b", "n": -1, "nan": .double(.nan)])
        let head = #"{"time":"2026-11-21T04:11:00.123Z","level":"error","logger":"mqtt","message":"no \"room\"""#
        #expect(capture.text() == head + #","device":"a\"b","n":-1,"nan":"nan"}"# + "\n")
    }

    @Test func metadataCannotReplaceAJSONLinesOwnMembers() throws {
        let capture = try LogCapture(format: .json)
        Logger(label: "x", sink: capture.sink).info("m", ["level": "none"])
        #expect(capture.text().contains(#""metadata.level":"none""#))
    }

    @Test(arguments: LogFormat.allCases)
    func controlCharactersAreEscaped(_ format: LogFormat) throws {
        let capture = try LogCapture(format: format)
        let spoof = "a\nERROR b\r\t\u{1B}[31m\u{0}\u{7F}\u{9B}\u{2028}\u{202E}\\é😀"
        Logger(label: "x", sink: capture.sink).info("m", ["v": .string(spoof)])
        let escaped = #"a\nERROR b\r\t\u001b[31m\u0000\u007f\u009b\u2028\u202e\\é😀"#
        let text = capture.text()
        #expect(text.contains("\"\(escaped)\""))
        #expect(text.filter { $0 == "\n" }.count == 1)
    }

    @Test func longValuesAreCut() throws {
        let capture = try LogCapture()
        Logger(label: "x", sink: capture.sink).info("m", ["v": .string(String(repeating: "y", count: 100_000))])
        let text = capture.text()
        #expect(text.hasSuffix("y…\"\n"))
        #expect(text.utf8.count < 1200)
    }

    @Test(arguments: LogFormat.allCases)
    func whatDoesNotFitALineIsLeftOutAndSaid(_ format: LogFormat) throws {
        let capture = try LogCapture(format: format)
        var metadata = LogMetadata()
        for index in 0..<10 { metadata["key\(index)"] = .string(String(repeating: "z", count: 900)) }
        Logger(label: "x", sink: capture.sink).info("m", metadata)
        let text = capture.text()
        #expect(text.utf8.count <= LogLine.maximumBytes)
        #expect(text.hasSuffix(format == .json ? ",\"truncated\":true}\n" : " truncated=true\n"))
    }

    @Test func aRepeatedKeyTakesTheLaterValue() {
        let metadata: LogMetadata = ["a": 1, "b": 2, "a": 3]
        #expect(metadata.pairs.map(\.key) == ["a", "b"])
        #expect(metadata["a"] == .integer(3))
    }

    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"), (4_107_542_399_999, "2100-02-28T23:59:59.999Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"), (1_735_689_599_999, "2024-12-31T23:59:59.999Z"),
        ] as [(Int64, String)])
    func timestampsFollowTheCalendar(_ milliseconds: Int64, _ expected: String) {
        var bytes: [UInt8] = []
        Timestamp(milliseconds: milliseconds).append(to: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self) == expected)
    }
}

@Suite struct LoggerTests {
    @Test func linesBelowTheLevelCostNothing() throws {
        let capture = try LogCapture(level: .warning)
        let logger = Logger(label: "x", sink: capture.sink)
        func metadata() -> LogMetadata {
            Issue.record("metadata was built")
            return [:]
        }
        logger.debug("m", metadata())
        logger.limited(.notice, "m", metadata())
        Logger.disabled.critical("m", metadata())
        #expect(capture.text().isEmpty)
        #expect(!logger.isEnabled(.notice))
        #expect(logger.isEnabled(.warning))
    }

    @Test func everyLevelHasItsName() {
        for level in LogLevel.allCases { #expect(LogLevel(name: "\(level.name)") == level) }
        #expect(LogLevel(name: "WARN") == .warning)
        #expect(LogLevel(name: "loud") == nil)
    }

    @Test func linesOfManyThreadsAreNotTorn() async throws {
        let capture = try LogCapture()
        await withTaskGroup { group in
            for task in 0..<4 {
                group.addTask {
                    let logger = Logger(label: "t\(task)", sink: capture.sink)
                    for index in 0..<100 { logger.info("m", ["index": .integer(index)]) }
                }
            }
        }
        let lines = capture.lines()
        #expect(lines.count == 400)
        #expect(lines.allSatisfy { $0.contains(" m index=") })
    }
}

@Suite struct RateLimitTests {
    @Test func aBurstPassesAndTheRestIsCounted() throws {
        let capture = try LogCapture(burst: 3)
        let logger = Logger(label: "x", sink: capture.sink)
        func complain() { logger.limited(.warning, "malformed packet") }
        for _ in 0..<10 { complain() }
        #expect(capture.lines().count == 3)
        capture.advance(seconds: 10)
        complain()
        #expect(capture.text().hasSuffix("malformed packet suppressed=7\n"))
        complain()
        #expect(capture.text().hasSuffix("malformed packet\n"))
    }

    @Test func messagesAreLimitedApart() throws {
        let capture = try LogCapture(burst: 1)
        let logger = Logger(label: "x", sink: capture.sink)
        logger.limited(.warning, "one")
        logger.limited(.warning, "other")
        logger.labelled("y").limited(.warning, "one")
        #expect(capture.lines().count == 3)
    }
}

@Suite struct StalledReaderTests {
    @Test func linesAreDroppedAndCountedWhileNobodyReads() throws {
        let capture = try LogCapture()
        let logger = Logger(label: "x", sink: capture.sink)
        let value = String(repeating: "v", count: 1000)
        for _ in 0..<1000 { logger.info("m", ["v": .string(value)]) }
        let before = capture.lines()
        #expect(before.count < 100)
        #expect(before.allSatisfy { $0.hasSuffix("\"") }, "only whole lines get out")
        logger.info("again")
        let after = capture.lines()
        let dropped = "log: lines were dropped, the reader does not keep up count=\(1000 - before.count)"
        #expect(after.first?.hasSuffix(dropped) == true)
        #expect(after.last?.hasSuffix("x: again") == true)
    }
}
