import Messages
import Telemetry
import TestSupport
import Testing
import Wire

@Suite struct FuzzTests {
    @Test func bytesThatAreNoMessageGiveAnErrorAndNothingElse() {
        var random = SeededRandom(seed: 7)
        var samples = Samples(SeededRandom(seed: 8))
        var encoder = WireEncoder()
        let decoder = WireDecoder()
        let batch = UplinkBatch()
        var refused = 0
        for round in 0..<20_000 {
            switch round % 4 {
            case 0: encoder.encode(samples.coreMessage())
            case 1: encoder.encode(samples.transportNotification())
            case 2: encoder.encode(samples.ruleMessage())
            default: encoder.encode(uplink: samples.uplinks(), index: 0, id: samples.uuid())
            }
            var bytes = encoder.bytes
            for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
                let index = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0...3, using: &random) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.removeSubrange(index...)
                case 2: bytes.insert(UInt8.random(in: 0...255, using: &random), at: index)
                default: bytes[index] ^= 1 << UInt8.random(in: 0...7, using: &random)
                }
            }
            let points = batch.arena.count
            bytes.withUnsafeBytes { bytes in
                do throws(WireError) {
                    switch round % 4 {
                    case 0: _ = try decoder.coreMessage(bytes)
                    case 1: _ = try decoder.transportNotification(bytes)
                    default: _ = try decoder.ruleMessage(bytes, into: batch)
                    }
                } catch {
                    refused += 1
                    #expect(batch.arena.count == points, "a refused record leaves points behind")
                }
            }
            if batch.arena.count > 100_000 { batch.removeAll() }
        }
        #expect(refused > 1000)
    }

    @Test func emptyRecordIsNoMessage() {
        let empty = UnsafeRawBufferPointer(start: nil, count: 0)
        #expect(throws: WireError.unknown) { try WireDecoder().coreMessage(empty) }
        #expect(throws: WireError.missing("tb_msg")) { try WireDecoder().ruleMessage(empty, into: UplinkBatch()) }
    }

    @Test func textThatIsNoUTF8IsRefused() {
        // ToTransportMsg.to_device_request.method_name = FF
        let bytes: [UInt8] = [0x32, 0x03, 0x12, 0x01, 0xFF]
        _ = bytes.withUnsafeBytes { bytes in
            #expect(throws: WireError.invalid("method_name")) { try WireDecoder().transportNotification(bytes) }
        }
    }

    @Test func smallBytesCannotAskForLargeMemory() {
        // A length of 2 GiB in front of nothing.
        let bytes: [UInt8] = [0x1A, 0xFF, 0xFF, 0xFF, 0xFF, 0x07]
        _ = bytes.withUnsafeBytes { bytes in
            #expect(throws: WireError.malformed) { try WireDecoder().ruleMessage(bytes, into: UplinkBatch()) }
        }
    }
}
