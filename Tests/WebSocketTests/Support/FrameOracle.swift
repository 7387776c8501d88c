import Bytes
import WebSocket

/// What must hold for any bytes at all; shared by the tests and the fuzz target.
enum FrameOracle {
    /// What bytes mean, however they arrive.
    struct Reading: Equatable {
        /// Payload of messages, with `|` where one ends.
        var payload: [UInt8] = []
        var controls: [WebSocketDecoder.Event] = []
        var error: WebSocketError?
        /// Bytes that were read before the error, or before more were missing.
        var consumed = 0
    }

    struct Violation: Error, CustomStringConvertible {
        var description: String
    }

    /// Decodes whole, byte by byte, and with payload given back: all must see the same.
    static func check(_ bytes: [UInt8]) -> Result<Reading, Violation> {
        let whole = read(bytes, pieces: [bytes.count])
        for (name, other) in [
            ("one by one", read(bytes, pieces: Array(repeating: 1, count: bytes.count))),
            ("by threes", read(bytes, pieces: Array(repeating: 3, count: bytes.count / 3 + 1))),
            ("with payload given back", read(bytes, pieces: [bytes.count], givesBack: true)),
        ] where other != whole {
            return .failure(Violation(description: "\(bytes): \(whole), and \(name) \(other)"))
        }
        return .success(whole)
    }

    static func read(
        _ bytes: [UInt8], pieces: [Int], maximumMessageLength: UInt64 = .max, givesBack: Bool = false
    ) -> Reading {
        var decoder = WebSocketDecoder(maximumMessageLength: maximumMessageLength)
        var reading = Reading()
        var arrived = 0
        for piece in pieces {
            arrived = min(bytes.count, arrived + piece)
            // Like a connection: what was not consumed is presented again.
            let presented = Array(bytes[reading.consumed..<arrived])
            var offset = 0
            do throws(WebSocketError) {
                while let event = try decoder.next(in: presented.span, at: &offset) {
                    guard case .payload(let part) = event else {
                        reading.controls.append(event)
                        continue
                    }
                    var buffer = ByteBuffer()
                    if givesBack, part.count > 1 {
                        var rehearsal = ByteBuffer()
                        decoder.take(part.count, of: presented.span, at: &offset, into: &rehearsal)
                        decoder.giveBack(part.count)
                        offset -= part.count
                    }
                    decoder.take(part.count, of: presented.span, at: &offset, into: &buffer)
                    reading.payload += buffer.copy()
                    if part.endsMessage { reading.payload.append(UInt8(ascii: "|")) }
                }
            } catch {
                reading.consumed += offset
                reading.error = error
                return reading
            }
            reading.consumed += offset
        }
        return reading
    }
}
