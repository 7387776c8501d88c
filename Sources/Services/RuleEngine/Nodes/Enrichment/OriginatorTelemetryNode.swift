import JSON
import Messages
import Model
import Reactor
import Storage
import Telemetry

/// "originator telemetry" (`rule-engine.md` 3.6): the first, the last, or all points of an interval, or an aggregate of them,
/// as text of JSON in the metadata.
final class OriginatorTelemetryNode: RuleNode {
    static let type = "org.thingsboard.rule.engine.metadata.TbGetTelemetryNode"
    static let configurationVersion = 2
    static let order: NodeOrder = .free

    private enum Interval: Sendable {
        /// Milliseconds before now.
        case ago(start: Int64, end: Int64)
        case templates(start: String, end: String)
    }

    private struct Reading: Sendable {
        var limit: Int64
        var isAscending: Bool
        var aggregation: TelemetryReader.Aggregation?
        /// Whether one value is put, not a list.
        var isSingle: Bool
    }

    private static let units: [String: Int64] = [
        "MILLISECONDS": 1, "SECONDS": 1_000, "MINUTES": 60_000, "HOURS": 3_600_000, "DAYS": 86_400_000,
    ]

    private let keys: [MessageTemplate]
    private let interval: Interval
    private let reading: Reading

    init(configuration: JSONValue, context: RuleNodeContext) throws(RuleNodeConfigurationError) {
        var fields = try NodeConfiguration(configuration)
        keys = try fields.templates("latestTsKeyNames")
        if keys.isEmpty { throw RuleNodeConfigurationError("Telemetry should be specified!") }
        let (order, aggregation) = (try fields.string("orderBy"), try fields.string("aggregation"))
        let limit = try fields.integer("limit", default: 1_000)
        switch try fields.string("fetchMode") {
        case "FIRST": reading = Reading(limit: 1, isAscending: true, isSingle: true)
        case "LAST": reading = Reading(limit: 1, isAscending: false, isSingle: true)
        case "ALL":
            guard (2...1_000).contains(limit) else {
                throw RuleNodeConfigurationError("Limit should be in a range from 2 to 1000.")
            }
            guard let order, ["ASC", "DESC"].contains(order) else {
                throw RuleNodeConfigurationError("OrderBy should be specified!")
            }
            let known = aggregation.flatMap { TelemetryReader.Aggregation(rawValue: $0) }
            guard known != nil || aggregation == "NONE" else {
                throw RuleNodeConfigurationError("Aggregation should be specified!")
            }
            reading = Reading(limit: Int64(limit), isAscending: order == "ASC", aggregation: known, isSingle: false)
        default: throw RuleNodeConfigurationError("FetchMode should be specified!")
        }
        interval = try Self.interval(&fields)
        try fields.end()
    }

    private static func interval(_ fields: inout NodeConfiguration) throws(RuleNodeConfigurationError) -> Interval {
        let start = try fields.string("startIntervalPattern") ?? ""
        let end = try fields.string("endIntervalPattern") ?? ""
        let starts = try milliseconds(&fields, "startInterval", default: 2)
        let ends = try milliseconds(&fields, "endInterval", default: 1)
        guard try fields.bool("useMetadataIntervalPatterns", default: false) else {
            return .ago(start: starts, end: ends)
        }
        return .templates(start: start, end: end)
    }

    private static func milliseconds(
        _ fields: inout NodeConfiguration, _ key: String, default fallback: Int
    ) throws(RuleNodeConfigurationError) -> Int64 {
        let count = Int64(try fields.integer(key, default: fallback))
        let name = try fields.string(key + "TimeUnit") ?? "MINUTES"
        guard let unit = units[name] else { throw RuleNodeConfigurationError("Unknown time unit \(name)") }
        let (product, overflows) = count.multipliedReportingOverflow(by: unit)
        guard !overflows, product.magnitude < 1 << 53 else { throw RuleNodeConfigurationError("\(key) is too long") }
        return product
    }

    func process(_ message: RuleMessage, _ context: RuleNodeContext) -> NodeOutcome {
        let names: [String]
        let (start, end): (Int64, Int64)
        do throws(RuleNodeError) {
            (start, end) = try bounds(message, now: context.loop.wallClockMilliseconds)
            var filled: [String] = []
            for key in keys { filled.append(try key.filled(message)) }
            names = filled
        } catch {
            return .failure(message, error.message)
        }
        guard start <= end else { return .failure(message, "Interval start should be less than Interval end") }
        return context.later(message) { [reading] _, reader in
            let found = try await Self.points(reading, message.originator.uuid, names, start, end, reader)
            var metadata = message.metadata.dictionary
            for name in names {
                guard let points = found[name], let first = points.first else { continue }
                let value: JSONValue =
                    reading.isSingle
                    ? .string(first.value.text)
                    : .array(points.map { ["ts": .integer($0.timestamp), "value": $0.value.jsonValue] })
                metadata[name] = value.serializedString
            }
            return .next(message.with(metadata: metadata), .success)
        }
    }

    private static func points(
        _ reading: Reading, _ entity: UUID128, _ names: [String], _ start: Int64, _ end: Int64,
        _ reader: TelemetryReader
    ) async throws -> [String: [StoredPoint]] {
        guard start < end else { return [:] }
        guard let aggregation = reading.aggregation else {
            return try await reader.history(
                entity: entity, keys: names,
                .init(from: start, to: end, limit: reading.limit, ascending: reading.isAscending))
        }
        // The whole interval is one bucket.
        return try await reader.aggregate(
            entity: entity, keys: names,
            .init(from: start, to: end, aggregation: aggregation, interval: .milliseconds(end - start)))
    }

    private func bounds(_ message: RuleMessage, now: Int64) throws(RuleNodeError) -> (Int64, Int64) {
        switch interval {
        case .ago(let start, let end): return (now - start, now - end)
        case .templates(let start, let end): return (try Self.time(start, message), try Self.time(end, message))
        }
    }

    private static func time(_ template: String, _ message: RuleMessage) throws(RuleNodeError) -> Int64 {
        let value = try MessageTemplate(template).filled(message)
        let name = String(template.filter { !"$[{}]".contains($0) })
        if value == template { throw RuleNodeError("Message value: '\(name)' is undefined") }
        guard let time = Int64(value) else { throw RuleNodeError("Message value: '\(name)' has invalid format") }
        return time
    }
}
