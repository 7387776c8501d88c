public import Model
internal import Postgres

/// A key that stands for its user (`rest-api.md` 1.11).
public struct APIKey: Sendable {
    public var id: UUID128
    public var createdTime: Int64
    public var tenantID: TenantID
    public var userID: UserID
    /// Never logged.
    public var value: String
    public var isEnabled: Bool
    /// Milliseconds since 1970; 0 for never.
    public var expirationTime: Int64
    public var description: String?

    public init(
        id: UUID128, createdTime: Int64, tenantID: TenantID, userID: UserID, value: String, isEnabled: Bool,
        expirationTime: Int64, description: String?
    ) {
        self.id = id
        self.createdTime = createdTime
        self.tenantID = tenantID
        self.userID = userID
        self.value = value
        self.isEnabled = isEnabled
        self.expirationTime = expirationTime
        self.description = description
    }

    static let columns = "id, created_time, tenant_id, user_id, value, enabled, expiration_time, description"

    init(_ row: PostgresRow) {
        id = row.id(0) ?? .null
        createdTime = row.int8(1) ?? 0
        tenantID = row.entity(2)
        userID = row.entity(3)
        value = row.text(4) ?? ""
        isEnabled = row.bool(5) ?? false
        expirationTime = row.int8(6) ?? 0
        description = row.text(7)
    }

    public func isExpired(now: Int64) -> Bool { expirationTime != 0 && expirationTime < now }
}

/// API keys in the database. Callers check whose they are.
public struct APIKeyRepository: Sendable {
    private let runner: any StatementRunner

    public init(_ runner: any StatementRunner) { self.runner = runner }

    public func find(_ id: UUID128) async throws -> APIKey? {
        try await runner.query("SELECT \(APIKey.columns) FROM api_key WHERE id = $1", [.id(id)]).first.map(APIKey.init)
    }

    public func find(value: String) async throws -> APIKey? {
        try await runner.query("SELECT \(APIKey.columns) FROM api_key WHERE value = $1", [.text(value)])
            .first.map(APIKey.init)
    }

    /// The key with that value, whose it is, and whether that user may sign in.
    public func holder(of value: String) async throws -> (key: APIKey, user: User, isUserEnabled: Bool)? {
        let userColumns = User.columns.split(separator: ",").map { "u." + $0.filter { $0 != " " } }
        let keyColumns = APIKey.columns.split(separator: ",").map { "k." + $0.filter { $0 != " " } }
        return try await runner.query(
            """
            SELECT \(keyColumns.joined(separator: ", ")), c.enabled, \(userColumns.joined(separator: ", "))
            FROM api_key k JOIN tb_user u ON u.id = k.user_id JOIN user_credentials c ON c.user_id = u.id
            WHERE k.value = $1
            """, [.text(value)]
        ).first.map { row in (APIKey(row), User(row, at: 9), row.bool(8) ?? false) }
    }

    public func insert(_ key: APIKey) async throws {
        _ = try await runner.query(
            "INSERT INTO api_key (\(APIKey.columns)) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            [
                .id(key.id), .int8(key.createdTime), .id(key.tenantID), .id(key.userID), .text(key.value),
                .boolean(key.isEnabled), .int8(key.expirationTime), .text(key.description),
            ])
    }

    /// Changes what may change: whether it holds, and its description.
    public func update(_ key: APIKey) async throws {
        _ = try await runner.query(
            "UPDATE api_key SET enabled = $2, description = $3 WHERE id = $1",
            [.id(key.id), .boolean(key.isEnabled), .text(key.description)])
    }

    public func delete(_ id: UUID128) async throws {
        _ = try await runner.query("DELETE FROM api_key WHERE id = $1", [.id(id)])
    }

    private static let shape = ListStatement.Shape(
        columns: APIKey.columns, source: "api_key", searched: ["description"],
        sortable: [
            "createdTime": "created_time", "description": "description", "enabled": "enabled",
            "expirationTime": "expiration_time",
        ])

    public func page(user: UserID, _ link: PageLink) async throws -> Page<APIKey> {
        var statement = ListStatement(Self.shape)
        statement.require("user_id = $?", .id(user))
        return try await statement.page(link, on: runner, APIKey.init)
    }
}
