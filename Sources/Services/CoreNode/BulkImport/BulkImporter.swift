internal import JSON
internal import Model
internal import Storage
internal import Telemetry

/// Saves the rows of an import, some hundred by one transaction.
///
/// A row that is refused before anything of it was written is told and left out. If the database refuses a row, nothing of
/// its transaction stays: the rows are then saved one by one, so that each is answered for by itself. Caches, rule engine and
/// audit log are told after the commit.
struct BulkImporter<Entity: Sendable>: Sendable {
    typealias Row = BulkImportRequest.Row

    /// One row that was saved.
    struct Saved: Sendable {
        var subject: ActionSubject
        var isNew: Bool
    }

    private enum Outcome: Sendable {
        case created
        case updated
        case refused(String)
    }

    /// What was refused inside a transaction had written something before.
    private struct Spoilt: Error {}

    let services: Services
    let principal: Principal
    let now: Int64
    /// Finds those of these names.
    let find: @Sendable (Services, [String]) async throws -> [(name: String, entity: Entity)]
    /// Saves a row over what there is of its name.
    let save: @Sendable (Services, KnownProfiles?, Row, Entity?) async throws -> Saved

    /// Rows of one transaction, at most.
    private static var rowsTogether: Int { 256 }

    func run(_ rows: [Row]) async throws -> BulkImportResult {
        var result = BulkImportResult()
        var rest = rows[...]
        while !rest.isEmpty {
            let next = Array(Self.withoutRepetition(rest))
            rest = rest.dropFirst(next.count)
            for (row, outcome) in zip(next, try await outcomes(of: next)) {
                switch outcome {
                case .created: result.created += 1
                case .updated: result.updated += 1
                case .refused(let message): result.errors.append("Line \(row.line): \(message)")
                }
            }
        }
        return result
    }

    /// The first rows, none of which has the name of another.
    private static func withoutRepetition(_ rows: ArraySlice<Row>) -> ArraySlice<Row> {
        var names: Set<String> = []
        return rows.prefix { names.count < rowsTogether && names.insert($0[.name] ?? "").inserted }
    }

    private func outcomes(of rows: [Row]) async throws -> [Outcome] {
        do {
            try await services.actions.messages.requireRoom(of: principal.tenantID)
        } catch {
            return Array(repeating: .refused(APIError.busy.message), count: rows.count)
        }
        do {
            return try await together(rows)
        } catch {
            guard error is Spoilt || APIError(error) != nil else { throw error }
        }
        var outcomes: [Outcome] = []
        for row in rows { outcomes.append(try await alone(row)) }
        return outcomes
    }

    // MARK: - Together

    private struct Batch: Sendable {
        var outcomes: [Outcome] = []
        var attributes: [AttributeChange] = []
        /// With the places of their rows.
        var timeseries: [(place: Int, subject: ActionSubject, payload: TelemetryPayload)] = []
    }

    private func together(_ rows: [Row]) async throws -> [Outcome] {
        let deferred = DeferredActions()
        var batch = try await services.database.inTransaction { transaction in
            let joined = JoinedTransaction(transaction)
            let batch = try await write(rows, in: services.inside(joined, deferring: deferred), joined)
            if joined.isSpoilt { throw Spoilt() }
            return batch
        }
        await deferred.record(by: services.actions)
        await saveTimeseries(of: &batch)
        return batch.outcomes
    }

    private func write(_ rows: [Row], in services: Services, _ joined: JoinedTransaction) async throws -> Batch {
        let known = KnownProfiles()
        let entities = Dictionary(
            try await find(services, rows.map { $0[.name] ?? "" }).map { ($0.name, $0.entity) },
            uniquingKeysWith: { first, _ in first })
        var batch = Batch()
        for (place, row) in rows.enumerated() {
            do {
                let saved = try await save(services, known, row, entities[row[.name] ?? ""])
                for (scope, attributes) in try BulkImportValues.attributes(of: row) {
                    batch.attributes.append(
                        AttributeChange(
                            entity: saved.subject.entity.uuid, scope: scope, attributes: attributes,
                            origin: saved.subject.origin))
                    await recordAttributes(attributes, scope, saved.subject, by: services.actions)
                }
                if let payload = try BulkImportValues.timeseries(of: row, now: now) {
                    batch.timeseries.append((place, saved.subject, payload))
                }
                batch.outcomes.append(saved.isNew ? .created : .updated)
            } catch {
                guard !joined.isSpoilt, let known = APIError(error) else { throw error }
                batch.outcomes.append(.refused(known.message))
            }
        }
        if !batch.attributes.isEmpty { try await services.attributes.save(batch.attributes, at: now) }
        return batch
    }

    /// All at once: the writers put them into batches.
    private func saveTimeseries(of batch: inout Batch) async {
        let refused = await withTaskGroup(of: (Int, String?).self) { group in
            for (place, subject, payload) in batch.timeseries {
                group.addTask {
                    do {
                        try await services.telemetry.save(
                            entity: subject.entity.uuid, payload.records, of: payload.arena,
                            origin: subject.origin)
                        return (place, nil)
                    } catch {
                        return (place, (APIError(error) ?? .internalError).message)
                    }
                }
            }
            var refused: [Int: String] = [:]
            for await (place, message) in group where message != nil { refused[place] = message }
            return refused
        }
        for (place, subject, payload) in batch.timeseries {
            if let message = refused[place] {
                batch.outcomes[place] = .refused(message)
            } else {
                await recordTimeseries(payload, subject)
            }
        }
    }

    // MARK: - One by one

    private func alone(_ row: Row) async throws -> Outcome {
        do {
            try await services.actions.messages.requireRoom(of: principal.tenantID)
            let name = row[.name] ?? ""
            let found = try await find(services, [name]).first { $0.name == name }?.entity
            let saved = try await save(services, nil, row, found)
            for (scope, attributes) in try BulkImportValues.attributes(of: row) {
                try await services.attributes.save(
                    entity: saved.subject.entity.uuid, scope: scope, attributes, at: now,
                    origin: saved.subject.origin)
                await recordAttributes(attributes, scope, saved.subject, by: services.actions)
            }
            if let payload = try BulkImportValues.timeseries(of: row, now: now) {
                try await services.telemetry.save(
                    entity: saved.subject.entity.uuid, payload.records, of: payload.arena, origin: saved.subject.origin)
                await recordTimeseries(payload, saved.subject)
            }
            return saved.isNew ? .created : .updated
        } catch {
            guard let known = APIError(error), known.code != .database else { throw error }
            return .refused(known.message)
        }
    }

    // MARK: - Records

    private func recordAttributes(
        _ attributes: [(key: String, value: TelemetryValue)], _ scope: AttributeScope, _ subject: ActionSubject,
        by actions: EntityActions
    ) async {
        await actions.record(
            .attributesUpdated(subject, scope, attributes), by: principal,
            event: .attributesUpdated(
                tenant: subject.tenant, entity: subject.entity, scope: scope, attributes, time: now))
    }

    private func recordTimeseries(_ payload: TelemetryPayload, _ subject: ActionSubject) async {
        await services.actions.record(
            .timeseriesUpdated(subject, payload.records, of: payload.arena), by: principal,
            event: .timeseriesUpdated(
                tenant: subject.tenant, entity: subject.entity, payload.arena, payload.records))
    }
}
