import Crypto
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
        let chain = connection?.isSecure == true ? connection?.peerCertificateChain ?? [] : []
        guard !chain.isEmpty else { return transport.authenticate(connect, for: self) }
        // Whoever presents a certificate is known by it alone.
        hasCertificate = true
        let certificates = chain.compactMap { Certificate(der: $0) }
        let skipsDates = transport.configuration.tls?.skipsValidityCheck ?? false
        guard certificates.count == chain.count, skipsDates || certificates[0].isWithinValidity else {
            return refuse(connect)
        }
        transport.authenticate(certificates, for: self)
    }

    /// The answer about the credentials; `nil` when it did not come in time.
    func authenticated(_ response: DeviceCredentialsResponse?) {
        guard case .authenticating(let connect) = state, let connection else { return }
        switch response {
        case .accepted(let device, let profile):
            guard profile.allowsMQTT else {
                refuse(hasCertificate ? .notOpened : .unavailable)
                return
            }
            let info = transport.makeSession(device: device, profile: profile, connection: connection.id)
            let limiter = transport.transport.limits.limiter(of: info)
            guard transport.transport.admitsMessage(limiter) else { return refuse(.limited) }
            guard transport.transport.sessionOpened(info) else {
                refuse(.notOpened)
                return
            }
            state = .open(
                OpenSession(
                    info: info, lane: transport.transport.lane(of: info.device.deviceID), limiter: limiter,
                    isGateway: device.isGateway))
            if let address = peerAddress { transport.blocker?.noteSuccess(address) }
            transport.metrics.sessions.add(1)
            transport.watch(self)
            accept(connect)
        case .refused:
            refuse(connect)
        case .unavailable, nil:
            transport.metrics.unavailableConnects.increment()
            refuse(hasCertificate ? .notOpened : .unavailable)
        }
    }

    /// The credentials are wrong.
    private func refuse(_ connect: MQTTConnect) {
        transport.metrics.refusedConnects.increment()
        noteFailure()
        refuse(hasCertificate ? .wrongCertificate : .wrongCredentials(connect))
    }

    /// Remembers wrong credentials of the peer's address.
    func noteFailure() {
        if let address = peerAddress { transport.blocker?.noteFailure(address, now: transport.loop.now) }
    }

    /// `nil` where addresses are not blocked.
    private var peerAddress: AddressBlocker.Address? {
        guard transport.blocker != nil, let connection else { return nil }
        return AddressBlocker.Address(connection.peerAddressBytes)
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
