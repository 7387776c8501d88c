import MQTTProtocol
import Messages
import Metrics
import Model
import Reactor
import TransportCore

/// CONNECT and its answer (`device-api.md` 2.1 to 2.3).
extension MQTTConnection {
    func receiveConnect(_ connect: MQTTConnect) {
        if connect.version == .v3_1, !(1...23).contains(connect.clientIdentifier.unicodeScalars.count) {
            closeInSilence(.unsupportedProtocol)
            return
        }
        if connect.userName == "provision" || connect.clientIdentifier == "provision" {
            state = .provisioning
            return accept(connect)
        }
        state = .authenticating(connect)
        connection?.pauseReading()
        transport.authenticate(connect, for: self)
    }

    /// The answer about the credentials; `nil` when it did not come in time.
    func authenticated(_ response: DeviceCredentialsResponse?) {
        guard case .authenticating(let connect) = state, let connection else { return }
        switch response {
        case .accepted(let device, let profile):
            guard profile.allowsMQTT else {
                refuse(.unavailable)
                return
            }
            let info = transport.makeSession(device: device, profile: profile, connection: connection.id)
            guard transport.transport.sessionOpened(info) else {
                refuse(.notOpened)
                return
            }
            state = .open(
                OpenSession(
                    info: info, lane: transport.transport.lane(of: info.device.deviceID), isGateway: device.isGateway))
            transport.metrics.sessions.add(1)
            transport.watch(self)
            accept(connect)
        case .refused:
            transport.metrics.refusedConnects.increment()
            refuse(.wrongCredentials(connect))
        case .unavailable, nil:
            transport.metrics.unavailableConnects.increment()
            refuse(.unavailable)
        }
    }

    /// Tells the client that it is in, and reads on.
    func accept(_ connect: MQTTConnect) {
        let answer: MQTTConnack.Answer = version == .v5 ? .reasonCode(.success) : .returnCode(.accepted)
        write { [version] buffer in
            MQTTConnack(answer: answer, sessionPresent: !connect.cleanStart).encode(version: version, into: &buffer)
        }
        transport.metrics.connects.increment()
        // Nothing happens where reading was not paused.
        connection?.resumeReading()
    }

    func refuse(_ refusal: ConnectRefusal) {
        let answer: MQTTConnack.Answer =
            version == .v5 ? .reasonCode(refusal.reasonCode) : .returnCode(refusal.returnCode)
        write { [version] buffer in
            MQTTConnack(answer: answer).encode(version: version, into: &buffer)
        }
        close(refusal.disconnect, .refused)
    }
}
