public import Model
internal import Postgres

/// A moment at which the rules of a field are to be looked at for an entity.
public struct FieldMoment: Sendable, Equatable {
    public var field: CalculatedFieldID
    public var entity: EntityID
    public var tenant: TenantID
}

/// What rules of alarm fields remember of entities (`CalculatedFieldStates`).
public struct CalculatedFieldStateRepository: Sendable {
    private let runner: any StatementRunner

    public init(_ runner: any StatementRunner) { self.runner = runner }

    public func find(_ field: CalculatedFieldID, _ entity: EntityID) async throws -> RawJSON? {
        try await runner.query(
            "SELECT state FROM calculated_field_state WHERE calculated_field_id = $1 AND entity_id = $2",
            [.id(field), .id(entity.uuid)]
        ).first?.document(0)
    }

    /// - Parameter due: When it is to be looked at again, milliseconds since 1970; `nil`: when something comes.
    public func save(
        _ state: RawJSON, due: Int64?, of field: CalculatedFieldID, _ entity: EntityID, tenant: TenantID
    ) async throws {
        // A field that was deleted meanwhile needs no state.
        _ = try await runner.query(
            """
            INSERT INTO calculated_field_state (calculated_field_id, entity_id, entity_type, tenant_id, state, due)
            SELECT $1, $2, $3, $4, $5, $6 WHERE EXISTS (SELECT 1 FROM calculated_field WHERE id = $1 AND tenant_id = $4)
            ON CONFLICT (calculated_field_id, entity_id) DO UPDATE SET state = excluded.state, due = excluded.due
            """,
            [
                .id(field), .id(entity.uuid), .text(entity.type.name), .id(tenant), .text(state.text), .int8(due),
            ])
    }

    /// Takes what is due; whoever else asks does not get it before `again`.
    public func takeDue(now: Int64, again: Int64, limit: Int) async throws -> [FieldMoment] {
        try await runner.query(
            """
            UPDATE calculated_field_state s SET due = $2
            FROM (SELECT calculated_field_id, entity_id FROM calculated_field_state WHERE due <= $1
                ORDER BY due LIMIT \(limit) FOR UPDATE SKIP LOCKED) d
            WHERE s.calculated_field_id = d.calculated_field_id AND s.entity_id = d.entity_id
            RETURNING s.calculated_field_id, s.entity_type, s.entity_id, s.tenant_id
            """, [.int8(now), .int8(again)]
        ).compactMap { row in
            guard let type = row.text(1).flatMap({ EntityType(name: $0) }), let id = row.id(2) else { return nil }
            return FieldMoment(
                field: row.entity(0), entity: EntityID(type: type, uuid: id), tenant: row.entity(3))
        }
    }
}
