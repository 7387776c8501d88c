public import JSON
public import Model
internal import Postgres
internal import Telemetry

extension TelemetryReader {
    public enum Aggregation: String, Sendable, CaseIterable {
        case min = "MIN"
        case max = "MAX"
        case average = "AVG"
        case sum = "SUM"
        case count = "COUNT"
    }

    /// How a range is cut into buckets. Calendar buckets end at midnight in the query's time zone.
    public enum Interval: Sendable, Equatable {
        case milliseconds(Int64)
        /// Sunday to Saturday.
        case week
        /// Monday to Sunday.
        case isoWeek
        case month
        case quarter

        /// What counts for the limit of buckets (`persistence.md` 8.2). Below a second nothing is cut.
        var nominalMilliseconds: Int64 {
            switch self {
            case .milliseconds(let length): Swift.max(length, 1000)
            case .week, .isoWeek: 7 * 86_400_000
            case .month: 30 * 86_400_000
            case .quarter: 90 * 86_400_000
            }
        }
    }

    /// Aggregates of the points with `from <= ts < to`.
    public struct AggregationQuery: Sendable {
        public var from: Int64
        public var to: Int64
        public var aggregation: Aggregation
        public var interval: Interval
        /// An IANA name or an offset from UTC.
        public var timeZone: String?

        public init(
            from: Int64, to: Int64, aggregation: Aggregation, interval: Interval, timeZone: String? = nil
        ) {
            self.from = from
            self.to = to
            self.aggregation = aggregation
            self.interval = interval
            self.timeZone = timeZone
        }
    }

    /// Why a query cannot run.
    public enum QueryError: Error, Equatable {
        case intervalNotPositive
        case tooManyIntervals(Int64)
    }

    /// Aggregates by key, ascending; the time of each is the middle of its bucket. Empty buckets and keys are absent.
    public func aggregate(
        entity: UUID128, keys names: [String], _ query: AggregationQuery, maximumIntervals: Int64 = 700
    ) async throws -> [String: [StoredPoint]] {
        var points: [String: [StoredPoint]] = [:]
        let (rows, order) = try await aggregateRows(entity, names, query, maximumIntervals)
        for row in rows {
            guard let value = Self.value(of: row, query.aggregation) else { continue }
            points[order[Int(row.int8(0) ?? 1) - 1], default: []]
                .append(StoredPoint(timestamp: Self.middle(of: row), value: value))
        }
        return points
    }

    /// The same, each with the number of points that it stands for.
    public func aggregateCounted(
        entity: UUID128, keys names: [String], _ query: AggregationQuery, maximumIntervals: Int64 = 700
    ) async throws -> [String: [(point: StoredPoint, count: Int64)]] {
        var points: [String: [(point: StoredPoint, count: Int64)]] = [:]
        let (rows, order) = try await aggregateRows(entity, names, query, maximumIntervals)
        for row in rows {
            guard let value = Self.value(of: row, query.aggregation) else { continue }
            let count = (3...7).reduce(Int64(0)) { $0 + (row.int8($1) ?? 0) }
            points[order[Int(row.int8(0) ?? 1) - 1], default: []]
                .append((StoredPoint(timestamp: Self.middle(of: row), value: value), count))
        }
        return points
    }

    /// Writes `{"key":[{"ts":1,"value":"1.0"},...]}`.
    public func writeAggregates(
        entity: UUID128, keys names: [String], _ query: AggregationQuery, strict: Bool, maximumIntervals: Int64 = 700,
        to writer: inout JSONWriter
    ) async throws {
        let (rows, order) = try await aggregateRows(entity, names, query, maximumIntervals)
        let filled = rows.lazy.filter { Self.value(of: $0, query.aggregation) != nil }
        Self.writeSeries(filled, order, to: &writer) { row, writer in
            writer.member("ts", Self.middle(of: row))
            writer.key("value")
            guard let value = Self.value(of: row, query.aggregation) else { return writer.null() }
            if strict { writer.value(value) } else { writer.value(value.text) }
        }
    }

    private static func middle(of row: PostgresRow) -> Int64 {
        let start = row.int8(1) ?? 0
        return start &+ ((row.int8(2) ?? start) &- start) / 2
    }

    // MARK: - Statement

