import Bytes
import TestSupport
import Testing

@testable import WebSocket

@Suite struct DecoderTests {
    private func read(_ frames: ClientFrame...) -> FrameOracle.Reading {
        let bytes = frames.flatMap(\.bytes)
        return FrameOracle.read(bytes, pieces: [bytes.count])
    }

    private func text(_ reading: FrameOracle.Reading) -> String { String(decoding: reading.payload, as: UTF8.self) }

    // MARK: - What is right

    @Test func theMaskedExampleOfTheStandardIsRead() {
        // RFC 6455 5.7.
        let bytes: [UInt8] = [0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58]
        let reading = FrameOracle.read(bytes, pieces: [bytes.count])
        #expect(text(reading) == "Hello|")
        #expect(reading.consumed == bytes.count)
    }

    @Test(arguments: [0, 1, 7, 8, 9, 125, 126, 127, 65_535, 65_536, 70_000])
    func payloadsOfEveryLengthAreUnmasked(_ count: Int) {
        let payload = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let reading = read(ClientFrame(.binary, payload))
        #expect(reading.payload == payload + [UInt8(ascii: "|")])
        #expect(reading.error == nil)
    }

    @Test func messagesMayHavePartsAndControlFramesBetweenThem() {
        let reading = read(
            ClientFrame(.text, Array("one ".utf8), isFinal: false), ClientFrame(.ping, [1, 2]),
            ClientFrame(.continuation, [], isFinal: false), ClientFrame(.pong, []),
            ClientFrame(.continuation, Array("two".utf8)), ClientFrame(.binary, []), ClientFrame(.close, []))
        #expect(text(reading) == "one two||")
        #expect(reading.controls == [.ping([1, 2]), .pong([]), .close(nil)])
    }

    @Test func aClientClosesWithAReason() {
        let reading = read(ClientFrame(.close, [0x03, 0xE8] + Array("bye".utf8)))
        #expect(reading.controls == [.close(.normal)])
    }

    // MARK: - What is wrong

    static let wrong: [(String, [UInt8], WebSocketError)] = [
        ("a reserved bit", [0xC2, 0x80, 0, 0, 0, 0], .reservedBits),
        ("an unknown kind of data", [0x83, 0x80, 0, 0, 0, 0], .unknownOpcode),
        ("an unknown control frame", [0x8B, 0x80, 0, 0, 0, 0], .unknownOpcode),
        ("no mask", [0x82, 0x00], .unmasked),
        ("a part of a control frame", [0x09, 0x80, 0, 0, 0, 0], .invalidControlFrame),
        ("a long control frame", [0x89, 0xFE, 0, 126], .invalidControlFrame),
        ("a short length in two bytes", [0x82, 0xFE, 0, 125, 0, 0, 0, 0], .invalidLength),
        ("a short length in eight bytes", [0x82, 0xFF, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0], .invalidLength),
        ("a length of 64 bits", [0x82, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], .invalidLength),
        ("the end of nothing", [0x80, 0x80, 0, 0, 0, 0], .invalidFragment),
        (
            "a message in a message", [0x02, 0x80, 0, 0, 0, 0, 0x82, 0x80, 0, 0, 0, 0],
            .invalidFragment
        ),
        ("a close code that is cut off", [0x88, 0x81, 0, 0, 0, 0, 3], .invalidCloseCode),
        ("a close code that is for programs only", [0x88, 0x82, 0, 0, 0, 0, 0x03, 0xED], .invalidCloseCode),
        ("a close code that nobody has", [0x88, 0x82, 0, 0, 0, 0, 0x00, 0x63], .invalidCloseCode),
        ("a close reason that is no text", [0x88, 0x83, 0, 0, 0, 0, 0x03, 0xE8, 0xFF], .invalidCloseReason),
    ]

    @Test(arguments: wrong.indices)
    func wrongFramesAreRefusedWhereverTheyAreCut(_ index: Int) throws {
        let (name, bytes, error) = Self.wrong[index]
        let reading = try FrameOracle.check(bytes).get()
        #expect(reading.error == error, "\(name)")
    }

