public import JSON
public import Model
import Postgres

/// A device found by its credentials, with what a transport needs to know of it and of its profile.
public struct DeviceLookupResult: Sendable {
    /// `ACCESS_TOKEN`, `MQTT_BASIC`, `X509_CERTIFICATE` or `LWM2M_CREDENTIALS`.
    public var credentialsType: String
    public var credentialsValue: String?
    public var tenantID: TenantID
    public var deviceID: DeviceID
    public var name: String
    public var type: String
    public var customerID: CustomerID
    /// `additionalInfo.gateway` is `true`.
    public var isGateway: Bool
    /// `additionalInfo.overwriteActivityTime` is `true`.
    public var overwritesActivityTime: Bool
    /// `additionalInfo.lastConnectedGateway`.
    public var lastConnectedGateway: String?
    /// Grows with each change of the credentials.
    public var credentialsVersion: Int64
    public var profile: TransportProfile
}

/// What a transport needs to know of a device profile.
public struct TransportProfile: Sendable {
    public var id: DeviceProfileID
    public var transportType: String
    /// `profileData.transportConfiguration`.
    public var transportConfiguration: JSONValue
    public var ruleChainID: RuleChainID?
    public var queueName: String?
}

/// Finds devices for transports.
public struct DeviceLookup: Sendable {
    private let database: Database

    public init(database: Database) {
        self.database = database
    }

    private static let profileColumns = """
        p.id, p.transport_type, (p.profile_data -> 'transportConfiguration')::text, p.default_rule_chain_id,
        p.default_queue_name
        """

    private static let statement = """
        SELECT c.credentials_type, c.credentials_value, d.tenant_id, d.id, d.name, d.type, d.customer_id,
            d.additional_info, \(profileColumns), c.version
        FROM device_credentials c JOIN device d ON d.id = c.device_id JOIN device_profile p ON p.id = d.device_profile_id
        """

    /// The device whose credentials have that id, which is unique over the whole installation (`device-api.md` 1.2).
    public func device(credentialsID: String) async throws -> DeviceLookupResult? {
        let rows = try await database.query(Self.statement + " WHERE c.credentials_id = $1", [.text(credentialsID)])
        return rows.first.flatMap(Self.result)
    }

    public func device(_ id: DeviceID) async throws -> DeviceLookupResult? {
        let rows = try await database.query(
            Self.statement + " WHERE d.id = $1", [.uuid(high: id.uuid.high, low: id.uuid.low)])
        return rows.first.flatMap(Self.result)
    }

    public func device(named name: String, tenant: TenantID) async throws -> DeviceLookupResult? {
        let rows = try await database.query(
            Self.statement + " WHERE d.tenant_id = $1 AND d.name = $2",
            [.uuid(high: tenant.uuid.high, low: tenant.uuid.low), .text(name)])
        return rows.first.flatMap(Self.result)
    }

    public func profile(_ id: DeviceProfileID) async throws -> TransportProfile? {
        let rows = try await database.query(
            "SELECT \(Self.profileColumns) FROM device_profile p WHERE p.id = $1",
            [.uuid(high: id.uuid.high, low: id.uuid.low)])
        return rows.first.flatMap { Self.profile($0, firstColumn: 0) }
    }

    private static func result(_ row: PostgresRow) -> DeviceLookupResult? {
        guard let tenant = row.id(2), let device = row.id(3), let profile = profile(row, firstColumn: 8) else {
            return nil
        }
        let info = (try? JSONValue.parse(Array((row.text(7) ?? "").utf8))) ?? .null
        return DeviceLookupResult(
            credentialsType: row.text(0) ?? "", credentialsValue: row.text(1), tenantID: TenantID(tenant),
            deviceID: DeviceID(device), name: row.text(4) ?? "", type: row.text(5) ?? "",
            customerID: row.id(6).map { CustomerID($0) } ?? .null,
            isGateway: info.objectValue?["gateway"]?.boolValue ?? false,
            overwritesActivityTime: info.objectValue?["overwriteActivityTime"]?.boolValue ?? false,
            lastConnectedGateway: info.objectValue?["lastConnectedGateway"]?.stringValue,
            credentialsVersion: row.int8(13) ?? 1, profile: profile)
    }

    private static func profile(_ row: PostgresRow, firstColumn first: Int) -> TransportProfile? {
        guard let id = row.id(first) else { return nil }
        let queue = row.text(first + 4)
        return TransportProfile(
            id: DeviceProfileID(id), transportType: row.text(first + 1) ?? "DEFAULT",
            transportConfiguration: (try? JSONValue.parse(Array((row.text(first + 2) ?? "").utf8))) ?? .null,
            ruleChainID: row.id(first + 3).map { RuleChainID($0) }, queueName: queue?.isEmpty ?? true ? nil : queue)
    }
}