    /// Rows of key position, start and end of the bucket, and the partial results of ``partials(of:)``.
    private func aggregateRows(
        _ entity: UUID128, _ names: [String], _ query: AggregationQuery, _ maximumIntervals: Int64
    ) async throws -> (PostgresResult, [String]) {
        if case .milliseconds(let length) = query.interval, length <= 0 { throw QueryError.intervalNotPositive }
        let (difference, overflow) = query.to.subtractingReportingOverflow(query.from)
        let count = overflow ? Int64.max : difference / query.interval.nominalMilliseconds
        guard difference >= 0, !overflow, count <= maximumIntervals else { throw QueryError.tooManyIntervals(count) }
        let (order, numbers) = try await known(names)
        var parameters: [PostgresParameter] = [
            .id(entity), .int4Array(numbers), .int8(query.from), .int8(query.to),
        ]
        guard case .milliseconds = query.interval else {
            return (try await calendarRows(query, parameters), order)
        }
        parameters.append(.int8(query.interval.nominalMilliseconds))
        let statement = """
            SELECT k.position, $3 + b.bucket * $5, least($3 + (b.bucket + 1) * $5, $4), \(Self.results)
            FROM unnest($2::int4[]) WITH ORDINALITY AS k (key, position)
            CROSS JOIN LATERAL (
                SELECT (ts - $3) / $5 AS bucket, \(Self.partials(of: query.aggregation)) FROM ts_kv
                WHERE entity_id = $1 AND key = k.key AND ts >= $3 AND ts < $4 GROUP BY 1) b
            ORDER BY k.position, b.bucket
            """
        return (try await database.query(statement, parameters), order)
    }

    /// Buckets are found by the server's calendar: local midnight is what its time zone tables say.
    private func calendarRows(
        _ query: AggregationQuery, _ parameters: [PostgresParameter]
    ) async throws -> PostgresResult {
        let local = "((timestamptz 'epoch' + ts * interval '1 millisecond') AT TIME ZONE $5::text)"
        let (start, length) =
            switch query.interval {
            case .week: ("(date_trunc('week', \(local) + interval '1 day') - interval '1 day')", "7 days")
            case .isoWeek: ("date_trunc('week', \(local))", "7 days")
            case .month: ("date_trunc('month', \(local))", "1 month")
            case .quarter, .milliseconds: ("date_trunc('quarter', \(local))", "3 months")
            }
        func milliseconds(_ time: String) -> String {
            "(extract(epoch FROM (\(time)) AT TIME ZONE $5::text) * 1000)::int8"
        }
        let statement = """
            SELECT k.position, greatest(\(milliseconds("b.bucket")), $3),
                least(\(milliseconds("b.bucket + interval '\(length)'")), $4), \(Self.results)
            FROM unnest($2::int4[]) WITH ORDINALITY AS k (key, position)
            CROSS JOIN LATERAL (
                SELECT \(start) AS bucket, \(Self.partials(of: query.aggregation)) FROM ts_kv
                WHERE entity_id = $1 AND key = k.key AND ts >= $3 AND ts < $4 GROUP BY 1) b
            ORDER BY k.position, b.bucket
            """
        let zone = TimeZoneName.postgres(query.timeZone ?? "UTC")
        do {
            return try await database.query(statement, parameters + [.text(zone)])
        } catch  where zone != "UTC" && TimeZoneName.isUnknownZone(error) {
            return try await database.query(statement, parameters + [.text("UTC")])
        }
    }

    // MARK: - Results

    /// Names of the partial results in the order of their columns, from column 3 on.
    private static let results =
        "b.booleans, b.strings, b.documents, b.longs, b.doubles, b.long_result, b.double_result, b.text_result"

    /// How many values of each type a bucket has, and what the function gives for each type.
    private static func partials(of aggregation: Aggregation) -> String {
        let (long, double, text) =
            switch aggregation {
            case .min: ("min(long_v)", "min(dbl_v)", "min(str_v COLLATE \"C\")")
            case .max: ("max(long_v)", "max(dbl_v)", "max(str_v COLLATE \"C\")")
            case .sum, .average: ("sum(long_v)", "sum(dbl_v)", "NULL::text")
            case .count: ("NULL::int8", "NULL::float8", "NULL::text")
            }
        return """
            count(bool_v) AS booleans, count(str_v) AS strings, count(json_v) AS documents, count(long_v) AS longs, \
            count(dbl_v) AS doubles, \(long) AS long_result, \(double) AS double_result, \(text) AS text_result
            """
    }

    /// The bucket's result by the rules of `persistence.md` 8.3; `nil` when it has none.
    private static func value(of row: PostgresRow, _ aggregation: Aggregation) -> TelemetryValue? {
        func count(_ column: Int) -> Int64 { row.int8(column) ?? 0 }
        let longs = count(6)
        let doubles = count(7)
        switch aggregation {
        case .count:
            for column in 3...5 where count(column) > 0 { return .long(count(column)) }
            return .long(longs + doubles)
        case .average:
            guard longs + doubles > 0 else { return .double(0) }
            return .double(((row.double(8) ?? 0) + (row.double(9) ?? 0)) / Double(longs + doubles))
        case .sum:
            if doubles > 0 { return .double((row.double(8) ?? 0) + (row.double(9) ?? 0)) }
            guard longs > 0 else { return .long(0) }
            return row.int8(8).map { .long($0) } ?? .double(row.double(8) ?? 0)
        case .min, .max:
            guard longs + doubles > 0 else { return row.text(10).map { .string($0) } }
            if doubles == 0 { return .long(row.int8(8) ?? 0) }
            guard longs > 0, let long = row.double(8), let double = row.double(9) else {
                return .double(row.double(9) ?? 0)
            }
            return .double(aggregation == .min ? Swift.min(long, double) : Swift.max(long, double))
        }
    }
}
