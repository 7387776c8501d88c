internal import JSON
public import Model
internal import Postgres

/// What a tenant may do and how much (`rest-api.md` 3.1).
public struct TenantProfile: Sendable {
    public var id: TenantProfileID
    public var createdTime: Int64
    public var name: String
    public var description: String?
    public var isDefault: Bool
    public var isolatesRuleEngine: Bool
    public var profileData: RawJSON

    public init(
        id: TenantProfileID, createdTime: Int64, name: String, description: String?, isDefault: Bool = false,
        isolatesRuleEngine: Bool, profileData: RawJSON
    ) {
        self.id = id
        self.createdTime = createdTime
        self.name = name
        self.description = description
        self.isDefault = isDefault
        self.isolatesRuleEngine = isolatesRuleEngine
        self.profileData = profileData
    }

    static let columns = "id, created_time, name, description, is_default, isolated_tb_rule_engine, profile_data::text"

    init(_ row: PostgresRow) {
        id = row.entity(0)
        createdTime = row.int8(1) ?? 0
        name = row.text(2) ?? ""
        description = row.text(3)
        isDefault = row.bool(4) ?? false
        isolatesRuleEngine = row.bool(5) ?? false
        profileData = row.document(6) ?? RawJSON(wellFormed: "{}")
    }
}

/// Tenant profiles in the database. They belong to the platform.
public struct TenantProfileRepository: Sendable {
    private let runner: any StatementRunner

    public init(_ runner: any StatementRunner) { self.runner = runner }

    public func find(_ id: TenantProfileID) async throws -> TenantProfile? {
        try await runner.query("SELECT \(TenantProfile.columns) FROM tenant_profile WHERE id = $1", [.id(id)])
            .first.map(TenantProfile.init)
    }

    public func findDefault() async throws -> TenantProfile? {
        try await runner.query("SELECT \(TenantProfile.columns) FROM tenant_profile WHERE is_default", [])
            .first.map(TenantProfile.init)
    }

    public func find(_ ids: [UUID128]) async throws -> [TenantProfile] {
        try await runner.query(
            "SELECT \(TenantProfile.columns) FROM tenant_profile WHERE id = ANY($1) ORDER BY id", [.ids(ids)]
        ).map(TenantProfile.init)
    }

    /// The profile of a tenant.
    public func find(tenant: TenantID) async throws -> TenantProfile? {
        try await runner.query(
            """
            SELECT \(TenantProfile.columns) FROM tenant_profile
            WHERE id = (SELECT tenant_profile_id FROM tenant WHERE id = $1)
            """, [.id(tenant)]
        ).first.map(TenantProfile.init)
    }

    public func insert(_ profile: TenantProfile) async throws {
        _ = try await runner.query(
            """
            INSERT INTO tenant_profile
                (id, created_time, name, description, is_default, isolated_tb_rule_engine, profile_data)
            VALUES ($1, $2, $3, $4, false, $5, $6)
            """,
            [
                .id(profile.id), .int8(profile.createdTime), .text(profile.name), .text(profile.description),
                .boolean(profile.isolatesRuleEngine), .jsonb(profile.profileData.text),
            ])
    }

    /// Changes everything but whether it is the default.
    public func update(_ profile: TenantProfile) async throws {
        _ = try await runner.query(
            """
            UPDATE tenant_profile SET name = $2, description = $3, isolated_tb_rule_engine = $4, profile_data = $5
            WHERE id = $1
            """,
            [
                .id(profile.id), .text(profile.name), .text(profile.description),
                .boolean(profile.isolatesRuleEngine), .jsonb(profile.profileData.text),
            ])
    }

    /// Makes it the default. To be run in a transaction.
    public func makeDefault(_ id: TenantProfileID) async throws {
        _ = try await runner.query(
            "UPDATE tenant_profile SET is_default = false WHERE is_default AND id <> $1", [.id(id)])
        _ = try await runner.query("UPDATE tenant_profile SET is_default = true WHERE id = $1", [.id(id)])
    }

    public func delete(_ id: TenantProfileID) async throws {
        _ = try await runner.query("DELETE FROM tenant_profile WHERE id = $1", [.id(id)])
    }

    private static let shape = ListStatement.Shape(
        columns: TenantProfile.columns, source: "tenant_profile", searched: ["name"],
        sortable: [
            "createdTime": "created_time", "name": "name", "description": "description", "default": "is_default",
            "isDefault": "is_default",
        ])

    public func page(_ link: PageLink) async throws -> Page<TenantProfile> {
        try await ListStatement(Self.shape).page(link, on: runner, TenantProfile.init)
    }
}
