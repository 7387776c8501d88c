internal import JSON
internal import Model
internal import Storage
internal import Telemetry

/// Where the time series of an entity are read from: its own, or through an entity view those of what it shows, as far as
/// the view is open (`rest-api.md` 3.3).
struct TimeseriesSource: Sendable {
    let entity: UUID128
    /// What the view shows; `nil` for everything.
    private let keys: Set<String>?
    private let start: Int64
    /// Exclusive.
    private let end: Int64

    init(_ entity: UUID128) {
        self.entity = entity
        keys = nil
        start = .min
        end = .max
    }

    init(_ view: EntityView) {
        entity = view.entity.uuid
        let names = view.timeseriesKeys
        keys = names.isEmpty ? nil : Set(names)
        start = view.startTime == 0 ? .min : view.startTime
        end = view.endTime == 0 || view.endTime == .max ? .max : view.endTime + 1
    }

    /// Whether the newest values of the entity may lie outside.
    private var isLimited: Bool { start != .min || end != .max }

    func shown(_ names: [String]) -> [String] {
        guard let keys else { return names }
        return names.filter(keys.contains)
    }

    /// What is shown of the keys that are asked for; `nil` for everything.
    func shownKeys(_ names: [String]?) -> [String]? {
        guard let names else { return keys.map { $0.sorted() } }
        return shown(names)
    }

    /// Whether a point of that time is shown.
    func contains(_ time: Int64) -> Bool { time >= start && time < end }

    /// The latest values that are shown: of a view with a beginning or an end the newest inside.
    func latest(keys names: [String]?, from reader: TelemetryReader) async throws -> [String: StoredPoint] {
        guard isLimited else { return try await reader.latest(entity: entity, keys: shownKeys(names)) }
        let wanted: [String]
        if let names { wanted = shown(names) } else { wanted = try await keyNames(reader) }
        let query = TelemetryReader.HistoryQuery(from: start, to: end, limit: 1)
        return try await reader.history(entity: entity, keys: wanted, query).compactMapValues(\.first)
    }

    func narrowed(_ kind: HistoryParameters.Kind) -> HistoryParameters.Kind {
        switch kind {
        case .raw(var query):
            query.from = max(query.from, start)
            query.to = min(query.to, end)
            return .raw(query)
        case .aggregated(var query):
            query.from = max(query.from, start)
            query.to = min(query.to, end)
            return .aggregated(query)
        }
    }

    /// The names of the series.
    func keyNames(_ reader: TelemetryReader) async throws -> [String] {
        shown(try await reader.keyNames(entity: entity))
    }

    /// Writes the latest values as ``TelemetryReader/writeLatest(entity:keys:strict:now:to:)`` does: of a view with a
    /// beginning or an end the newest inside.
    func writeLatest(
        keys names: [String]?, strict: Bool, now: Int64, from reader: TelemetryReader, to writer: inout JSONWriter
    ) async throws {
        guard keys != nil || isLimited else {
            return try await reader.writeLatest(entity: entity, keys: names, strict: strict, now: now, to: &writer)
        }
        let wanted: [String]
        if let names { wanted = shown(names) } else { wanted = try await keyNames(reader) }
        let points = try await latest(keys: wanted, from: reader)
        writer.beginObject()
        for name in names ?? wanted {
            let point = points[name]
            if point == nil, names == nil { continue }
            writer.key(name)
            writer.array { writer in
                writer.object { writer in
                    writer.member("ts", point?.timestamp ?? now)
                    writer.key("value")
                    if let point { writer.telemetry(point.value, strict: strict) } else { writer.null() }
                }
            }
        }
        writer.endObject()
    }
}

extension Services {
    func timeseriesSource(of entity: EntityID) async throws -> TimeseriesSource {
        guard entity.type == .entityView, let view = try await entityViews.find(EntityViewID(entity.uuid)) else {
            return TimeseriesSource(entity.uuid)
        }
        return TimeseriesSource(view)
    }
}

extension JSONWriter {
    /// - Parameter strict: With its type; otherwise as text (`rest-api.md` 4.9).
    fileprivate mutating func telemetry(_ value: TelemetryValue, strict: Bool) {
        guard strict else { return self.value(value.text) }
        switch value {
        case .boolean(let flag): self.value(flag)
        case .long(let number): self.value(number)
        case .double(let number): self.value(number)
        case .string(let text): self.value(text)
        case .json(let text): raw(text)
        }
    }
}
