import MQTTProtocol
import Messages
import Model
import TestSupport
import Testing
import TransportCore

@testable import MQTTTransport

/// OTA packages in chunks (`device-api.md` 9.3).
@Suite struct OTATests {
    private func withPackage(
        _ version: MQTTVersion = .v3_1_1, _ body: (TestClient, Harness) async throws -> Void
    ) async throws {
        try await Harness.run(prepare: { _, _, api in
            api.configure {
                $0.data = (0..<25).map { UInt8($0) }
                $0.ota = .found(
                    OTAPackageInfo(
                        id: OTAPackageID(.random()), kind: .firmware, title: "t", version: "1", contentType: "",
                        fileName: "f", size: 25))
            }
        }) { harness in
            try await body(try harness.connected(version), harness)
        }
    }

    @Test func chunksHaveTheirSizeAndEndEmpty() async throws {
        try await withPackage { client, _ in
            for (chunk, expected) in [(0, 0..<10), (1, 10..<20), (2, 20..<25), (3, 0..<0), (1, 10..<20)] {
                let identifier = client.publish("v2/fw/request/1/chunk/\(chunk)", "10")
                try client.expectPuback(identifier, 0)
                let message = try client.message()
                #expect(message.topic == "v2/fw/response/1/chunk/\(chunk)")
                #expect(message.bytes == expected.map { UInt8($0) })
            }
            // The size of the request id holds on.
            try client.expectPuback(client.publish("v2/fw/request/1/chunk/2", ""), 0)
            try client.expectMessage { $0.bytes.count == 5 }
            // Without any size it is everything at once.
            try client.expectPuback(client.publish("v2/fw/request/2/chunk/0", "0"), 0)
            try client.expectMessage { $0.bytes.count == 25 }
        }
    }

    @Test func absurdChunksAreEmpty() async throws {
        try await withPackage { client, _ in
            for chunk in ["999999999999999999", "100000000000000000"] {
                try client.expectPuback(client.publish("v2/fw/request/1/chunk/\(chunk)", "65536"), 0)
                try client.expectMessage { $0.bytes == [] }
            }
        }
    }

    @Test func withoutAPackageTheReasonIsPublishedAndTheConnectionCloses() async throws {
        try await Harness.run { harness in
            let client = try harness.connected(.v5)
            client.publish("v2/sw/request/1/chunk/0", "10")
            let message = try client.message()
            #expect(message.topic == "v2/fw/error" && message.payload == "NOT_FOUND")
            try client.expectDisconnect(0x83)
        }
    }

    @Test func tooLargeChunksAndBadSizes() async throws {
        try await withPackage(.v5) { client, harness in
            client.publish("v2/fw/request/1/chunk/0", "65537")
            try client.expectMessage { $0.payload == "PAYLOAD_TOO_LARGE" }
            try client.expectDisconnect(0x83)
            let other = try harness.connected(.v5)
            other.publish("v2/fw/request/1/chunk/0", "ten")
            try other.expectDisconnect(0x8B)
        }
    }
}
