import Messages
import Model
import Queue
import Storage
import Synchronization
import TestSupport
import Testing

@testable import RuleEngine

/// When devices hear of attributes that a chain saves (`device-api.md` 7.5).
@Suite struct AttributeAnnouncementTests {
    /// Notes what the owners of devices are told.
    private final class RecordingCore: CoreQueueProducer {
        private let keys = Mutex<[[String]]>([])
        var announced: [[String]] { keys.withLock { $0 } }

        func send(_ message: CoreMessage, device: DeviceID) -> Bool {
            if case .device(.attributesUpdated(_, _, _, let values)) = message {
                keys.withLock { $0.append(values.map(\.key)) }
            }
            return true
        }
    }

    /// Saves attributes, looks what was announced before the commit, and ends the save.
    ///
    /// - Returns: What was announced before and after.
    private func announced(
        scope: String, metadata: [String: String] = [:], isStored: Bool = true
    ) async throws -> (before: [[String]], after: [[String]]) {
        let core = RecordingCore()
        let harness = try await ShardHarness(
            [try ChainBuilder.standard().definition()], completesAtOnce: false, outlets: RuleEngineOutlets(core: core))
        defer { harness.stop() }
        async let outcome = harness.send(
            "POST_ATTRIBUTES_REQUEST", data: "{\"limit\":7}", metadata: metadata.merging(["scope": scope]) { $1 })
        try await eventually("the save") { harness.sink.saved.count == 1 }
        let before = core.announced
        harness.sink.complete(0, isStored: isStored)
        let ended = try await outcome
        #expect(ended == (isStored ? .acknowledged : .failed))
        return (before, core.announced)
    }

    @Test(arguments: ["SHARED_SCOPE", "SERVER_SCOPE"])
    func theDeviceHearsOfAttributesOnceTheyAreStored(_ scope: String) async throws {
        let seen = try await announced(scope: scope)
        #expect(seen.before == [])
        #expect(seen.after == [["limit"]])
    }

    @Test func nobodyHearsOfAttributesThatTheDatabaseRefuses() async throws {
        #expect(try await announced(scope: "SHARED_SCOPE", isStored: false).after == [])
    }

    @Test func clientAttributesAndThoseThatShallNotNotifyAreNotAnnounced() async throws {
        #expect(try await announced(scope: "CLIENT_SCOPE").after == [])
        #expect(try await announced(scope: "SHARED_SCOPE", metadata: ["notifyDevice": "false"]).after == [])
        #expect(try await announced(scope: "SHARED_SCOPE", metadata: ["notifyDevice": "true"]).after == [["limit"]])
    }
}
