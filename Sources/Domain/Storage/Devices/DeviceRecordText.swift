import JSON
public import Model

/// A device with its credentials as text, for caches.
public struct DeviceRecordText {
    /// The present credentials of the device.
    public let credentialsID: String
    public let profileID: DeviceProfileID
    private let object: JSONObject
    private let deviceID: UUID128
    private let tenantID: UUID128
    private let customerID: UUID128

    /// `nil` for text of another form.
    public init?(_ text: [UInt8]) {
        guard let object = (try? JSONValue.parse(text))?.objectValue else { return nil }
        func id(_ key: String) -> UUID128? { object[key]?.stringValue.flatMap { UUID128($0) } }
        guard let credentialsID = object["credentialsId"]?.stringValue, let device = id("id"),
            let tenant = id("tenantId"), let customer = id("customerId"), let profile = id("profileId")
        else { return nil }
        self.object = object
        self.credentialsID = credentialsID
        (deviceID, tenantID, customerID, profileID) = (device, tenant, customer, DeviceProfileID(profile))
    }

    public static func text(of found: DeviceLookupResult, credentialsID: String) -> [UInt8] {
        let value: JSONValue = [
            "id": .string(found.deviceID.uuid.description), "tenantId": .string(found.tenantID.uuid.description),
            "customerId": .string(found.customerID.uuid.description),
            "profileId": .string(found.profile.id.uuid.description), "name": .string(found.name),
            "type": .string(found.type), "gateway": .bool(found.isGateway),
            "overwriteActivityTime": .bool(found.overwritesActivityTime), "credentialsId": .string(credentialsID),
            "credentialsType": .string(found.credentialsType),
            "credentialsValue": found.credentialsValue.map { .string($0) } ?? .null,
            "credentialsVersion": .integer(found.credentialsVersion),
        ]
        return value.serialized()
    }

    public func result(profile: TransportProfile) -> DeviceLookupResult? {
        guard let type = object["credentialsType"]?.stringValue, let name = object["name"]?.stringValue,
            let deviceType = object["type"]?.stringValue, let version = object["credentialsVersion"]?.integerValue
        else { return nil }
        return DeviceLookupResult(
            credentialsType: type, credentialsValue: object["credentialsValue"]?.stringValue,
            tenantID: TenantID(tenantID), deviceID: DeviceID(deviceID), name: name, type: deviceType,
            customerID: CustomerID(customerID), isGateway: object["gateway"]?.boolValue ?? false,
            overwritesActivityTime: object["overwriteActivityTime"]?.boolValue ?? false, credentialsVersion: version,
            profile: profile)
    }
}

extension TransportProfile {
    /// Itself without its id, for caches.
    public var text: [UInt8] {
        let value: JSONValue = [
            "transportType": .string(transportType), "transportConfiguration": transportConfiguration,
            "ruleChainId": ruleChainID.map { .string($0.uuid.description) } ?? .null,
            "queueName": queueName.map { .string($0) } ?? .null,
        ]
        return value.serialized()
    }

    /// `nil` for text of another form.
    public init?(text: [UInt8], id: DeviceProfileID) {
        guard let object = (try? JSONValue.parse(text))?.objectValue, let type = object["transportType"]?.stringValue
        else {
            return nil
        }
        self.init(
            id: id, transportType: type, transportConfiguration: object["transportConfiguration"] ?? .null,
            ruleChainID: object["ruleChainId"]?.stringValue.flatMap { UUID128($0) }.map { RuleChainID($0) },
            queueName: object["queueName"]?.stringValue)
    }
}
