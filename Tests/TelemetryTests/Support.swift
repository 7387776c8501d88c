import Telemetry

/// What decoding gives, in a form that is easy to compare.
struct Decoded: Equatable, CustomStringConvertible {
    struct Point: Equatable {
        var key: String
        var value: TelemetryValue
    }

    struct Record: Equatable {
        var timestamp: Int64
        var points: [Point]
    }

    var records: [Record]

    var description: String { "\(records)" }

    /// The points of the only record.
    var points: [String: TelemetryValue] {
        precondition(records.count == 1)
        return Dictionary(records[0].points.map { ($0.key, $0.value) }) { _, last in last }
    }
}

let receiveTime: Int64 = 1_700_000_000_000

func decode(
    _ payload: String, _ options: TelemetryDecodingOptions = .init()
) throws(TelemetryError) -> Decoded {
    try decode(Array(payload.utf8), options)
}

func decode(
    _ payload: [UInt8], _ options: TelemetryDecodingOptions = .init()
) throws(TelemetryError) -> Decoded {
    var arena = PointArena()
    var records: [TelemetryRecord] = []
    try TelemetryDecoder(options: options)
        .decodeTelemetry(payload.span, receivedAt: receiveTime, into: &arena, records: &records)
    return Decoded(
        records: records.map { record in
            Decoded.Record(
                timestamp: record.timestamp,
                points: arena.entries(in: record.points).map { Decoded.Point(key: $0.key, value: $0.value) })
        })
}

/// The value that `json` becomes; `nil` when its key is dropped.
func value(_ json: String, _ options: TelemetryDecodingOptions = .init()) throws(TelemetryError) -> TelemetryValue? {
    try decode("{\"k\":\(json)}", options).points["k"]
}

extension TelemetryDecodingOptions {
    static var withoutCast: TelemetryDecodingOptions {
        var options = TelemetryDecodingOptions()
        options.typeCast = false
        return options
    }
}

/// Steele, Lea, Flood: "Fast splittable pseudorandom number generators" (SplitMix64).
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
