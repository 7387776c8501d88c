public import Model
internal import Postgres

/// Relations in the database (`persistence.md` 3.4). They have no tenant column: an entity has relations with entities of
/// its own tenant only, and callers look the entity up in its tenant first.
public struct RelationRepository: Sendable {
    let runner: any StatementRunner

    public init(_ runner: any StatementRunner) { self.runner = runner }

    // MARK: - One

    /// The key of a relation as parameters 1 to 6.
    private func key(_ relation: EntityRelation) -> [PostgresParameter] {
        [
            .id(relation.from.uuid), .text(relation.from.type.name), .id(relation.to.uuid),
            .text(relation.to.type.name), .text(relation.group.rawValue), .text(relation.type),
        ]
    }

    private static let isThisOne = """
        from_id = $1 AND from_type = $2 AND to_id = $3 AND to_type = $4 AND relation_type_group = $5 AND relation_type = $6
        """

    /// The stored relation with the key of `relation`.
    public func find(_ relation: EntityRelation) async throws -> EntityRelation? {
        try await runner.query(
            "SELECT \(EntityRelation.columns) FROM relation WHERE \(Self.isThisOne)", key(relation)
        ).first.flatMap(EntityRelation.init)
    }

    /// Makes the relation, or replaces what is stored of it.
    ///
    /// - Returns: The relation with its version.
    public func save(_ relation: EntityRelation) async throws -> EntityRelation {
        let result = try await runner.query(
            """
            INSERT INTO relation (\(EntityRelation.columns))
            VALUES ($1, $2, $3, $4, $5, $6, $7, nextval('relation_version_seq'))
            ON CONFLICT (from_id, from_type, relation_type_group, relation_type, to_id, to_type) DO UPDATE
            SET additional_info = excluded.additional_info, version = excluded.version
            RETURNING \(EntityRelation.columns)
            """, key(relation) + [.json(text: relation.additionalInfo)])
        return EntityRelation(result[0]) ?? relation
    }

    /// Deletes the relation with the key of `relation`; draws a version, so that caches can order it against writes.
    ///
    /// - Returns: What was stored; `nil` when there was none.
    public func delete(_ relation: EntityRelation) async throws -> EntityRelation? {
        let result = try await runner.query(
            """
            DELETE FROM relation WHERE \(Self.isThisOne)
            RETURNING from_id, from_type, to_id, to_type, relation_type_group, relation_type, additional_info,
                nextval('relation_version_seq')
            """, key(relation))
        return result.first.flatMap(EntityRelation.init)
    }

    /// Deletes all relations of a group that begin or end at an entity.
    public func deleteAll(of entity: EntityID, group: RelationTypeGroup) async throws {
        _ = try await runner.query(
            """
            WITH outgoing AS (
                DELETE FROM relation WHERE relation_type_group = $3 AND from_id = $1 AND from_type = $2)
            DELETE FROM relation WHERE relation_type_group = $3 AND to_id = $1 AND to_type = $2
            """, [.id(entity.uuid), .text(entity.type.name), .text(group.rawValue)])
    }

    // MARK: - Lists

    /// The relations of an entity in one direction, of one type where it is given.
    ///
    /// - Parameter limit: The most that are returned.
    public func list(
        of entity: EntityID, _ direction: RelationDirection, group: RelationTypeGroup, type: String? = nil, limit: Int
    ) async throws -> [EntityRelation] {
        let end: StaticString = direction == .from ? "from_id = $1 AND from_type = $2" : "to_id = $1 AND to_type = $2"
        return try await runner.query(
            """
            SELECT \(EntityRelation.columns) FROM relation
            WHERE \(end) AND relation_type_group = $3 AND ($4::text IS NULL OR relation_type = $4)
            ORDER BY relation_type, from_id, to_id LIMIT $5
            """,
            [
                .id(entity.uuid), .text(entity.type.name), .text(group.rawValue), .text(type), .int8(Int64(limit)),
            ]
        ).compactMap(EntityRelation.init)
    }

    /// The relations of several entities in one direction.
    func list(
        ofAll entities: [EntityID], _ direction: RelationDirection, group: RelationTypeGroup, limit: Int
    ) async throws -> [EntityRelation] {
        let near: StaticString = direction == .from ? "from" : "to"
        return try await runner.query(
            """
            SELECT \(EntityRelation.columns) FROM unnest($1::uuid[], $2::text[]) AS e (id, type)
            JOIN relation ON \(near)_id = e.id AND \(near)_type = e.type AND relation_type_group = $3
            ORDER BY relation_type, from_id, to_id LIMIT $4
            """,
            [
                .ids(entities.map(\.uuid)), .textArray(entities.map(\.type.name)), .text(group.rawValue),
                .int8(Int64(limit)),
            ]
        ).compactMap(EntityRelation.init)
    }
}
