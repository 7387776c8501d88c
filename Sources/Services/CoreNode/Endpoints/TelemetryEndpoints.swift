internal import HTTPServer
internal import JSON
internal import Model
internal import Storage
internal import Telemetry

/// Time series (`rest-api.md` 4.9).
struct TelemetryEndpoints: EndpointGroup {
    let services: Services

    private static let reading: [QueryParameter] = [
        .list("keys"), .integer("startTs"), .integer("endTs"), .integer("interval"), .integer("limit"),
        .choice("agg", ["NONE", "MIN", "MAX", "AVG", "SUM", "COUNT"]), .choice("orderBy", ["ASC", "DESC"]),
        .choice("intervalType", ["MILLISECONDS", "WEEK", "WEEK_ISO", "MONTH", "QUARTER"]), .text("timeZone"),
        .boolean("useStrictDataTypes"),
    ]
    private static let base = "/api/plugins/telemetry/{entityType}/{entityId}"

    var endpoints: [Endpoint] {
        [
            Endpoint(.get, Self.base + "/keys/timeseries", roles: .everyone, errors: .text, keys)
                .docs("Names of the series of an entity"),
            Endpoint(.get, Self.base + "/values/timeseries", roles: .everyone, errors: .text, values)
                .docs("Latest values; with a range the history", query: Self.reading),
            Endpoint(.get, Self.base + "/values/timeseries/history", roles: .everyone, errors: .text, history)
                .docs("The history of series, raw or aggregated", query: Self.reading),
            Endpoint(.post, Self.base + "/timeseries/{anyText}", roles: .everyone, errors: .text, save)
                .docs("Saves telemetry", body: .anything, answer: .nothing),
            Endpoint(.post, Self.base + "/timeseries/{anyText}/{ttl}", roles: .everyone, errors: .text, save)
                .docs("Saves telemetry", body: .anything, answer: .nothing),
            Endpoint(.delete, Self.base + "/timeseries/delete", roles: .everyone, errors: .text, delete)
                .docs(
                    "Deletes points of series",
                    query: [
                        .list("keys"), .boolean("deleteAllDataForKeys"), .integer("startTs"), .integer("endTs"),
                        .boolean("deleteLatest"), .boolean("rewriteLatestIfDeleted"),
                    ], answer: .nothing),
        ]
    }

    private func access(
        _ call: Call, _ principal: Principal, _ operation: Permissions.Operation
    ) async throws -> TelemetryAccess {
        try await TelemetryAccess.check(call, principal, operation, in: services)
    }

    // MARK: - Reading

    @Sendable private func keys(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let entity = try await access(call, principal, .readTelemetry).entity
        let names = try await services.timeseriesSource(of: entity).keyNames(services.reader)
        return .json { writer in writer.array { writer in for name in names { writer.value(name) } } }
    }

    /// One path for two: with a range the history, else the latest values.
    @Sendable private func values(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        if call.text("startTs") != nil, call.text("endTs") != nil { return try await history(call, principal) }
        let strict = try call.boolean("useStrictDataTypes") ?? false
        let entity = try await access(call, principal, .readTelemetry).entity
        var writer = JSONWriter()
        try await services.timeseriesSource(of: entity).writeLatest(
            keys: call.telemetryKeys, strict: strict, now: call.now, from: services.reader, to: &writer)
        return .json(writer.bytes)
    }

    @Sendable private func history(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let query = try HistoryParameters(call)
        let entity = try await access(call, principal, .readTelemetry).entity
        let source = try await services.timeseriesSource(of: entity)
        let keys = source.shown(query.keys)
        var writer = JSONWriter()
        switch source.narrowed(query.kind) {
        case .raw(let history):
            if history.limit > Self.pointsInMemory / Int64(max(1, keys.count)) {
                return stream(history, of: keys, entity: source.entity, strict: query.strict)
            }
            try await services.reader.writeHistory(
                entity: source.entity, keys: keys, history, strict: query.strict, to: &writer)
        case .aggregated(let aggregation):
            do {
                try await services.reader.writeAggregates(
                    entity: source.entity, keys: keys, aggregation, strict: query.strict,
                    maximumIntervals: services.maximumIntervals, to: &writer)
            } catch let error as TelemetryReader.QueryError {
                throw APIError(error)
            }
        }
        return .json(writer.bytes)
    }

    /// Points that an answer may have to be put together before it is sent.
    private static let pointsInMemory: Int64 = 10_000

    /// Reads while it sends: a slow client slows the reading, and memory holds one piece at a time.
    private func stream(
        _ history: TelemetryReader.HistoryQuery, of keys: [String], entity: UUID128, strict: Bool
    ) -> HTTPResponse {
        let reader = services.reader
        return .streaming(fields: [("Content-Type", "application/json")]) { body in
            try await reader.streamHistory(entity: entity, keys: keys, history, strict: strict) { piece in
                try await body.write(piece)
            }
        }
    }

