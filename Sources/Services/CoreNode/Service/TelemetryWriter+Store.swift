public import Model
public import Storage
public import Telemetry

extension TelemetryWriter: TelemetryStore {
    public func save(entity: UUID128, _ records: [TelemetryRecord], of arena: PointArena) async throws {
        let records = records.map { TimeseriesRecord(timestamp: $0.timestamp, arena: arena, points: $0.points) }
        try await save(entity: entity, records: records)
    }
}
