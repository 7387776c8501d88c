import HTTPServer
import Logging
import Messages
import Metrics
import Model
import Reactor
import Telemetry
import TransportCore

/// The HTTP device API on one event loop. Owned by the loop.
final class HTTPTransportLoop: UplinkTarget {
    /// An uplink that is checked or waits for room.
    private struct Uplink {
        let resource: DevicePath.Resource
        let body: [UInt8]
        let reply: HTTPReply
    }

    /// Sessions are kept to be used again by the next request of the same device; beyond this many they are forgotten.
    private static let maximumKeptSessions = 100_000

    private let loop: EventLoop
    private let transport: TransportLoop
    private let logger: Logger
    private let metrics: HTTPTransportMetrics
    /// By token.
    private var sessions: [String: SessionInfo] = [:]
    /// Uplinks whose token is being checked, in order.
    private var checks: [String: [Uplink]] = [:]
    /// Uplinks that wait for the queue: the tag is the index.
    private var replies: [HTTPReply?] = []
    private var freeTags: [UInt32] = []

    init(_ transport: TransportLoop, logger: Logger, metrics: HTTPTransportMetrics) {
        loop = transport.loop
        self.transport = transport
        self.logger = logger
        self.metrics = metrics
    }

    func respond(to request: HTTPRequest, with reply: HTTPReply) {
        guard let path = DevicePath(request) else {
            metrics.count(.unknownPath)
            return reply.respond(DeviceAPIErrors.notFound(request))
        }
        guard request.method == .post else {
            metrics.count(.wrongMethod)
            return reply.respond(DeviceAPIErrors.methodNotAllowed(request))
        }
        guard !request.body.isEmpty else {
            metrics.count(.invalid)
            return reply.respond(DeviceAPIErrors.missingBody)
        }
        admit(Uplink(resource: path.resource, body: request.body, reply: reply), token: path.token)
    }

    // MARK: - Credentials

    private func admit(_ uplink: Uplink, token: String) {
        // Whoever comes while the token is checked waits behind the others, so that a device's uplinks stay in order.
        if checks[token] != nil {
            checks[token]?.append(uplink)
        } else if let known = transport.api.validateAtOnce(.accessToken(token)) {
            process(uplink, token: token, known)
        } else {
            checks[token] = [uplink]
            check(token)
        }
    }

    private func check(_ token: String) {
        let timer = loop.schedule(after: transport.configuration.credentialsTimeout) { [unowned self] in
            finishCheck(token, .unavailable)
        }
        let answer = LoopBoundAnswer { [unowned self] response in
            timer.cancel()
            finishCheck(token, response)
        }
        let api = transport.api
        Task(executorPreference: loop) {
            answer.body(await api.validate(.accessToken(token)))
        }
    }

    /// The first answer counts, that of the API or that of the timer.
    private func finishCheck(_ token: String, _ response: DeviceCredentialsResponse) {
        for uplink in checks.removeValue(forKey: token) ?? [] { process(uplink, token: token, response) }
    }

    private func process(_ uplink: Uplink, token: String, _ response: DeviceCredentialsResponse) {
        switch response {
        case .accepted(let device, let profile):
            post(uplink, session(token, device, profile))
        case .refused:
            metrics.count(.unknownToken)
            logger.limited(.debug, "unknown access token")
            uplink.reply.respond(.empty(401))
        case .unavailable:
            metrics.count(.unavailable)
            uplink.reply.respond(.empty(500))
        }
    }

    /// The session that earlier requests of the device had, unless something about the device has changed.
    private func session(_ token: String, _ device: DeviceInfo, _ profile: DeviceProfileInfo) -> SessionInfo {
        if let kept = sessions[token], kept.device == device, kept.profile == profile { return kept }
        if sessions.count >= Self.maximumKeptSessions { sessions.removeAll(keepingCapacity: true) }
        let made = SessionInfo(
            nodeID: transport.configuration.serviceID, sessionID: .random(), device: device, profile: profile)
        sessions[token] = made
        return made
    }

    // MARK: - Uplinks

    private func post(_ uplink: Uplink, _ session: SessionInfo) {
        guard !transport.isSaturated else {
            // The connection takes only a few requests ahead of their answers, so this holds its reading up as well.
            return transport.waitForRoom { [unowned self] in post(uplink, session) }
        }
        let lane = transport.lane(of: session.device.deviceID)
        let tag = keep(uplink.reply)
        do throws(TelemetryError) {
            let admission =
                switch uplink.resource {
                case .telemetry:
                    try transport.postTelemetry(
                        uplink.body.span, session: session, lane: lane, target: self, tag: tag)
                case .attributes:
                    try transport.postAttributes(
                        uplink.body.span, session: session, lane: lane, target: self, tag: tag)
                }
            switch admission {
            case .pending: break
            case .acknowledged: uplinkFinished(tag: tag)
            case .limited: release(tag).respond(.empty(500))
            }
        } catch {
            _ = release(tag)
            metrics.count(.invalid)
            logger.limited(
                .debug, "invalid payload", ["device.id": .string(session.device.deviceID.description)])
            uplink.reply.respond(DeviceAPIErrors.invalidPayload(error, uplink.body))
        }
    }

    func uplinkFinished(tag: UInt32) {
        metrics.count(.accepted)
        release(tag).respond(.empty(200))
    }

    func uplinkLost(tag: UInt32) {
        release(tag).respond(.empty(500))
    }

    private func keep(_ reply: HTTPReply) -> UInt32 {
        if let tag = freeTags.popLast() {
            replies[Int(tag)] = reply
            return tag
        }
        replies.append(reply)
        return UInt32(replies.count - 1)
    }

    private func release(_ tag: UInt32) -> HTTPReply {
        guard let reply = replies[Int(tag)].take() else { preconditionFailure("uplink \(tag) was answered before") }
        freeTags.append(tag)
        return reply
    }
}

/// Carries a closure over loop-bound state into a task on the same loop.
private struct LoopBoundAnswer: @unchecked Sendable {
    // @unchecked: called by a task whose executor is the loop that owns what the closure touches.
    let body: (DeviceCredentialsResponse) -> Void
}
