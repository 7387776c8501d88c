internal import JSON
internal import Logging
internal import Messages
internal import Model
internal import Queue
internal import Reactor
internal import Storage
internal import Telemetry

/// What a device that may be claimed has told of itself (`device-api.md` 8.5), kept as a server attribute until it is used,
/// fails or is over.
struct ClaimingInfo: Equatable {
    static let attribute = "claimingData"
    /// Of devices that may be claimed where claiming is not allowed by default.
    static let permission = "claimingAllowed"

    var secretKey: String
    /// Milliseconds since 1970.
    var expirationTime: Int64

    init(secretKey: String, expirationTime: Int64) {
        self.secretKey = secretKey
        self.expirationTime = expirationTime
    }

    init?(_ value: TelemetryValue) {
        guard case .json(let text) = value, let object = try? JSONValue.parse(text),
            let time = object["expirationTime"]?.integerValue
        else { return nil }
        self.init(secretKey: object["secretKey"]?.stringValue ?? "", expirationTime: time)
    }

    var value: TelemetryValue {
        let object: JSONValue = ["secretKey": .string(secretKey), "expirationTime": .integer(expirationTime)]
        return .json(object.serializedString)
    }
}

extension DeviceCore {
    /// The first offer counts until it is over. What is not allowed is not reported to the device.
    func claim(_ info: SessionInfo, secretKey: String, duration: Int64) {
        // One at a time, so that a later one cannot overtake it.
        guard claiming[info.device.deviceID] == nil else { return }
        claiming[info.device.deviceID] = []
        let offer = ClaimingInfo(
            secretKey: secretKey,
            expirationTime: now.addingReportingOverflow(duration > 0 ? duration : settings.claimDuration).partialValue)
        let (attributes, now, isAllowed, logger) = (attributes, now, settings.allowsClaimingByDefault, logger)
        let id = info.device.deviceID
        let device = id.uuid
        let origin = SaveOrigin(tenant: info.device.tenantID, entityType: .device)
        let core = CoreReference(core: self)
        Task.immediate(executorPreference: loop) {
            var failure: String?
            defer { core.core.claimEnded(id, failure) }
            do {
                let stored = try await attributes.find(
                    entity: device, scope: .server, keys: [ClaimingInfo.attribute, ClaimingInfo.permission])
                let permission = stored.first { $0.key == ClaimingInfo.permission }?.value
                guard isAllowed || permission == .boolean(true) else { return }
                let earlier = stored.first { $0.key == ClaimingInfo.attribute }.flatMap { ClaimingInfo($0.value) }
                if let earlier, earlier.expirationTime > now { return }
                try await attributes.save(
                    entity: device, scope: .server, [(ClaimingInfo.attribute, offer.value)], at: now,
                    origin: origin)
            } catch {
                failure = "The claim could not be stored"
                logger.limited(
                    .error, "the claim of a device cannot be stored", ["error": .string(String(describing: error))])
            }
        }
    }

    /// Answers what came behind the offer: with an error where the offer is not stored.
    private func claimEnded(_ device: DeviceID, _ failure: String?) {
        for (info, request) in claiming.removeValue(forKey: device) ?? [] {
            guard let failure else {
                answer(request, of: info)
                continue
            }
            let response = AttributesResponse(requestID: request.requestID, error: failure)
            notifications.send(.attributesResponse(info.sessionID, response), to: info.nodeID)
        }
    }
}
