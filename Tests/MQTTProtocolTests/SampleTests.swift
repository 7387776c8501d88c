import Bytes
import MQTTProtocol
import Testing

@Suite struct SampleTests {
    @Test(arguments: samples)
    func decodesWhole(_ sample: Sample) throws {
        let decoded = try #require(try AnyPacket.decode(sample.bytes.span, sample.version))
        #expect(decoded.packet == sample.packet)
        #expect(decoded.end == sample.bytes.count)
    }

    @Test(arguments: samples)
    func encodesToTheSampleBytes(_ sample: Sample) {
        #expect(sample.packet.encoded(sample.version) == sample.bytes)
    }

    @Test(arguments: samples)
    func everyProperPrefixNeedsMore(_ sample: Sample) throws {
        for length in 0..<sample.bytes.count {
            let prefix = Array(sample.bytes[..<length])
            #expect(try AnyPacket.decode(prefix.span, sample.version) == nil, "\(length) bytes")
        }
    }

    @Test(arguments: samples)
    func decodesFromBytesThatArriveOneByOne(_ sample: Sample) throws {
        var buffer = ByteBuffer()
        var arrived: AnyPacket?
        for byte in sample.bytes + sample.bytes {
            buffer.append(byte)
            let end = try buffer.withSpan { bytes -> Int? in
                guard let decoded = try AnyPacket.decode(bytes, sample.version) else { return nil }
                #expect(decoded.packet == sample.packet)
                arrived = decoded.packet
                return decoded.end
            }
            if let end { buffer.removeFirst(end) }
        }
        #expect(arrived != nil)
        #expect(buffer.copy() == [])
    }

    @Test(arguments: samples)
    func decodesBehindOtherBytes(_ sample: Sample) throws {
        let bytes = [0xFF, 0xFF, 0xFF] + sample.bytes + [0xFF]
        let decoded = try #require(try AnyPacket.decode(bytes.span, at: 3, sample.version))
        #expect(decoded.packet == sample.packet)
        #expect(decoded.end == bytes.count - 1)
    }

    @Test(arguments: samples)
    func everyShorterBodyWithAMatchingLengthIsAnotherPacketOrAnError(_ sample: Sample) {
        for count in 0..<max(0, sample.bytes.count - 2) {
            let bytes = Array(sample.bytes[2..<(2 + count)]).framed(sample.bytes[0])
            guard let decoded = try? AnyPacket.decode(bytes.span, sample.version) else { continue }
            #expect(decoded.packet != sample.packet, "\(count) bytes")
        }
    }
}
