internal import JSON
internal import Telemetry

/// Telemetry and attributes in the body of a request, with the errors of `rest-api.md` 4.9.
///
/// What can be read is told before rights; ``check()`` looks at keys and texts once it is known that the caller may write.
struct TelemetryPayload {
    var arena = PointArena()
    var records: [TelemetryRecord] = []

    /// Telemetry: `{k:v}`, `{ts,values}`, or an array of both. Nulls are refused.
    static func timeseries(_ body: [UInt8], now: Int64) throws(APIError) -> TelemetryPayload {
        var payload = TelemetryPayload()
        do throws(TelemetryError) {
            try TelemetryDecoder(options: .strict).decodeTelemetry(
                body.span, receivedAt: now, into: &payload.arena, records: &payload.records)
        } catch {
            throw timeseriesError(error, body)
        }
        payload.records.removeAll { $0.pointCount == 0 }
        if payload.records.isEmpty { throw .invalid("No time series data found in request body!") }
        return payload
    }

    /// Attributes: one object; members that are null are left out.
    static func attributes(_ body: [UInt8]) throws(APIError) -> TelemetryPayload {
        var payload = TelemetryPayload()
        do throws(TelemetryError) {
            _ = try TelemetryDecoder().decodeAttributes(body.span, into: &payload.arena)
        } catch {
            switch error {
            case .notJSON: throw .invalid("Invalid JSON")
            case .notAnObject: throw .invalid("Request is not a JSON object")
            case .blankKey: throw .invalid("Key cannot be blank")
            case .keyTooLong: throw keyTooLong
            case .stringTooLong, .numberOutOfRange, .nullValue, .invalidTimestamp, .valuesNotAnObject:
                throw .invalid("\(error)")
            }
        }
        if payload.arena.isEmpty { throw .invalid("No attributes data found in request body!") }
        return payload
    }

    private static let keyTooLong = APIError.invalid("Validation error: key length must be equal or less than 255")

    private static func timeseriesError(_ error: TelemetryError, _ body: [UInt8]) -> APIError {
        let beginning = "Unable to parse time series payload. Invalid JSON body: "
        switch error {
        case .blankKey: return .invalid("Key cannot be blank")
        case .keyTooLong: return keyTooLong
        case .notJSON:
            let shown = String(decoding: body.prefix(64), as: UTF8.self)
            // A bare word is taken for a text, which is no telemetry; anything else is no JSON at all.
            guard shown.unicodeScalars.allSatisfy({ $0.properties.isAlphabetic || "_-.".unicodeScalars.contains($0) })
            else { return .invalid("Unable to parse time series payload: Invalid JSON body!") }
            return .invalid(beginning + "Can't parse value: \(JSONValue.string(shown).serializedString)")
        case .notAnObject:
            return .invalid(beginning + "Can't parse value: \(offender(in: body))")
        case .nullValue, .invalidTimestamp, .valuesNotAnObject, .stringTooLong, .numberOutOfRange:
            return .invalid(beginning + "\(error)")
        }
    }

    /// The value that is no object where one belongs.
    private static func offender(in body: [UInt8]) -> String {
        guard let value = try? JSONValue.parse(body) else { return "" }
        let offender = value.arrayValue?.first { $0.objectValue == nil } ?? value
        return String(offender.serializedString.prefix(64))
    }

    /// Keys and texts that a browser would run are refused.
    func check() throws(APIError) {
        for point in arena.points {
            if Validation.isMalformed(arena.key(of: point)) { throw .invalid("Validation error: key is malformed") }
            guard point.kind == .string, case .string(let text) = arena.value(of: point) else { continue }
            if Validation.isMalformed(text) { throw .invalid("Validation error: value is malformed") }
        }
    }
}
