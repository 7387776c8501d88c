internal import Bytes

/// The telemetry documents of the published performance-test tool.
public enum PayloadType: String, CaseIterable, Sendable {
    case smartMeter = "SMART_METER"
    case smartTracker = "SMART_TRACKER"
    case industrialPLC = "INDUSTRIAL_PLC"

    /// Lines of an `INDUSTRIAL_PLC` message.
    static let industrialLines = 60

    /// Keys of the document in their order.
    var keys: [String] {
        switch self {
        case .smartMeter: ["pulseCounter", "leakage", "batteryLevel"]
        case .smartTracker: ["latitude", "longitude", "speed", "fuel", "batteryLevel"]
        case .industrialPLC: (0..<Self.industrialLines).map { "line" + Self.threeDigits($0) }
        }
    }

    /// Values of one message.
    public var valueCount: Int {
        switch self {
        case .smartMeter: 3
        case .smartTracker: 5
        case .industrialPLC: Self.industrialLines
        }
    }

    static func threeDigits(_ number: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, 3 - text.count)) + text
    }

    /// Appends `{"ts":..,"values":{..}}`. The values follow from device and time alone, so that a message that is sent
    /// again is the same to the byte.
    ///
    /// - Parameter alarm: whether one value crosses the threshold of the profile's alarm rule.
    func append(device: Int, timestamp: Int64, alarm: Bool, to buffer: inout ByteBuffer) {
        var random = SplitMix(seed: UInt64(truncatingIfNeeded: timestamp) &* 0x9E37_79B9 ^ UInt64(device) << 40)
        buffer.append(utf8: "{\"ts\":" as StaticString)
        buffer.append(decimal: UInt64(timestamp))
        switch self {
        case .smartMeter: appendSmartMeter(timestamp, alarm, &random, to: &buffer)
        case .smartTracker: appendSmartTracker(alarm, &random, to: &buffer)
        case .industrialPLC: appendIndustrialPLC(alarm, &random, to: &buffer)
        }
        buffer.append(utf8: "}}" as StaticString)
    }

    private func appendSmartMeter(
        _ timestamp: Int64, _ alarm: Bool, _ random: inout SplitMix, to buffer: inout ByteBuffer
    ) {
        buffer.append(utf8: ",\"values\":{\"pulseCounter\":" as StaticString)
        // A meter only counts up.
        buffer.append(decimal: UInt64(timestamp) / 1000)
        if alarm {
            buffer.append(utf8: ",\"leakage\":true,\"batteryLevel\":" as StaticString)
        } else {
            buffer.append(utf8: ",\"leakage\":false,\"batteryLevel\":" as StaticString)
        }
        appendBatteryLevel(alarm, &random, to: &buffer)
    }

    private func appendSmartTracker(_ alarm: Bool, _ random: inout SplitMix, to buffer: inout ByteBuffer) {
        buffer.append(utf8: ",\"values\":{\"latitude\":" as StaticString)
        buffer.append(millionths: 42_000_000 + random.next(below: 1_000_000))
        buffer.append(utf8: ",\"longitude\":" as StaticString)
        buffer.append(millionths: 73_000_000 + random.next(below: 1_000_000))
        buffer.append(utf8: ",\"speed\":" as StaticString)
        buffer.append(tenths: random.next(below: 1200))
        buffer.append(utf8: ",\"fuel\":" as StaticString)
        buffer.append(decimal: 5 + random.next(below: 95))
        buffer.append(utf8: ",\"batteryLevel\":" as StaticString)
        appendBatteryLevel(alarm, &random, to: &buffer)
    }

    private func appendIndustrialPLC(_ alarm: Bool, _ random: inout SplitMix, to buffer: inout ByteBuffer) {
        buffer.append(utf8: ",\"values\":{" as StaticString)
        for line in 0..<UInt64(Self.industrialLines) {
            buffer.append(utf8: (line == 0 ? "\"line0" : ",\"line0") as StaticString)
            buffer.append(UInt8(48 + line / 10))
            buffer.append(UInt8(48 + line % 10))
            buffer.append(utf8: "\":" as StaticString)
            let value = 100 + random.next(below: 800)
            // The rule of the profile is on the first line.
            buffer.append(tenths: alarm && line == 0 ? 5000 + value : value)
        }
    }

    /// The profile's alarm rule fires at 20 and below.
    private func appendBatteryLevel(_ alarm: Bool, _ random: inout SplitMix, to buffer: inout ByteBuffer) {
        buffer.append(decimal: alarm ? 1 + random.next(below: 20) : 21 + random.next(below: 80))
    }
}

/// SplitMix64: a few instructions for each number, and a good one from any seed.
struct SplitMix {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func next(below bound: UInt64) -> UInt64 {
        next().multipliedFullWidth(by: bound).high
    }
}

extension ByteBuffer {
    mutating func append(decimal value: UInt64) {
        append(upTo: 20) { room in
            var digits = 1
            var limit: UInt64 = 10
            while digits < 20, value >= limit {
                digits += 1
                if digits < 20 { limit *= 10 }
            }
            var rest = value
            var index = digits
            while index > 0 {
                index -= 1
                room[index] = UInt8(truncatingIfNeeded: 48 + rest % 10)
                rest /= 10
            }
            return digits
        }
    }

    /// Appends `value` tenths with one digit behind the point: `55.5`.
    mutating func append(tenths value: UInt64) {
        append(decimal: value / 10)
        append(UInt8(ascii: "."))
        append(UInt8(48 + value % 10))
    }

    /// Appends `value` millionths with six digits behind the point: `42.222222`.
    mutating func append(millionths value: UInt64) {
        append(decimal: value / 1_000_000)
        append(UInt8(ascii: "."))
        var divisor: UInt64 = 100_000
        while divisor > 0 {
            append(UInt8(48 + value / divisor % 10))
            divisor /= 10
        }
    }
}
