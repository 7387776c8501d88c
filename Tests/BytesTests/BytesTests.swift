import Bytes
import Testing

@Suite struct ByteBufferTests {
    @Test func appendsInNetworkOrder() {
        var buffer = ByteBuffer()
        buffer.append(0x01)
        buffer.append(bigEndian: UInt16(0x0203))
        buffer.append(utf8: "é")
        #expect(buffer.copy() == [1, 2, 3, 0xC3, 0xA9])
    }

    @Test func keepsWhatFollowsARemovedFront() {
        var buffer = ByteBuffer()
        for round in 0..<1000 {
            buffer.append([UInt8](repeating: UInt8(truncatingIfNeeded: round), count: 7))
            buffer.removeFirst(5)
        }
        #expect(buffer.count == 2000)
        #expect(buffer.copy().suffix(7) == ArraySlice([UInt8](repeating: UInt8(truncatingIfNeeded: 999), count: 7)))
    }

    @Test func growsOnlyWithWhatIsLive() {
        var buffer = ByteBuffer()
        for _ in 0..<100_000 {
            buffer.append(bigEndian: UInt64(1))
            buffer.removeFirst(8)
        }
        #expect(buffer.allocatedByteCount <= 128)
    }

    @Test func releasedMemoryIsGone() {
        var buffer = ByteBuffer(capacity: 4096)
        buffer.append(1)
        buffer.releaseMemory()
        #expect(buffer.count == 0)
        #expect(buffer.allocatedByteCount == 0)
    }
}
