import CalculatedFields
import JSON
import Messages
import Model
import Reactor
import Storage
import Telemetry

/// "save time series" (`rule-engine.md` 3.7): stores the telemetry of a message, then goes on along `Success`.
final class SaveTimeseriesNode: RuleNode {
    static let type = "org.thingsboard.rule.engine.telemetry.TbMsgTimeseriesNode"
    static let order: NodeOrder = .saves
    static let configurationVersion = 1

    private let usesServerTimestamp: Bool
    private var settings: ProcessingSettings
    private let decoder = TelemetryDecoder(options: .strict)
    private var records: [TelemetryRecord] = []
    private let daysToKeep: Int
    /// A hundred years: what is counted in days of points must not run over, whatever a chain says.
    private static let mostDays = 36_500

    init(configuration: JSONValue, context: RuleNodeContext) throws(RuleNodeConfigurationError) {
        var fields = try NodeConfiguration(configuration)
        // The time to live counts for usage limits only: this storage keeps rows until a cleanup removes them.
        daysToKeep = min(max(1, try fields.integer("defaultTTL", default: 0) / 86_400), Self.mostDays)
        usesServerTimestamp = try fields.bool("useServerTs", default: false)
        settings = try ProcessingSettings(&fields, mainKey: "timeseries")
        try fields.end()
    }

    func process(_ message: RuleMessage, _ context: RuleNodeContext) -> NodeOutcome {
        guard message.type == .known(.postTelemetryRequest) else {
            return .failure(message, "Unsupported msg type: \(message.type.name)")
        }
        if context.isStorageDisabled {
            return .failure(message, "DB storage writes are disabled due to API limits!")
        }
        let timestamp = usesServerTimestamp ? context.loop.wallClockMilliseconds : message.metadataTimestamp
        var streams: TelemetryStreams = []
        if settings.main.admits(originator: message.originator.uuid, timestamp: timestamp) { streams.insert(.history) }
        if settings.latest.admits(originator: message.originator.uuid, timestamp: timestamp) { streams.insert(.latest) }
        let audience = settings.audience(originator: message.originator.uuid, timestamp: timestamp)
        // What is not to be stored travels the same way as far as somebody is to hear of it.
        if streams.isEmpty && audience.isEmpty { return .next(message, .success) }
        let origin = SaveOrigin(
            tenant: message.tenantID, entityType: message.originator.type, audience: audience,
            calculatedFields: message.calculatedFields)
        switch message.payload {
        case .points(let batch, let first, let count):
            guard count > 0 else { return .failure(message, "Msg body is empty: {}") }
            if !streams.isEmpty { context.countStored(Int(count) * daysToKeep) }
            let (suspension, points) = (context.suspend(message), Int(first)..<Int(first + count))
            if audience.contains(.calculatedFields) {
                context.feed(
                    .timeseries(batch.arena.fieldValues(points, at: timestamp)), of: message, after: suspension)
            }
            context.telemetry.saveTelemetry(
                entity: message.originator.uuid, timestamp: timestamp, arena: batch.arena, points: points,
                streams: streams, origin: origin, token: suspension.token)
            return .suspended
        case .text(let text):
            return save(text, of: message, timestamp: timestamp, streams: streams, origin, context)
        }
    }

    /// Saves data that is text: entries with a time of their own keep it.
    private func save(
        _ text: String, of message: RuleMessage, timestamp: Int64, streams: TelemetryStreams, _ origin: SaveOrigin,
        _ context: RuleNodeContext
    ) -> NodeOutcome {
        var arena = PointArena()
        records.removeAll(keepingCapacity: true)
        let bytes = Array(text.utf8)
        do throws(TelemetryError) {
            try decoder.decodeTelemetry(bytes.span, receivedAt: timestamp, into: &arena, records: &records)
        } catch {
            return .failure(message, String(describing: error))
        }
        guard records.contains(where: { $0.pointCount > 0 }) else {
            return .failure(message, "Msg body is empty: \(text)")
        }
        let saved = records.filter { $0.pointCount > 0 }
        if !streams.isEmpty { context.countStored(saved.reduce(0) { $0 + Int($1.pointCount) } * daysToKeep) }
        let suspension = context.suspend(message)
        context.expect(saved.count, for: suspension)
        if origin.audience.contains(.calculatedFields) {
            let usesServerTimestamp = usesServerTimestamp
            context.feed(
                .timeseries(
                    saved.flatMap {
                        arena.fieldValues($0.points, at: usesServerTimestamp ? timestamp : $0.timestamp)
                    }), of: message, after: suspension)
        }
        for record in saved {
            context.telemetry.saveTelemetry(
                entity: message.originator.uuid, timestamp: usesServerTimestamp ? timestamp : record.timestamp,
                arena: arena, points: Int(record.firstPoint)..<Int(record.firstPoint + record.pointCount),
                streams: streams, origin: origin, token: suspension.token)
        }
        return .suspended
    }
}
