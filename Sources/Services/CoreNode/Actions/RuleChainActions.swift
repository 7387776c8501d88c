internal import JSON
internal import Messages
internal import Model
internal import Postgres
internal import Storage

extension Services {
    /// Tells everybody that a chain changed: the running rule engines read the tenant's chains anew.
    func ruleChainChanged(_ chain: StoredRuleChain, _ change: EntityChange, by principal: Principal) async {
        let subject = ActionSubject(chain, tenant: chain.tenantID, chain.id, name: chain.name)
        let action: EntityAction
        switch change {
        case .created: action = .added(subject)
        case .updated: action = .updated(subject)
        case .deleted: action = .deleted(subject)
        }
        await actions.record(
            action, by: principal, event: .ruleChainChanged(tenant: chain.tenantID, chain: chain.id, change))
    }

    /// Ten years.
    private static let mostDebugMinutes: Int64 = 5_256_000

    /// How long a tenant's nodes may record everything, in minutes (`rule-engine.md` 2.6).
    func debugMinutes(of tenant: TenantID) async throws -> Int64 {
        let profile = try await database.query(
            """
            SELECT CASE WHEN jsonb_typeof(minutes) = 'number'
                THEN least(minutes::numeric, \(Self.mostDebugMinutes))::int8 END
            FROM (SELECT p.profile_data -> 'configuration' -> 'maxDebugModeDurationMinutes' AS minutes
                FROM tenant t JOIN tenant_profile p ON p.id = t.tenant_profile_id WHERE t.id = $1) AS found
            """, [.uuid(tenant)])
        guard let minutes = profile.first?.int8(0), minutes > 0 else { return RuleChainRequest.debugMinutes }
        return minutes
    }
}
