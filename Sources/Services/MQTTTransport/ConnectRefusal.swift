import MQTTProtocol
import Messages

/// What a refused CONNECT is answered (`device-api.md` 2.3).
struct ConnectRefusal: Equatable {
    let returnCode: MQTTConnectReturnCode
    let reasonCode: MQTTReasonCode
    /// On MQTT 5 a DISCONNECT with this code follows the CONNACK, where existing clients read the reason.
    let disconnect: MQTTReasonCode

    /// The credentials are wrong.
    static func wrongCredentials(_ connect: MQTTConnect) -> ConnectRefusal {
        if !(connect.userName ?? "").isEmpty || connect.password != nil {
            return ConnectRefusal(
                returnCode: .notAuthorized, reasonCode: .badUserNameOrPassword, disconnect: .badUserNameOrPassword)
        }
        let isBlank = connect.clientIdentifier.utf8.allSatisfy { $0 == UInt8(ascii: " ") }
        return isBlank
            ? ConnectRefusal(returnCode: .notAuthorized, reasonCode: .notAuthorized, disconnect: .notAuthorized)
            : ConnectRefusal(
                returnCode: .identifierRejected, reasonCode: .clientIdentifierNotValid,
                disconnect: .clientIdentifierNotValid)
    }

    /// The credentials could not be checked, or the profile does not speak MQTT.
    static let unavailable = ConnectRefusal(
        returnCode: .serverUnavailable, reasonCode: .serverUnavailable, disconnect: .serverBusy)

    /// The certificate is unknown, cannot be read, or is not valid now.
    static let wrongCertificate = ConnectRefusal(
        returnCode: .notAuthorized, reasonCode: .notAuthorized, disconnect: .notAuthorized)

    /// The limits of the tenant or the device let no session be opened.
    static let limited = ConnectRefusal(
        returnCode: .serverUnavailable, reasonCode: .connectionRateExceeded, disconnect: .messageRateTooHigh)

    /// The session could not be opened, or a certificate could not be checked.
    static let notOpened = ConnectRefusal(
        returnCode: .serverUnavailable, reasonCode: .serverUnavailable, disconnect: .implementationSpecificError)
}

extension DeviceProfileInfo {
    /// Whether devices of the profile may use MQTT (`device-api.md` 1.1).
    var allowsMQTT: Bool {
        switch transportType {
        case .default, .mqtt: true
        case .coap, .lwm2m, .snmp: false
        }
    }
}

extension SessionCloseReason {
    /// What a DISCONNECT of MQTT 5 says (`device-api.md` 6.2).
    var disconnectCode: MQTTReasonCode {
        switch self {
        case .credentialsUpdated, .rpcDeliveryTimeout, .deviceDeleted: .administrativeAction
        case .maximumConcurrentSessionsReached: .sessionTakenOver
        case .sessionTimeout: .maximumConnectTime
        case .unknown: .implementationSpecificError
        }
    }
}
