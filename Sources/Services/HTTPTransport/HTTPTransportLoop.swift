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
    /// A request that is checked or waits for room.
    private struct Request {
        let operation: DeviceOperation
        let reply: HTTPReply
    }

    /// Sessions are kept to be used again by the next request of the same device; beyond this many they are forgotten.
    private static let maximumKeptSessions = 100_000

    let loop: EventLoop
    let transport: TransportLoop
    let configuration: HTTPTransportConfiguration
    let logger: Logger
    let metrics: HTTPTransportMetrics
    /// By token.
    private var sessions: [String: KeptSession] = [:]
    /// Requests whose token is being checked, in order.
    private var checks: [String: [Request]] = [:]
    /// Uplinks that wait for the queue: the tag is the index.
    private var replies: [HTTPReply?] = []
    private var freeTags: [UInt32] = []
    /// Requests that wait for something else.
    var exchanges = Exchanges()
    private let activity: ActivityReports

    init(
        _ transport: TransportLoop, configuration: HTTPTransportConfiguration, logger: Logger,
        metrics: HTTPTransportMetrics
    ) {
        loop = transport.loop
        self.transport = transport
        self.configuration = configuration
        self.logger = logger
        self.metrics = metrics
        activity = ActivityReports(loop: transport.loop, period: transport.configuration.sessionReportPeriod) {
            [unowned transport] session, time in
            // A full queue loses it; the next report tells a later time.
            _ = transport.send(
                .activity(session, lastActivityTime: time, attributeSubscription: false, rpcSubscription: false),
                of: session)
        }
    }

    func respond(to request: HTTPRequest, with reply: HTTPReply) {
        guard let path = DevicePath(request) else {
            metrics.count(.unknownPath)
            return reply.respond(DeviceAPIErrors.notFound(request))
        }
        guard path.resource.methods.contains(request.method) else {
            metrics.count(.wrongMethod)
            return reply.respond(DeviceAPIErrors.methodNotAllowed(request, path.resource.methods))
        }
        if path.resource == .provision { return provision(request, reply) }
        do throws(DeviceOperation.Refusal) {
            admit(Request(operation: try DeviceOperation(path.resource, request), reply: reply), token: path.token)
        } catch {
            metrics.count(.invalid)
            reply.respond(error.response)
        }
    }

    // MARK: - Credentials

    private func admit(_ request: Request, token: String) {
        // Whoever comes while the token is checked waits behind the others, so that a device's uplinks stay in order.
        if checks[token] != nil {
            checks[token]?.append(request)
        } else if let known = transport.api.validateAtOnce(.accessToken(token)) {
            process(request, token: token, known)
        } else {
            checks[token] = [request]
            check(token)
        }
    }

    private func check(_ token: String) {
        let timer = loop.schedule(after: transport.configuration.credentialsTimeout) { [unowned self] in
            finishCheck(token, .unavailable)
        }
        let answer = LoopBoundClosure<DeviceCredentialsResponse> { [unowned self] response in
            timer.cancel()
            finishCheck(token, response)
        }
        let (api, limits) = (transport.api, transport.limits)
        Task(executorPreference: loop) {
            let response = await api.validate(.accessToken(token))
            if case .accepted(let device, _) = response { await limits.load(device.tenantID, from: api) }
            answer.body(response)
        }
    }

    /// The first answer counts, that of the API or that of the timer.
    private func finishCheck(_ token: String, _ response: DeviceCredentialsResponse) {
        for request in checks.removeValue(forKey: token) ?? [] { process(request, token: token, response) }
    }

    private func process(_ request: Request, token: String, _ response: DeviceCredentialsResponse) {
        switch response {
        case .accepted(let device, let profile):
            let kept = session(token, device, profile)
            perform(request, kept)
            activity.note(kept)
        case .refused:
            metrics.count(.unknownToken)
            logger.limited(.debug, "unknown access token")
            request.reply.respond(.empty(401))
        case .unavailable:
            metrics.count(.unavailable)
            request.reply.respond(.empty(500))
        }
    }

    /// The session that earlier requests of the device had, unless something about the device has changed.
    private func session(_ token: String, _ device: DeviceInfo, _ profile: DeviceProfileInfo) -> KeptSession {
        if let kept = sessions[token] {
            if kept.info.device != device || kept.info.profile != profile {
                kept.info = makeSession(device, profile)
                kept.limiter = transport.limits.limiter(of: kept.info)
            }
            return kept
        }
        if sessions.count >= Self.maximumKeptSessions { sessions.removeAll(keepingCapacity: true) }
        let info = makeSession(device, profile)
        let made = KeptSession(info, limiter: transport.limits.limiter(of: info))
        sessions[token] = made
        return made
    }

    func makeSession(_ device: DeviceInfo, _ profile: DeviceProfileInfo) -> SessionInfo {
        SessionInfo(
            nodeID: transport.configuration.serviceID, sessionID: .random(), device: device, profile: profile,
            sessionType: .sync)
    }

    // MARK: - Operations

    private func perform(_ request: Request, _ kept: KeptSession) {
        let session = kept.info
        guard request.operation.isUplink || transport.admitsMessage(kept.limiter) else {
            // At once and for every request (`device-api.md` 12, Q8).
            metrics.count(.limited)
            return request.reply.respond(.empty(500))
        }
        switch request.operation {
        case .telemetry, .attributes: post(request, kept)
        case .readAttributes(let question): readAttributes(question, session, request.reply)
        case .pollAttributes(let timeout): poll(.attributeUpdate, session, timeout, request.reply)
        case .pollRPC(let timeout): poll(.rpcRequest, session, timeout, request.reply)
        case .answerRPC(let response): tell(.rpcResponse(session, response), session, request.reply)
        case .callServer(let call): callServer(call, session, request.reply)
        case .claim(let offer): claim(offer, session, request.reply)
        case .download(let download): self.download(download, session, request.reply)
        }
    }

    private func post(_ request: Request, _ kept: KeptSession) {
        let tenant = kept.info.device.tenantID
        guard !transport.isSaturated(by: tenant) else {
            // The connection takes only a few requests ahead of their answers, so this holds its reading up as well.
            return transport.waitForRoom(of: tenant) { [unowned self] in post(request, kept) }
        }
        let session = kept.info
        let lane = transport.lane(of: session.device.deviceID)
        let tag = keep(request.reply)
        let payload: [UInt8]
        do throws(TelemetryError) {
            let admission: UplinkAdmission
            switch request.operation {
            case .telemetry(let body):
                payload = body
                admission = try transport.postTelemetry(
                    body.span, session: session, lane: lane, limiter: kept.limiter, target: self, tag: tag)
            case .attributes(let body):
                payload = body
                admission = try transport.postAttributes(
                    body.span, session: session, lane: lane, limiter: kept.limiter, target: self, tag: tag)
            default: preconditionFailure("not an uplink")
            }
            switch admission {
            case .pending: break
            case .acknowledged: uplinkFinished(tag: tag)
            case .limited:
                metrics.count(.limited)
                release(tag).respond(.empty(500))
            }
        } catch {
            _ = release(tag)
            metrics.count(.invalid)
            logger.limited(
                .debug, "invalid payload", ["device.id": .string(session.device.deviceID.description)])
            request.reply.respond(DeviceAPIErrors.invalidPayload(error, payload))
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
struct LoopBoundClosure<Value>: @unchecked Sendable {
    // @unchecked: called by a task whose executor is the loop that owns what the closure touches.
    let body: (Value) -> Void
}
