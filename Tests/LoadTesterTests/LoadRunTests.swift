import Glibc
import JSON
import Testing

@testable import LoadTester

/// Whole runs against a server in this process; each lasts a second.
@Suite struct LoadRunTests {
    private func options(_ broker: FakeBroker, _ change: (inout LoadTestOptions) -> Void) -> LoadTestOptions {
        var options = LoadTestOptions()
        options.mqttHost = "127.0.0.1"
        options.mqttPort = broker.port
        options.plainTopic = "t"
        options.devices = 0..<10
        options.durationSeconds = 1
        options.isQuiet = true
        change(&options)
        return options
    }

    private func run(_ options: LoadTestOptions, ledger: LedgerFile? = nil) async throws -> LoadReport {
        let run = try LoadRun(options: options, ledger: ledger, console: Console(showsProgress: false))
        return try await run.run(api: nil, identifiers: [])
    }

    @Test func theScheduleIsPlayedToItsEnd() async throws {
        let broker = try await FakeBroker()
        defer { broker.stop() }
        let report = try await run(options(broker) { $0.pace = .open(messagesPerSecond: 500) })
        #expect(report.counters.due == 500)
        #expect(report.counters.sent == report.counters.due)
        #expect(report.counters.acknowledged == report.counters.sent)
        #expect(Int(report.latencies.count) == report.counters.acknowledged)
        #expect(report.unacknowledged == 0 && report.counters.errors == 0)
        #expect(broker.record.seen.acknowledged.count == report.counters.acknowledged)
    }

    @Test(arguments: [1, 3])
    func aClosedLoopKeepsItsMessagesInFlight(threads: Int) async throws {
        let broker = try await FakeBroker()
        defer { broker.stop() }
        let report = try await run(
            options(broker) {
                $0.pace = .closed(inFlight: 4)
                $0.threadCount = threads
            })
        #expect(report.counters.acknowledged > 40)
        #expect(report.counters.acknowledged == report.counters.sent)
        #expect(report.openConnections == 10)
    }

    @Test func whatALostConnectionLeftIsSentAgainUnchanged() async throws {
        let broker = try await FakeBroker(messagesPerConnection: 7)
        defer { broker.stop() }
        let path = "/tmp/needletail-run-test-\(getpid())-\(UInt64.random(in: 0...UInt64.max))"
        defer { unlink(path) }
        let report = try await run(
            options(broker) {
                $0.pace = .open(messagesPerSecond: 500)
                $0.drainSeconds = 60
            }, ledger: try LedgerFile(path: path, payload: .smartMeter))
        let seen = broker.record.seen
        #expect(report.counters.connectionsLost > 10)
        #expect(report.counters.resent > 10)
        #expect(report.unacknowledged == 0)
        #expect(seen.connections > 20)

        // Everything that was published was acknowledged in the end.
        #expect(Set(seen.published) == Set(seen.acknowledged))

        // The ledger holds what the broker acknowledged and the tester got to hear of: each message once.
        let ledger = try LedgerContents(readingFile: path)
        #expect(ledger.recordCount == report.counters.acknowledged)
        let stamps = try seen.acknowledged.map { try #require(JSONValue.parse($0)["ts"]?.integerValue) }
        #expect(ledger.devices.allSatisfy { $0.timestamps.allSatisfy(Set(stamps).contains) })
    }

    @Test func aSlowServerMakesMessagesLate() async throws {
        let broker = try await FakeBroker(messagesPerConnection: 1)
        defer { broker.stop() }
        let report = try await run(
            options(broker) {
                $0.pace = .open(messagesPerSecond: 2000)
                $0.inFlightLimit = 1
                $0.drainSeconds = 0
            })
        #expect(report.mostWaiting > 0)
    }

    @Test func aServerThatIsNotThereIsReported() async throws {
        let broker = try await FakeBroker()
        let options = options(broker) { $0.mqttHost = "host.invalid" }
        broker.stop()
        await #expect(throws: LoadTestError.self) { try await run(options) }
    }
}
