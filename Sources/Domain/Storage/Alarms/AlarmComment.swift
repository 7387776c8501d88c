public import Model
internal import Postgres

/// What somebody, or the platform itself, says of an alarm.
public struct AlarmComment: Sendable {
    public enum Kind: String, Sendable {
        /// Written by the platform when an alarm changes.
        case system = "SYSTEM"
        case other = "OTHER"
    }

    public var id: UUID128
    public var createdTime: Int64
    public var alarmID: AlarmID
    public var userID: UserID?
    public var kind: Kind
    public var comment: RawJSON?
    /// Of the user, in lists.
    public var firstName: String?
    public var lastName: String?
    public var email: String?

    /// Longest text of the whole document.
    public static let maximumLength = 10_000

    public init(
        id: UUID128, createdTime: Int64, alarmID: AlarmID, userID: UserID?, kind: Kind, comment: RawJSON?
    ) {
        self.id = id
        self.createdTime = createdTime
        self.alarmID = alarmID
        self.userID = userID
        self.kind = kind
        self.comment = comment
    }

    static let columns = "c.id, c.created_time, c.alarm_id, c.user_id, c.type, c.comment"

    init(_ row: PostgresRow) {
        id = row.id(0) ?? .null
        createdTime = row.int8(1) ?? 0
        alarmID = row.entity(2)
        userID = row.id(3).map { UserID($0) }
        kind = Kind(rawValue: row.text(4) ?? "") ?? .other
        comment = row.document(5)
        guard row.result.columnCount > 6 else { return }
        firstName = row.text(6)
        lastName = row.text(7)
        email = row.text(8)
    }
}

/// Comments in the database. The caller has checked the alarm.
public struct AlarmCommentRepository: Sendable {
    private let runner: any StatementRunner
    private static let scheme = PartitionScheme.fixed(milliseconds: 7 * 86_400_000)

    public init(_ runner: any StatementRunner) { self.runner = runner }

    public func find(_ id: UUID128, alarm: AlarmID) async throws -> AlarmComment? {
        try await runner.query(
            "SELECT \(AlarmComment.columns) FROM alarm_comment c WHERE c.alarm_id = $1 AND c.id = $2",
            [.id(alarm), .id(id)]
        ).first.map(AlarmComment.init)
    }

    /// Inserts a comment; makes the week's partition where it is missing. Outside of transactions.
    public func insert(_ comment: AlarmComment) async throws {
        let statement = """
            INSERT INTO alarm_comment (id, created_time, alarm_id, user_id, type, comment)
            VALUES ($1, $2, $3, $4, $5, $6)
            """
        let parameters: [PostgresParameter] = [
            .id(comment.id), .int8(comment.createdTime), .id(comment.alarmID), .id(comment.userID?.uuid),
            .text(comment.kind.rawValue), .json(text: comment.comment),
        ]
        do {
            _ = try await runner.query(statement, parameters)
        } catch {
            // 23514: no partition takes the row.
            guard EntityError.postgresError(error)?.sqlState == "23514" else { throw error }
            try await makePartition(for: comment.createdTime)
            _ = try await runner.query(statement, parameters)
        }
    }

    private func makePartition(for time: Int64) async throws {
        guard let range = Self.scheme.range(containing: time) else { return }
        do {
            // Name and bounds are computed here from numbers.
            _ = try await runner.query(
                """
                CREATE TABLE IF NOT EXISTS alarm_comment_\(range.suffix) PARTITION OF alarm_comment
                FOR VALUES FROM (\(range.start)) TO (\(range.end))
                """, [])
        } catch {
            // Made by somebody else meanwhile.
            let states = ["42P17", "42P07", "23505"]
            guard let state = EntityError.postgresError(error)?.sqlState, states.contains(state) else { throw error }
        }
    }

    /// Gives a comment another kind and content.
    public func update(_ comment: AlarmComment) async throws {
        _ = try await runner.query(
            """
            UPDATE alarm_comment SET type = $4, comment = $5, user_id = $6
            WHERE alarm_id = $1 AND id = $2 AND created_time = $3
            """,
            [
                .id(comment.alarmID), .id(comment.id), .int8(comment.createdTime), .text(comment.kind.rawValue),
                .json(text: comment.comment), .id(comment.userID?.uuid),
            ])
    }

    public func page(alarm: AlarmID, _ link: PageLink) async throws -> Page<AlarmComment> {
        var statement = ListStatement(
            .init(
                columns: "\(AlarmComment.columns), u.first_name, u.last_name, u.email",
                source: "alarm_comment c LEFT JOIN tb_user u ON u.id = c.user_id", id: "c.id", searched: ["c.comment"],
                sortable: ["createdTime": "c.created_time"]))
        statement.require("c.alarm_id = $?", .id(alarm))
        return try await statement.page(link, on: runner, AlarmComment.init)
    }
}
