import Messages
import Model
import Queue
import Synchronization
import Testing

@testable import RuleEngine

/// "device state" (`rule-engine.md` 3.7, 9).
@Suite struct DeviceStateNodeTests {
    /// Notes the events that owners of devices are told.
    private final class RecordingCore: CoreQueueProducer {
        private let events = Mutex<[String]>([])
        var told: [String] { events.withLock { $0 } }

        func send(_ message: CoreMessage, device: DeviceID) -> Bool {
            let event: String
            switch message {
            case .device(.activity(_, _, let time)): event = "activity \(time)"
            case .device(.connect(_, _, let time)): event = "connect \(time)"
            case .device(.disconnect(_, _, let time)): event = "disconnect \(time)"
            case .device(.inactivity(_, _, let time)): event = "inactivity \(time)"
            default: event = "something else"
            }
            events.withLock { $0.append(event) }
            return true
        }
    }

    private func withHarness(event: String, _ body: (ShardHarness, RecordingCore) async throws -> Void) async throws {
        let core = RecordingCore()
        var chain = ChainBuilder()
        chain.first = "state"
        chain.nodes = [
            ("state", DeviceStateNode.type, "{\"event\":\"\(event)\"}"),
            ("save", ChainBuilder.timeseries, ChainBuilder.saveConfiguration),
        ]
        chain.connections = [("state", "Rate limited", "save")]
        let harness = try await ShardHarness([try chain.definition()], outlets: RuleEngineOutlets(core: core))
        defer { harness.stop() }
        try await body(harness, core)
    }

    @Test(arguments: ["ACTIVITY_EVENT", "CONNECT_EVENT", "DISCONNECT_EVENT", "INACTIVITY_EVENT"])
    func theOwnerHearsOfTheEventAtTheTimeOfTheMessage(_ event: String) async throws {
        try await withHarness(event: event) { harness, core in
            let outcome = try await harness.send("POST_TELEMETRY_REQUEST", data: "{\"a\":1}", metadata: ["ts": "1234"])
            #expect(outcome == .acknowledged)
            #expect(core.told == ["\(event.lowercased().dropLast("_event".count)) 1234"])
        }
    }

    @Test func eventsOfOneDeviceAreLimited() async throws {
        try await withHarness(event: "ACTIVITY_EVENT") { harness, core in
            let device = UUID128.random()
            for _ in 0..<2 {
                _ = try await harness.send("POST_TELEMETRY_REQUEST", data: "{\"a\":1}", originator: device)
            }
            #expect(core.told.count == 1)
            #expect(harness.sink.saved.map(\.entity) == [device])
            _ = try await harness.send("POST_TELEMETRY_REQUEST", data: "{\"a\":1}")
            #expect(core.told.count == 2)
        }
    }

    @Test func anotherEventIsRefused() async throws {
        try await withHarness(event: "POST_TELEMETRY_REQUEST") { harness, core in
            let outcome = try await harness.send("POST_TELEMETRY_REQUEST", data: "{\"a\":1}")
            #expect(outcome == .failed)
            #expect(core.told == [])
        }
    }
}
