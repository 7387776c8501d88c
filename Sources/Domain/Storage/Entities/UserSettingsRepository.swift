public import Model
internal import Postgres

/// What users keep for themselves: one JSON object a type (`rest-api.md` 4.1).
public struct UserSettingsRepository: Sendable {
    private let runner: any StatementRunner

    public init(_ runner: any StatementRunner) { self.runner = runner }

    /// - Returns: `nil` when nothing was saved.
    public func find(_ user: UserID, type: String) async throws -> RawJSON? {
        try await runner.query(
            "SELECT settings::text FROM user_settings WHERE user_id = $1 AND type = $2", [.id(user), .text(type)]
        ).first?.document(0)
    }

    public func save(_ user: UserID, type: String, _ settings: RawJSON) async throws {
        _ = try await runner.query(
            """
            INSERT INTO user_settings (user_id, type, settings) VALUES ($1, $2, $3)
            ON CONFLICT (user_id, type) DO UPDATE SET settings = excluded.settings
            """, [.id(user), .text(type), .jsonb(settings.text)])
    }

    /// Members of `changes` replace those that are there, whatever others change at the same time.
    public func merge(_ user: UserID, type: String, _ changes: RawJSON) async throws {
        _ = try await runner.query(
            """
            INSERT INTO user_settings (user_id, type, settings) VALUES ($1, $2, $3)
            ON CONFLICT (user_id, type) DO UPDATE SET settings = CASE jsonb_typeof(user_settings.settings)
                WHEN 'object' THEN user_settings.settings || excluded.settings ELSE excluded.settings END
            """, [.id(user), .text(type), .jsonb(changes.text)])
    }
}

/// How users prove who they are beside their password (`rest-api.md` 1.9). Never logged.
public struct UserAuthSettingsRepository: Sendable {
    private let runner: any StatementRunner

    public init(_ runner: any StatementRunner) { self.runner = runner }

    public func find(_ user: UserID) async throws -> RawJSON? {
        try await runner.query("SELECT two_fa_settings FROM user_auth_settings WHERE user_id = $1", [.id(user)])
            .first?.document(0)
    }

    public func save(_ user: UserID, _ settings: RawJSON, now: Int64) async throws {
        _ = try await runner.query(
            """
            INSERT INTO user_auth_settings (id, created_time, user_id, two_fa_settings) VALUES ($1, $2, $3, $4)
            ON CONFLICT (user_id) DO UPDATE SET two_fa_settings = excluded.two_fa_settings
            """, [.id(UUID128.ordered()), .int8(now), .id(user), .text(settings.text)])
    }

    public func delete(_ user: UserID) async throws {
        _ = try await runner.query("DELETE FROM user_auth_settings WHERE user_id = $1", [.id(user)])
    }
}
