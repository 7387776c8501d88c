import AlarmRules
import JSON
import Messages
import Model
import Telemetry

/// What a message says to the rules of its device (`rule-engine.md` 7.1, "input types").
enum ProfileInput {
    /// Values by time, the earliest first.
    case values([(time: Int64, values: [(RuleKey, TelemetryValue)])])
    case removed(Set<RuleKey>)
    case alarmCleared(AlarmID)
    case alarmDeleted(AlarmID)
    /// The device has another customer.
    case assigned
    case nothing

    init(_ message: RuleMessage, now: Int64) throws(AlarmRuleError) {
        switch message.type {
        case .known(.postTelemetryRequest): self = try .telemetry(message, message.payload)
        case .known(.timeseriesUpdated):
            let inner = message.payload.object?["timeseries"]
            self = try .telemetry(message, inner.map { .text($0.serializedString) } ?? message.payload)
        case .known(.postAttributesRequest), .known(.attributesUpdated): self = try .attributes(message, now: now)
        case .known(.activityEvent), .known(.inactivityEvent):
            let scope = message.metadata["scope"] ?? ""
            self = scope.isEmpty ? try .telemetry(message, message.payload) : try .attributes(message, now: now)
        case .known(.attributesDeleted):
            guard let names = message.payload.object?["attributes"]?.arrayValue else {
                throw AlarmRuleError("Message body names no attributes")
            }
            self = .removed(Set(names.compactMap(\.stringValue).map { RuleKey(.attribute, $0) }))
        case .known(.alarmClear): self = .alarmCleared(try Self.alarm(message))
        case .known(.alarmDelete): self = .alarmDeleted(try Self.alarm(message))
        case .known(.entityAssigned), .known(.entityUnassigned): self = .assigned
        case .known, .custom: self = .nothing
        }
    }

    private static func alarm(_ message: RuleMessage) throws(AlarmRuleError) -> AlarmID {
        guard let id = message.payload.object?["id"]?["id"]?.stringValue.flatMap({ UUID128($0) }) else {
            throw AlarmRuleError("Message body is no alarm!")
        }
        return AlarmID(id)
    }

    private static func telemetry(
        _ message: RuleMessage, _ payload: MessagePayload
    ) throws(AlarmRuleError) -> ProfileInput {
        func keyed(_ arena: PointArena, _ range: Range<Int>) -> [(RuleKey, TelemetryValue)] {
            arena.entries(in: range).map { (RuleKey(.timeSeries, $0.key), $0.value) }
        }
        switch payload {
        case .points(let batch, let first, let count):
            return .values([(message.metadataTimestamp, keyed(batch.arena, Int(first)..<Int(first + count)))])
        case .text(let text):
            var arena = PointArena()
            var records: [TelemetryRecord] = []
            do throws(TelemetryError) {
                try TelemetryDecoder(options: .strict).decodeTelemetry(
                    Array(text.utf8).span, receivedAt: message.metadataTimestamp, into: &arena, records: &records)
            } catch {
                throw AlarmRuleError(String(describing: error))
            }
            var byTime: [Int64: [(RuleKey, TelemetryValue)]] = [:]
            for record in records { byTime[record.timestamp, default: []] += keyed(arena, record.points) }
            return .values(byTime.sorted { $0.key < $1.key }.map { (time: $0.key, values: $0.value) })
        }
    }

    private static func attributes(_ message: RuleMessage, now: Int64) throws(AlarmRuleError) -> ProfileInput {
        let entries: [(key: String, value: TelemetryValue)]
        switch message.payload {
        case .points(let batch, let first, let count):
            entries = batch.arena.entries(in: Int(first)..<Int(first + count))
        case .text(let text):
            var arena = PointArena()
            do throws(TelemetryError) {
                let points = try TelemetryDecoder(options: .strict).decodeAttributes(
                    Array(text.utf8).span, into: &arena)
                entries = arena.entries(in: points)
            } catch {
                throw AlarmRuleError(String(describing: error))
            }
        }
        guard !entries.isEmpty else { return .nothing }
        return .values([(now, entries.map { (RuleKey(.attribute, $0.key), $0.value) })])
    }
}
