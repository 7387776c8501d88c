internal import Model
internal import Storage
internal import Telemetry

/// A part of the history as commands ask for it (`websocket-api.md` 4.2, 4.3, 5).
struct SeriesQuery: Sendable {
    /// A point with the number of points that it stands for, where it is an aggregate.
    struct Point: Sendable {
        var timestamp: Int64
        var value: TelemetryValue
        var count: Int64?
    }

    var kind: HistoryParameters.Kind
    private var limit: Int64

    /// - Parameter to: Exclusive.
    init(_ body: RequestObject, from start: Int64, to end: Int64) throws {
        let limit = try body.integer("limit") ?? 0
        self.limit = limit > 0 ? limit : 100
        let length = try body.integer("interval") ?? 0
        let interval: TelemetryReader.Interval
        switch try body.text("intervalType") {
        case nil, "", "MILLISECONDS": interval = .milliseconds(length)
        case "WEEK": interval = .week
        case "WEEK_ISO": interval = .isoWeek
        case "MONTH": interval = .month
        case "QUARTER": interval = .quarter
        case let other?: throw WebSocketFailure.bad("Unknown interval type: \(other)")
        }
        let name = try body.text("agg") ?? "NONE"
        let aggregation = TelemetryReader.Aggregation(rawValue: name)
        if aggregation == nil, name != "NONE", !name.isEmpty {
            throw WebSocketFailure.bad("Unknown aggregation: \(name)")
        }
        if let aggregation, interval != .milliseconds(0) {
            kind = .aggregated(
                TelemetryReader.AggregationQuery(
                    from: start, to: end, aggregation: aggregation, interval: interval,
                    timeZone: try body.text("timeZoneId")))
        } else {
            kind = .raw(TelemetryReader.HistoryQuery(from: start, to: end, limit: self.limit))
        }
    }

    /// The points of each key that has any: raw ones newest first, aggregates oldest first.
    func run(_ source: TimeseriesSource, _ keys: [String], in services: Services) async throws -> [String: [Point]] {
        switch source.narrowed(kind) {
        case .raw(let query):
            guard query.limit <= Int64(WebSocketSettings.maximumPoints) / Int64(max(1, keys.count)) else {
                throw WebSocketFailure.failed("Too many points: a smaller limit is needed")
            }
            return try await services.reader.history(entity: source.entity, keys: keys, query)
                .mapValues { $0.map { Point(timestamp: $0.timestamp, value: $0.value) } }
        case .aggregated(let query):
            return try await services.reader.aggregateCounted(
                entity: source.entity, keys: keys, query, maximumIntervals: services.maximumIntervals
            ).mapValues { $0.map { Point(timestamp: $0.point.timestamp, value: $0.point.value, count: $0.count) } }
        }
    }

    /// The newest point of the year in front of the range.
    func previous(
        _ source: TimeseriesSource, _ keys: [String], in services: Services
    ) async throws -> [String: Point] {
        let start: Int64
        switch kind {
        case .raw(let query): start = query.from
        case .aggregated(let query): start = query.from
        }
        let year: Int64 = 365 * 86_400_000
        let query = TelemetryReader.HistoryQuery(from: max(0, start &- year), to: start, limit: 1)
        return try await services.reader.history(entity: source.entity, keys: keys, query)
            .compactMapValues { $0.first.map { Point(timestamp: $0.timestamp, value: $0.value) } }
    }
}
