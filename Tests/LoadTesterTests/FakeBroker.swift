import Bytes
import MQTTProtocol
import Reactor
import Synchronization

/// What a ``FakeBroker`` has seen. Safe from any thread.
final class BrokerRecord: Sendable {
    struct Seen: Sendable {
        /// Payloads that came, and those of them that were acknowledged, in their order.
        var published: [String] = []
        var acknowledged: [String] = []
        var connections = 0
    }

    private let state = Mutex(Seen())
    var seen: Seen { state.withLock { $0 } }
    func update(_ body: (inout Seen) -> Void) { state.withLock { body(&$0) } }
}

/// A server that acknowledges telemetry, and breaks connections when told to.
final class FakeBroker: Sendable {
    let record = BrokerRecord()
    let port: Int
    private let group: EventLoopGroup

    /// - Parameter messagesPerConnection: so many are acknowledged; the next one breaks the connection.
    init(messagesPerConnection: Int = .max) async throws {
        let group = try EventLoopGroup(count: 1, name: "broker")
        let record = record
        group.start()
        self.group = group
        port = try await withCheckedThrowingContinuation { continuation in
            group.loops[0].execute {
                continuation.resume(
                    with: Result {
                        try Listener.open(.tcp(host: "127.0.0.1", port: 0), on: group.loops[0]) { _ in
                            BrokerConnection(record: record, messagesLeft: messagesPerConnection)
                        }.localPort
                    })
            }
        }
    }

    func stop() {
        group.stop()
        group.join()
    }
}

private final class BrokerConnection: ConnectionHandler {
    private let record: BrokerRecord
    private var messagesLeft: Int
    private let decoder = MQTTFrameDecoder()

    init(record: BrokerRecord, messagesLeft: Int) {
        self.record = record
        self.messagesLeft = messagesLeft
    }

    func connection(_ c: Connection, received bytes: Span<UInt8>) -> Int {
        var offset = 0
        while let frame = try? decoder.next(in: bytes, from: offset) {
            offset = frame.end
            switch frame.type {
            case .connect:
                record.update { $0.connections += 1 }
                c.write { MQTTConnack(answer: .returnCode(.accepted)).encode(version: .v3_1_1, into: &$0) }
            case .publish:
                guard take(c, frame, bytes) else { return bytes.count }
            default: break
            }
        }
        return offset
    }

    func connectionDidClose(_ c: Connection, reason: CloseReason) {}

    private func take(_ c: Connection, _ frame: MQTTFrame, _ bytes: Span<UInt8>) -> Bool {
        guard let publish = try? MQTTPublish.decode(frame, in: bytes, version: .v3_1_1) else { return false }
        let payload = String(decoding: publish.payload.map { bytes[$0] }, as: UTF8.self)
        record.update { $0.published.append(payload) }
        guard messagesLeft > 0 else {
            c.abort(.requested)
            return false
        }
        messagesLeft -= 1
        record.update { $0.acknowledged.append(payload) }
        if publish.qos == .atLeastOnce {
            c.write { out in
                MQTTAcknowledgement.encode(
                    .puback, packetIdentifier: publish.packetIdentifier, version: .v3_1_1, into: &out)
            }
        }
        return true
    }
}
