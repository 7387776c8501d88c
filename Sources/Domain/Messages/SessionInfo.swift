public import Model

/// What every message of a device session carries about it (`cluster.md` 3.2, SessionInfo).
///
/// Made once when the session opens, and again when the device or its profile changes; immutable, so that messages
/// share it.
public final class SessionInfo: Sendable {
    /// Service id of the transport that holds the session.
    public let nodeID: String
    public let sessionID: UUID128
    public let device: DeviceInfo
    public let profile: DeviceProfileInfo
    public let sessionType: SessionType
    /// The gateway that speaks for the device; `nil` when the device speaks for itself.
    public let gateway: GatewaySession?

    public init(
        nodeID: String, sessionID: UUID128, device: DeviceInfo, profile: DeviceProfileInfo,
        sessionType: SessionType = .async, gateway: GatewaySession? = nil
    ) {
        self.nodeID = nodeID
        self.sessionID = sessionID
        self.device = device
        self.profile = profile
        self.sessionType = sessionType
        self.gateway = gateway
    }
}

/// How long a session lives (`cluster.md` 3.2).
public enum SessionType: UInt8, Sendable {
    /// One exchange: a long poll over HTTP.
    case sync = 0
    /// Until one side leaves.
    case async = 1
}

/// The session that carries another device's session.
public struct GatewaySession: Sendable, Hashable {
    public var sessionID: UUID128
    public var deviceID: DeviceID

    public init(sessionID: UUID128, deviceID: DeviceID) {
        self.sessionID = sessionID
        self.deviceID = deviceID
    }
}

/// A device as transports need to know it (`cluster.md` 3.2, DeviceInfo).
public struct DeviceInfo: Sendable, Hashable {
    public var tenantID: TenantID
    public var deviceID: DeviceID
    public var name: String
    /// The name of its profile.
    public var type: String
    public var profileID: DeviceProfileID
    /// ``CustomerID/null`` when the device is not assigned.
    public var customerID: CustomerID
    public var isGateway: Bool
    /// `additionalInfo.overwriteActivityTime`: a gateway whose children's activity counts as its own.
    public var overwritesActivityTime: Bool
    /// Of the credentials that let it in; grows with each change of them. 0 when none were presented.
    public var credentialsVersion: Int64

    public init(
        tenantID: TenantID, deviceID: DeviceID, name: String, type: String, profileID: DeviceProfileID,
        customerID: CustomerID, isGateway: Bool, overwritesActivityTime: Bool = false, credentialsVersion: Int64 = 0
    ) {
        self.tenantID = tenantID
        self.deviceID = deviceID
        self.name = name
        self.type = type
        self.profileID = profileID
        self.customerID = customerID
        self.isGateway = isGateway
        self.overwritesActivityTime = overwritesActivityTime
        self.credentialsVersion = credentialsVersion
    }
}

/// Which transports may be used (`device-api.md` 1.1).
public enum DeviceTransportType: String, Sendable {
    case `default` = "DEFAULT"
    case mqtt = "MQTT"
    case coap = "COAP"
    case lwm2m = "LWM2M"
    case snmp = "SNMP"
}

/// The MQTT options of a device profile (`device-api.md` 2.11).
public struct MQTTProfileConfiguration: Sendable, Hashable {
    public static let defaultTelemetryTopic = "v1/devices/me/telemetry"
    public static let defaultAttributesTopic = "v1/devices/me/attributes"

    /// Filter for telemetry PUBLISH topics.
    public var telemetryTopicFilter = Self.defaultTelemetryTopic
    /// Filter for attribute PUBLISH topics.
    public var attributesTopicFilter = Self.defaultAttributesTopic
    /// Filter that a SUBSCRIBE is compared with.
    public var attributesSubscribeTopicFilter = Self.defaultAttributesTopic
    /// `sendAckOnValidationException`: a PUBLISH with an invalid payload is acknowledged instead of closing the connection.
    public var acknowledgesInvalidPayloads = false
    /// Whether `transportPayloadType` is `PROTOBUF`.
    public var usesProtobuf = false
    /// The schemas of protobuf payloads (`device-api.md` 10); `nil` with JSON.
    public var protobuf: ProtobufSchemas?
    /// `enableCompatibilityWithJsonPayloadFormat`: a payload that is not protobuf is tried as JSON.
    public var acceptsJSONBesideProtobuf = false
    /// `useJsonPayloadFormatForDefaultDownlinkTopics`: downlinks on default topics are JSON in any case.
    public var usesJSONForDefaultDownlinks = false

    public init() {}
}

/// The protobuf schemas of a device profile, as text (`device-api.md` 10.3); empty stands for the platform's own.
public struct ProtobufSchemas: Sendable, Hashable {
    public var telemetry: String
    public var attributes: String
    public var rpcRequest: String
    public var rpcResponse: String

    public init(telemetry: String = "", attributes: String = "", rpcRequest: String = "", rpcResponse: String = "") {
        self.telemetry = telemetry
        self.attributes = attributes
        self.rpcRequest = rpcRequest
        self.rpcResponse = rpcResponse
    }
}

/// A device profile as transports and the routing of messages need it.
public struct DeviceProfileInfo: Sendable, Hashable {
    public var id: DeviceProfileID
    public var transportType: DeviceTransportType
    /// The options of transport type ``DeviceTransportType/mqtt``; the defaults otherwise.
    public var mqtt: MQTTProfileConfiguration
    /// Chain that processes messages of its devices; `nil` stands for the tenant's root chain.
    public var ruleChainID: RuleChainID?
    /// Queue of its devices' messages; `nil` stands for `Main`.
    public var queueName: String?

    public init(
        id: DeviceProfileID, transportType: DeviceTransportType, mqtt: MQTTProfileConfiguration = .init(),
        ruleChainID: RuleChainID? = nil, queueName: String? = nil
    ) {
        self.id = id
        self.transportType = transportType
        self.mqtt = mqtt
        self.ruleChainID = ruleChainID
        self.queueName = queueName
    }
}
