public import Model
internal import Postgres

/// A calculated field as it is stored (`rest-api.md` 3.6, `rule-engine.md` 7.3); alarm rules are those of type `ALARM`.
public struct CalculatedField: Sendable {
    public var id: CalculatedFieldID
    public var createdTime: Int64
    public var tenantID: TenantID
    /// What it belongs to: a device, an asset, a profile of either, or a customer.
    public var entity: EntityID
    public var type: String
    public var name: String
    public var configurationVersion: Int32
    public var configuration: RawJSON
    public var debugSettings: RawJSON?
    public var additionalInfo: RawJSON?
    public var version: Int64

    public init(
        id: CalculatedFieldID, createdTime: Int64, tenantID: TenantID, entity: EntityID, type: String, name: String,
        configurationVersion: Int32, configuration: RawJSON, debugSettings: RawJSON?, additionalInfo: RawJSON?
    ) {
        self.id = id
        self.createdTime = createdTime
        self.tenantID = tenantID
        self.entity = entity
        self.type = type
        self.name = name
        self.configurationVersion = configurationVersion
        self.configuration = configuration
        self.debugSettings = debugSettings
        self.additionalInfo = additionalInfo
        version = 1
    }

    /// Which of its calculations are noted as events.
    public var debug: RuleNodeDebugSettings { RuleNodeDebugSettings(debugSettings) }

    static let columns = """
        id, created_time, tenant_id, entity_type, entity_id, type, name, configuration_version, configuration, \
        debug_settings, additional_info, version
        """

    init(_ row: PostgresRow) {
        id = row.entity(0)
        createdTime = row.int8(1) ?? 0
        tenantID = row.entity(2)
        entity = EntityID(type: row.text(3).flatMap { EntityType(name: $0) } ?? .device, uuid: row.id(4) ?? .null)
        type = row.text(5) ?? ""
        name = row.text(6) ?? ""
        configurationVersion = row.int4(7) ?? 0
        configuration = row.document(8) ?? RawJSON(wellFormed: "{}")
        debugSettings = row.document(9)
        additionalInfo = row.document(10)
        version = row.int8(11) ?? 1
    }
}
