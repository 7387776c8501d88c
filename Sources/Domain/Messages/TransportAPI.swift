public import Model

/// What a device presents to be let in (`device-api.md` 2.2, `cluster.md` 3.3).
public enum DeviceCredentialsRequest: Sendable {
    case accessToken(String)
    case mqttBasic(clientID: String, userName: String?, password: String?)
    /// Lower-case hex SHA3-256 of the certificate's text.
    case x509(hash: String)
}

public enum DeviceCredentialsResponse: Sendable {
    case accepted(DeviceInfo, DeviceProfileInfo)
    case refused
    /// The question could not be answered; asking again later can help.
    case unavailable
}

/// The device that a gateway speaks for (`device-api.md` 3.3).
public enum GatewayDeviceResponse: Sendable {
    case found(DeviceInfo, DeviceProfileInfo)
    /// The tenant has as many devices as it may have.
    case limitReached
    /// It can neither be found nor created.
    case failed
}

/// The types of device credentials (`device-api.md` 1.2); raw values of `CredentialsTypeProto`.
public enum CredentialsType: UInt8, Sendable, CaseIterable {
    case accessToken = 0
    case x509Certificate = 1
    case mqttBasic = 2
    case lwm2m = 3

    public var name: String {
        switch self {
        case .accessToken: "ACCESS_TOKEN"
        case .x509Certificate: "X509_CERTIFICATE"
        case .mqttBasic: "MQTT_BASIC"
        case .lwm2m: "LWM2M_CREDENTIALS"
        }
    }

    public init?(name: String) {
        guard let type = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = type
    }
}

/// A device that wants to be registered (`device-api.md` 8.1).
public struct ProvisionRequest: Sendable, Hashable {
    public var deviceName: String?
    public var credentialsType: CredentialsType
    public var provisionDeviceKey: String
    public var provisionDeviceSecret: String
    public var token: String?
    /// The certificate, in spite of the member's name.
    public var x509Hash: String?
    public var clientID: String?
    public var userName: String?
    public var password: String?
    public var isGateway: Bool

    public init(
        deviceName: String? = nil, credentialsType: CredentialsType = .accessToken, provisionDeviceKey: String,
        provisionDeviceSecret: String, token: String? = nil, x509Hash: String? = nil, clientID: String? = nil,
        userName: String? = nil, password: String? = nil, isGateway: Bool = false
    ) {
        self.deviceName = deviceName
        self.credentialsType = credentialsType
        self.provisionDeviceKey = provisionDeviceKey
        self.provisionDeviceSecret = provisionDeviceSecret
        self.token = token
        self.x509Hash = x509Hash
        self.clientID = clientID
        self.userName = userName
        self.password = password
        self.isGateway = isGateway
    }
}

public enum ProvisionResponse: Sendable, Hashable {
    /// `value`: the token, the certificate text, or the JSON object of MQTT_BASIC as text; empty for LwM2M.
    case success(CredentialsType, value: String)
    case notFound
    case failure
    /// No answer: a service error (`device-api.md` 8.3, last row).
    case unavailable
}

/// What an OTA package is for (`device-api.md` 9).
public enum OTAPackageKind: UInt8, Sendable, CaseIterable {
    case firmware = 0
    case software = 1

    public var name: String { self == .firmware ? "FIRMWARE" : "SOFTWARE" }
    /// Of attributes, telemetry keys and topics.
    public var prefix: String { self == .firmware ? "fw" : "sw" }

    public init?(name: String) {
        guard let kind = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = kind
    }
}

/// An OTA package that a device may download.
public struct OTAPackageInfo: Sendable, Hashable {
    public var id: OTAPackageID
    public var kind: OTAPackageKind
    public var title: String
    public var version: String
    public var contentType: String
    public var fileName: String
    /// Bytes.
    public var size: Int64

    public init(
        id: OTAPackageID, kind: OTAPackageKind, title: String, version: String, contentType: String, fileName: String,
        size: Int64
    ) {
        self.id = id
        self.kind = kind
        self.title = title
        self.version = version
        self.contentType = contentType
        self.fileName = fileName
        self.size = size
    }
}

public enum OTAPackageResponse: Sendable, Hashable {
    case found(OTAPackageInfo)
    /// None is assigned, or the one that is has a URL and no data.
    case notFound
    case unavailable
}

/// The questions that a transport asks a core node (`cluster.md` 3.3). Safe from any thread.
public protocol TransportAPI: Sendable {
    func validate(_ request: DeviceCredentialsRequest) async -> DeviceCredentialsResponse

    /// The same, if the answer is known without waiting; `nil` otherwise. For transports that ask at every message.
    func validateAtOnce(_ request: DeviceCredentialsRequest) -> DeviceCredentialsResponse?

    /// Finds the device of a certificate, or of one that signed it (`device-api.md` 8.4).
    ///
    /// - Parameter certificateChain: PEM, leaf first.
    func validateOrCreate(certificateChain: String) async -> DeviceCredentialsResponse

    /// The device of that name in the gateway's tenant, made if there is none.
    ///
    /// - Parameter type: Name of its profile; empty stands for the default profile.
    func getOrCreateDevice(gateway: DeviceID, name: String, type: String) async -> GatewayDeviceResponse

    func provision(_ request: ProvisionRequest) async -> ProvisionResponse

    /// The package assigned to the device, or else to its profile.
    func otaPackage(device: DeviceID, tenant: TenantID, kind: OTAPackageKind) async -> OTAPackageResponse

    /// A part of the package's data, shorter at its end and empty behind it; `nil` when it cannot be read.
    func otaPackageData(_ id: OTAPackageID, offset: Int64, length: Int) async -> [UInt8]?

    /// `nil` when the limits cannot be read now.
    func transportLimits(_ tenant: TenantID) async -> TransportLimits?

    /// The queues that take messages; `nil` when they cannot be read now.
    func queues() async -> [QueueRoute]?
}

/// What a node answers that does not offer the question.
extension TransportAPI {
    public func validateAtOnce(_ request: DeviceCredentialsRequest) -> DeviceCredentialsResponse? { nil }
    public func validateOrCreate(certificateChain: String) async -> DeviceCredentialsResponse { .unavailable }
    public func getOrCreateDevice(gateway: DeviceID, name: String, type: String) async -> GatewayDeviceResponse {
        .failed
    }
    public func provision(_ request: ProvisionRequest) async -> ProvisionResponse { .unavailable }
    public func otaPackage(device: DeviceID, tenant: TenantID, kind: OTAPackageKind) async -> OTAPackageResponse {
        .unavailable
    }
    public func otaPackageData(_ id: OTAPackageID, offset: Int64, length: Int) async -> [UInt8]? { nil }
    public func transportLimits(_ tenant: TenantID) async -> TransportLimits? { nil }
    public func queues() async -> [QueueRoute]? { nil }
}
