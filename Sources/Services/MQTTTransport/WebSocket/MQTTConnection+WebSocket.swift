import Bytes
import Logging
import MQTTProtocol
import Metrics
import Reactor
import WebSocket

/// What one connection needs to be a WebSocket. Owned by the connection.
final class MQTTWebSocket {
    fileprivate var decoder = WebSocketDecoder()
    /// The beginning of a packet whose rest comes in another frame: frames and packets have different borders
    /// ([MQTT-6.0.0-2]). Without memory when there is none.
    fileprivate var incomplete = ByteBuffer()

    func releaseMemory() { incomplete.releaseMemory() }
}

/// Packets in the binary frames of a WebSocket (MQTT 5.0 6).
extension MQTTConnection {
    /// Takes frames; returns how many bytes they were. What MQTT cannot take now stays in the connection, masked as it came.
    func receive(_ bytes: Span<UInt8>, by webSocket: MQTTWebSocket) -> Int {
        var offset = 0
        do throws(WebSocketError) {
            while connection?.isReadingPaused == false, let event = try webSocket.decoder.next(in: bytes, at: &offset) {
                switch event {
                case .payload(let part):
                    guard !part.isText else { return endWebSocket(.unsupportedData, bytes.count) }
                    receive(part, of: bytes, at: &offset, webSocket)
                    if case .closed = state { return bytes.count }
                case .ping(let payload):
                    connection?.write { WebSocketFrame.encode(.pong, payload, into: &$0) }
                case .pong: break
                case .close(let code):
                    finish()
                    connection?.write { WebSocketFrame.encodeClose(code, into: &$0) }
                    connection?.close(.peerClosed)
                    return bytes.count
                }
            }
        } catch {
            return endWebSocket(error.closeCode, bytes.count)
        }
        return offset
    }

    /// Ends a connection whose frames are wrong.
    private func endWebSocket(_ code: WebSocketCloseCode, _ taken: Int) -> Int {
        transport.logger.limited(
            .debug, "wrong WebSocket frame",
            ["code": .string(String(code.rawValue)), "peer": .string(connection?.peerDescription ?? "")])
        transport.metrics.noteClose(.webSocket)
        finish()
        end(.protocolError, code)
        return taken
    }

    private func receive(
        _ part: WebSocketDecoder.Part, of bytes: Span<UInt8>, at offset: inout Int, _ webSocket: MQTTWebSocket
    ) {
        // Behind the beginning of a packet its rest is appended; what stands for itself needs memory for this moment only.
        let isContinued = !webSocket.incomplete.isEmpty
        var packets = ByteBuffer()
        if isContinued { swap(&packets, &webSocket.incomplete) } else { swap(&packets, &transport.scratch) }
        webSocket.decoder.take(part.count, of: bytes, at: &offset, into: &packets)
        // Parsers may look at the bytes behind the last one.
        packets.reserve(64)
        let taken = packets.withSpan { receivePackets(in: $0) }
        packets.removeFirst(taken)
        if connection?.isReadingPaused == true, !packets.isEmpty {
            // The rest is presented again when reading goes on; what came in earlier frames cannot be.
            let count = min(packets.count, part.count)
            webSocket.decoder.giveBack(count)
            offset -= count
            packets.truncate(to: packets.count - count)
        }
        if isContinued {
            if packets.isEmpty { packets.releaseMemory() }
            swap(&packets, &webSocket.incomplete)
        } else {
            packets.withUnsafeBytes { webSocket.incomplete.append($0) }
            packets.removeAll()
            swap(&packets, &transport.scratch)
        }
    }

    /// Writes one packet as one frame.
    func write(_ body: (inout ByteBuffer) -> Void, by webSocket: MQTTWebSocket) {
        var packet = ByteBuffer()
        body(&packet)
        connection?.write { output in
            WebSocketFrame.encodeHeader(.binary, count: packet.count, into: &output)
            packet.withUnsafeBytes { output.append($0) }
        }
    }
}
