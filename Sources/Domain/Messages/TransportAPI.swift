import Model

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

/// The questions that a transport asks a core node (`cluster.md` 3.3).
public protocol TransportAPI: Sendable {
    func validate(_ request: DeviceCredentialsRequest) async -> DeviceCredentialsResponse

    /// The same, if the answer is known without waiting; `nil` otherwise. For transports that ask at every message.
    func validateAtOnce(_ request: DeviceCredentialsRequest) -> DeviceCredentialsResponse?
}

extension TransportAPI {
    public func validateAtOnce(_ request: DeviceCredentialsRequest) -> DeviceCredentialsResponse? { nil }
}