    // MARK: - Writing

    @Sendable private func save(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        if let ttl = call.path.value("ttl"), Int64(ttl) == nil {
            throw APIError.conversion("ttl", ttl, to: "long")
        }
        let body = try call.bytes()
        try TelemetryAccess.entity(call)
        let payload = try TelemetryPayload.timeseries(body, now: call.now)
        let access = try await access(call, principal, .writeTelemetry)
        if access.entity.type == .entityView {
            throw APIError.invalid("Telemetry data can't be stored for entity view. Read only")
        }
        try payload.check()
        try await services.telemetry.save(
            entity: access.entity.uuid, payload.records, of: payload.arena, origin: access.origin)
        await services.actions.record(
            .timeseriesUpdated(access.subject, payload.records, of: payload.arena), by: principal,
            event: .timeseriesUpdated(
                tenant: access.tenant, entity: access.entity, payload.arena, payload.records))
        return .empty(200)
    }

    // MARK: - Deleting

    @Sendable private func delete(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let everything = try call.boolean("deleteAllDataForKeys") ?? false
        let start = try call.integer("startTs")
        let end = try call.integer("endTs")
        let deletesLatest = try call.boolean("deleteLatest") ?? true
        let rewritesLatest = try call.boolean("rewriteLatestIfDeleted") ?? false
        try TelemetryAccess.entity(call)
        guard let keys = call.telemetryKeys else { throw APIError.invalid("Empty keys: []") }
        let range: (start: Int64, end: Int64)
        if everything {
            range = (0, call.now)
        } else if let start, let end {
            range = (start, end)
        } else {
            throw APIError.invalid(
                "When deleteAllDataForKeys is false, start and end timestamp values shouldn't be empty")
        }
        let access = try await access(call, principal, .writeTelemetry)
        try await services.reader.delete(
            entity: access.entity.uuid, keys: keys,
            TelemetryReader.Deletion(
                from: range.start, to: range.end, includesLatest: deletesLatest, rewritesLatest: rewritesLatest),
            origin: access.origin)
        await services.actions.record(
            .timeseriesDeleted(access.subject, keys: keys, range: range), by: principal,
            event: .timeseriesDeleted(tenant: access.tenant, entity: access.entity, keys: keys))
        return .empty(200)
    }
}

/// The parameters of a history request.
struct HistoryParameters {
    enum Kind {
        case raw(TelemetryReader.HistoryQuery)
        case aggregated(TelemetryReader.AggregationQuery)
    }

    var keys: [String]
    var strict: Bool
    var kind: Kind

    init(_ call: Call) throws(APIError) {
        keys = call.telemetryKeys ?? []
        strict = try call.boolean("useStrictDataTypes") ?? false
        guard let start = try call.integer("startTs") else { throw .missingParameter("startTs", "Long") }
        guard let end = try call.integer("endTs") else { throw .missingParameter("endTs", "Long") }
        let length = try call.integer("interval") ?? 0
        let interval = try Self.interval(call, length)
        let limit = try call.integer("limit") ?? 100
        let order = call.text("orderBy")?.uppercased() ?? "DESC"
        guard order == "ASC" || order == "DESC" else { throw .conversion("orderBy", order, to: "ASC or DESC") }
        let name = call.text("agg") ?? "NONE"
        let aggregation = TelemetryReader.Aggregation(rawValue: name)
        if aggregation == nil, name != "NONE" {
            throw .conversion("agg", name, to: "NONE, MIN, MAX, AVG, SUM or COUNT")
        }
        if let aggregation, interval != .milliseconds(0) {
            kind = .aggregated(
                TelemetryReader.AggregationQuery(
                    from: start, to: end, aggregation: aggregation, interval: interval, timeZone: call.text("timeZone"))
            )
        } else {
            kind = .raw(TelemetryReader.HistoryQuery(from: start, to: end, limit: limit, ascending: order == "ASC"))
        }
    }

    private static func interval(_ call: Call, _ length: Int64) throws(APIError) -> TelemetryReader.Interval {
        switch call.text("intervalType") {
        case nil, "MILLISECONDS": return .milliseconds(length)
        case "WEEK": return .week
        case "WEEK_ISO": return .isoWeek
        case "MONTH": return .month
        case "QUARTER": return .quarter
        case let other?: throw .conversion("intervalType", other, to: "IntervalType")
        }
    }
}

extension APIError {
    init(_ error: TelemetryReader.QueryError) {
        switch error {
        case .intervalNotPositive: self = .invalid("Incorrect TsKvQuery. Interval must be greater than 0.")
        case .tooManyIntervals(let count):
            self = .invalid(
                "Incorrect TsKvQuery. Number of intervals is to high - \(count). "
                    + "Please increase 'interval' parameter for your query or reduce the time range of the query.")
        }
    }
}
