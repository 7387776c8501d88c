public import Model
internal import Postgres

/// What is kept about an entity of any kind outside its own table: attributes, latest values, relations, alarms,
/// calculated fields. The history of telemetry is large and left to the housekeeper.
public enum EntityTraces {
    /// Forgets the entity, in one statement.
    public static func delete(_ entity: EntityID, on runner: any StatementRunner) async throws {
        _ = try await runner.query(statement, [.id(entity.uuid), .text(entity.type.name)])
    }

    /// The groups are named because the index of a relation's far end begins with them.
    private static let statement = """
        WITH attributes AS (DELETE FROM attribute_kv WHERE entity_id = $1),
            latest AS (DELETE FROM ts_kv_latest WHERE entity_id = $1),
            outgoing AS (DELETE FROM relation WHERE from_id = $1 AND from_type = $2),
            incoming AS (DELETE FROM relation WHERE to_id = $1 AND to_type = $2 AND relation_type_group IN (
                'COMMON', 'DASHBOARD', 'RULE_CHAIN', 'RULE_NODE', 'EDGE', 'EDGE_AUTO_ASSIGN_RULE_CHAIN')),
            propagated AS (DELETE FROM entity_alarm WHERE entity_id = $1),
            fields AS (DELETE FROM calculated_field WHERE entity_id = $1),
            field_states AS (DELETE FROM calculated_field_state WHERE entity_id = $1)
        DELETE FROM alarm WHERE originator_id = $1
        """
}
