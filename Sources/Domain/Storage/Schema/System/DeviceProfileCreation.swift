public import Model
internal import Postgres

/// A new device profile with default settings, as a statement.
public struct DeviceProfileCreation: Sendable {
    public let profileID: DeviceProfileID
    public let createdTime: Int64
    public let statements: [SQLStatement]

    /// - Parameter alarms: JSON list of alarm rules, or `null`.
    public init(
        tenantID: TenantID, name: String, description: String?, isDefault: Bool = false,
        ruleChainID: RuleChainID? = nil, alarms: String = "null", clock: inout EntityClock
    ) {
        let (id, time) = clock.tick()
        profileID = DeviceProfileID(id)
        createdTime = time
        let data = """
            {"configuration":{"type":"DEFAULT"},"transportConfiguration":{"type":"DEFAULT"},\
            "provisionConfiguration":{"type":"DISABLED","provisionDeviceSecret":null},"alarms":\(alarms)}
            """
        statements = [
            SQLStatement(
                """
                INSERT INTO device_profile (id, created_time, tenant_id, name, type, transport_type, provision_type,
                    profile_data, description, is_default, default_rule_chain_id)
                VALUES ($1, $2, $3, $4, 'DEFAULT', 'DEFAULT', 'DISABLED', $5, $6, $7, $8)
                """,
                [
                    .uuid(id), .int8(time), .uuid(tenantID), .text(name), .jsonb(data), .optionalText(description),
                    .boolean(isDefault), .optionalUUID(ruleChainID?.uuid),
                ])
        ]
    }
}
