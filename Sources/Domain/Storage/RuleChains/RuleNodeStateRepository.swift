public import Model
internal import Postgres

/// What rule nodes keep of entities in the database (`rule-engine.md` 7.1, "persistence").
public struct RuleNodeStateRepository: Sendable {
    private let runner: any StatementRunner

    /// The most that may be kept of one entity, in characters.
    public static let maximumLength = 16_384

    public init(_ runner: any StatementRunner) { self.runner = runner }

    public func find(node: RuleNodeID, entity: EntityID) async throws -> String? {
        try await runner.query(
            "SELECT state_data FROM rule_node_state WHERE rule_node_id = $1 AND entity_id = $2 AND entity_type = $3",
            [.id(node), .id(entity.uuid), .text(entity.type.name)]
        ).first?.text(0)
    }

    /// Nothing is kept for a node that is gone.
    public func save(node: RuleNodeID, entity: EntityID, state: String, now: Int64) async throws {
        _ = try await runner.query(
            """
            INSERT INTO rule_node_state (id, created_time, rule_node_id, entity_type, entity_id, state_data)
            SELECT $1, $2, id, $4, $5, $6 FROM rule_node WHERE id = $3
            ON CONFLICT (rule_node_id, entity_id) DO UPDATE SET state_data = excluded.state_data
            """,
            [
                .id(UUID128.ordered()), .int8(now), .id(node), .text(entity.type.name), .id(entity.uuid), .text(state),
            ])
    }

    public func delete(node: RuleNodeID, entity: EntityID) async throws {
        _ = try await runner.query(
            "DELETE FROM rule_node_state WHERE rule_node_id = $1 AND entity_id = $2",
            [.id(node), .id(entity.uuid)])
    }

    public func deleteAll(node: RuleNodeID) async throws {
        _ = try await runner.query("DELETE FROM rule_node_state WHERE rule_node_id = $1", [.id(node)])
    }

    /// Devices that something is kept of, in the order of their ids; each with the queue of its profile, `nil` for `Main`.
    ///
    /// - Parameter after: The last one of the page before.
    public func devices(
        node: RuleNodeID, after: UUID128, limit: Int64
    ) async throws -> [(device: DeviceID, queue: String?)] {
        try await runner.query(
            """
            SELECT s.entity_id, nullif(p.default_queue_name, '') FROM rule_node_state s
            JOIN device d ON d.id = s.entity_id JOIN device_profile p ON p.id = d.device_profile_id
            WHERE s.rule_node_id = $1 AND s.entity_type = 'DEVICE' AND s.entity_id > $2 ORDER BY s.entity_id LIMIT $3
            """, [.id(node), .id(after), .int8(limit)]
        ).compactMap { row in row.id(0).map { (DeviceID($0), row.text(1)) } }
    }
}
