import Bytes
import JSON
import MQTTProtocol
import TBEL
import Telemetry

/// Single steps of a message's way, on one thread.
enum MicroBenchmarks {
    private static let payload = Array(
        #"{"ts":1732000000000,"values":{"pulseCounter":1732000000,"leakage":false,"batteryLevel":81}}"#.utf8)
    private static let topic = Array("v1/devices/me/telemetry".utf8)

    static func runAll(each duration: Duration) {
        encodePublish(duration)
        decodePublish(duration)
        encodePuback(duration)
        parseJSON(duration)
        decodeTelemetry(duration)
        transformInTBEL(duration)
    }

    /// Calls `body`, which does `units` units of work, until the time is over; the first tenth warms up.
    private static func measure(
        _ name: String, unit: String, units: Int, _ duration: Duration, _ body: () -> Int
    ) {
        let clock = ContinuousClock()
        var sink = 0
        let warm = clock.now + duration / 10
        while clock.now < warm { sink &+= body() }
        let began = clock.now
        let deadline = began + duration
        var rounds = 0
        while clock.now < deadline {
            sink &+= body()
            rounds += 1
        }
        let took = clock.now - began
        precondition(sink != 0, "the work has a result, so the compiler could not leave it out")
        Output.line(name: name, unit: unit, perSecond: Double(rounds * units) / took.inSeconds)
    }

    private static func encodePublish(_ duration: Duration) {
        var buffer = ByteBuffer()
        measure("mqtt encode PUBLISH", unit: "packets/s", units: 1000, duration) {
            buffer.removeAll()
            for identifier in UInt16(1)...1000 {
                MQTTPublish.encode(
                    topic: topic.span, payload: payload.span, qos: .atLeastOnce, packetIdentifier: identifier,
                    version: .v3_1_1, into: &buffer)
            }
            return buffer.count
        }
    }

    private static func decodePublish(_ duration: Duration) {
        var buffer = ByteBuffer()
        for identifier in UInt16(1)...1000 {
            MQTTPublish.encode(
                topic: topic.span, payload: payload.span, qos: .atLeastOnce, packetIdentifier: identifier,
                version: .v3_1_1, into: &buffer)
        }
        let bytes = buffer.copy()
        let decoder = MQTTFrameDecoder()
        measure("mqtt decode PUBLISH", unit: "packets/s", units: 1000, duration) {
            var offset = 0
            var sum = 0
            while let frame = try? decoder.next(in: bytes.span, from: offset) {
                guard let publish = try? MQTTPublish.decode(frame, in: bytes.span, version: .v3_1_1) else { break }
                sum &+= Int(publish.packetIdentifier)
                offset = frame.end
            }
            return sum
        }
    }

    private static func encodePuback(_ duration: Duration) {
        var buffer = ByteBuffer()
        measure("mqtt encode PUBACK", unit: "packets/s", units: 1000, duration) {
            buffer.removeAll()
            for identifier in UInt16(1)...1000 {
                MQTTAcknowledgement.encode(.puback, packetIdentifier: identifier, version: .v3_1_1, into: &buffer)
            }
            return buffer.count
        }
    }

    private static func parseJSON(_ duration: Duration) {
        let parser = JSONParser()
        measure("json parse document", unit: "documents/s", units: 1000, duration) {
            var sum = 0
            for _ in 0..<1000 {
                guard (try? parser.parse(payload.span)) != nil else { break }
                sum &+= parser.withTape { $0.count }
            }
            return sum
        }
    }

    private static func decodeTelemetry(_ duration: Duration) {
        let decoder = TelemetryDecoder()
        var arena = PointArena()
        var records: [TelemetryRecord] = []
        measure("telemetry decode message", unit: "messages/s", units: 1000, duration) {
            for _ in 0..<1000 {
                guard
                    (try? decoder.decodeTelemetry(
                        payload.span, receivedAt: 1_732_000_000_000, into: &arena, records: &records)) != nil
                else { break }
            }
            defer {
                arena.removeAll()
                records.removeAll(keepingCapacity: true)
            }
            return records.count
        }
    }

    /// What a transformation does to a message, from and to the text of the message.
    private static func transformInTBEL(_ duration: Duration) {
        let body = """
            var celsius = msg.values.batteryLevel;
            if (celsius != null && celsius > 20) {
                msg.values.fahrenheit = toFixed(celsius * 1.8 + 32, 1);
            }
            metadata.remove("ts");
            metadata.seen = msgType + ":" + msg.values.size();
            return {msg: msg, metadata: metadata, msgType: msgType};
            """
        guard let script = try? TBELScript(body, arguments: ["msg", "metadata", "msgType"]) else { return }
        let metadata: JSONValue = ["deviceName": "d", "deviceType": "default", "ts": "1732000000000"]
        measure("tbel transform message", unit: "calls/s", units: 1000, duration) {
            var sum = 0
            for _ in 0..<1000 {
                guard let message = try? JSONValue.parse(payload),
                    let result = try? script.run([message, metadata, "POST_TELEMETRY_REQUEST"])
                else { break }
                sum &+= result.serialized().count
            }
            return sum
        }
    }
}