    @Test func theHeaderIsJudgedBeforeTheRestHasCome() {
        #expect(FrameOracle.read([0x82, 0x00], pieces: [2]).error == .unmasked)
        #expect(FrameOracle.read([0x89, 0xFE], pieces: [2]).error == .invalidControlFrame)
    }

    @Test func aMessageHasALimitOverAllItsParts() {
        let parts = ClientFrame(.binary, [1, 2, 3], isFinal: false).bytes + ClientFrame(.continuation, [4, 5]).bytes
        #expect(FrameOracle.read(parts, pieces: [parts.count], maximumMessageLength: 5).error == nil)
        let limited = FrameOracle.read(parts, pieces: [parts.count], maximumMessageLength: 4)
        #expect(limited.error == .messageTooBig)
        #expect(limited.payload == [1, 2, 3])
        // The next message counts from the beginning.
        let two = ClientFrame(.binary, [1, 2, 3, 4]).bytes + ClientFrame(.binary, [1, 2, 3, 4]).bytes
        #expect(FrameOracle.read(two, pieces: [two.count], maximumMessageLength: 4).error == nil)
        // A length that would be more than a number holds.
        let huge: [UInt8] = [0x82, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0]
        #expect(FrameOracle.read(huge, pieces: [huge.count], maximumMessageLength: 100).error == .messageTooBig)
    }

    @Test func everyErrorHasACodeThatMayBeSent() {
        for error in WebSocketError.allCases { #expect(error.closeCode.maySend, "\(error)") }
    }

    // MARK: - Generated frames

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func generatedMessagesComeOutAsTheyWentInWhereverTheyAreCut(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var (bytes, expected): ([UInt8], [UInt8]) = ([], [])
        var pings = 0
        for _ in 0..<20 {
            let parts = Int.random(in: 1...4, using: &random)
            for part in 1...parts {
                let payload = random.bytes(Int.random(in: 0...300, using: &random))
                var frame = ClientFrame(part == 1 ? .binary : .continuation, payload, isFinal: part == parts)
                frame.mask = random.bytes(4)
                bytes += frame.bytes
                expected += payload
                if random.oneIn(3) {
                    bytes += ClientFrame(.ping, random.bytes(5)).bytes
                    pings += 1
                }
            }
            expected.append(UInt8(ascii: "|"))
        }
        let reading = try FrameOracle.check(bytes).get()
        #expect(reading.payload == expected)
        #expect(reading.controls.count == pings)
        let pieces = (0..<bytes.count).map { _ in Int.random(in: 1...50, using: &random) }
        #expect(FrameOracle.read(bytes, pieces: pieces) == reading)
    }

    @Test(arguments: 1...5 as ClosedRange<UInt64>)
    func randomBytesNeverCrashAndMeanTheSameInAllPieces(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        for _ in 0..<2_000 {
            var bytes = random.bytes(Int.random(in: 0...60, using: &random))
            // A plausible beginning, so that most rounds get behind the header.
            if bytes.count > 2 {
                bytes[0] = [0x82, 0x02, 0x80, 0x88, 0x89, 0x8A, 0x00][Int.random(in: 0..<7, using: &random)]
                bytes[1] |= 0x80
            }
            _ = try FrameOracle.check(bytes).get()
        }
    }
}

@Suite struct FrameEncodingTests {
    @Test(arguments: [(0, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10)])
    func lengthsTakeAsFewBytesAsTheyNeed(_ count: Int, _ headerBytes: Int) {
        var buffer = ByteBuffer()
        WebSocketFrame.encodeHeader(.binary, count: count, into: &buffer)
        let bytes = buffer.copy()
        #expect(bytes.count == headerBytes)
        #expect(bytes[0] == 0x82)
        let shown = bytes.count == 2 ? Int(bytes[1]) : bytes[2...].reduce(0) { $0 << 8 | Int($1) }
        #expect(shown == count)
    }

    @Test func closeFramesCarryTheirCode() {
        var buffer = ByteBuffer()
        WebSocketFrame.encodeClose(.goingAway, into: &buffer)
        WebSocketFrame.encodeClose(nil, into: &buffer)
        WebSocketFrame.encode(.pong, [7], into: &buffer)
        #expect(buffer.copy() == [0x88, 2, 0x03, 0xE9, 0x88, 0, 0x8A, 1, 7])
    }
}
