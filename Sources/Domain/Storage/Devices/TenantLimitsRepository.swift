public import Model
internal import Postgres

/// The configuration of tenants' profiles, for those who watch limits.
public struct TenantLimitsRepository: Sendable {
    private let runner: any StatementRunner

    public init(_ runner: any StatementRunner) { self.runner = runner }

    /// The tenant's profile and its `profileData.configuration`; `nil` when there is no such tenant.
    public func find(_ tenant: TenantID) async throws -> (profile: TenantProfileID, configuration: RawJSON)? {
        try await runner.query(
            """
            SELECT p.id, (p.profile_data -> 'configuration')::text
            FROM tenant t JOIN tenant_profile p ON p.id = t.tenant_profile_id WHERE t.id = $1
            """, [.id(tenant)]
        ).first.map { (profile: $0.entity(0), configuration: $0.document(1) ?? RawJSON(wellFormed: "{}")) }
    }

    /// The tenants that have that profile.
    public func tenants(with profile: TenantProfileID) async throws -> [TenantID] {
        try await runner.query("SELECT id FROM tenant WHERE tenant_profile_id = $1", [.id(profile)]).map {
            $0.entity(0)
        }
    }
}
