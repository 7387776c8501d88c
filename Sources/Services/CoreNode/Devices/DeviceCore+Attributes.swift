internal import Logging
internal import Messages
internal import Metrics
internal import Model
internal import Queue
internal import Reactor
internal import Storage
internal import Telemetry

/// Attribute requests of devices, and changes that devices are told (`device-api.md` 2.8, 7.5).
extension DeviceCore {
    static let inactivityTimeoutKey = "inactivityTimeout"
    private static let maximumQuestions = 64

    func attributesUpdated(_ scope: AttributeScope, _ values: [AttributeEntry], in entry: DeviceEntry) {
        switch scope {
        case .shared: push(AttributesUpdate(updated: values), in: entry)
        case .server:
            if let value = values.last(where: { $0.key == Self.inactivityTimeoutKey }) {
                setInactivityTimeout(value.value.wholeNumber ?? 0, in: entry)
            }
        case .client: break
        }
    }

    func attributesDeleted(_ scope: AttributeScope, _ keys: [String], in entry: DeviceEntry) {
        switch scope {
        case .shared: push(AttributesUpdate(deleted: keys), in: entry)
        case .server: if keys.contains(Self.inactivityTimeoutKey) { setInactivityTimeout(0, in: entry) }
        case .client: break
        }
    }

    private func push(_ update: AttributesUpdate, in entry: DeviceEntry) {
        for index in entry.sessions.indices.reversed() where entry.sessions[index].isSubscribedToAttributes {
            let session = entry.sessions[index]
            notifications.send(.attributesUpdate(session.id, update), to: session.nodeID)
            metrics.attributeUpdates.increment()
            // One update ends a poll.
            if session.type == .sync { entry.sessions.remove(at: index) }
        }
    }

    // MARK: - Requests

    /// What comes behind an offer to be claimed is answered when that is stored.
    func answer(_ request: AttributesRequest, of info: SessionInfo) {
        if claiming[info.device.deviceID] != nil {
            claiming[info.device.deviceID]?.append((info, request))
            return
        }
        questions.append((info, request))
        askMore()
    }

    private func askMore() {
        while questionsInFlight < Self.maximumQuestions, !questions.isEmpty {
            let (info, request) = questions.removeFirst()
            questionsInFlight += 1
            let core = CoreReference(core: self)
            let (attributes, notifications, logger) = (attributes, notifications, logger)
            Task.immediate(executorPreference: loop) {
                var response = AttributesResponse(
                    requestID: request.requestID,
                    isMultiple: (request.clientKeys?.count ?? 0) + (request.sharedKeys?.count ?? 0) != 1)
                do {
                    let device = info.device.deviceID.uuid
                    if request.wantsClient {
                        response.client = try await attributes.find(
                            entity: device, scope: .client, keys: request.clientKeys
                        ).map(AttributeEntry.init)
                    }
                    if request.wantsShared {
                        response.shared = try await attributes.find(
                            entity: device, scope: .shared, keys: request.sharedKeys
                        ).map(AttributeEntry.init)
                    }
                } catch {
                    logger.limited(
                        .error, "attributes cannot be read for a device",
                        ["error": .string(String(describing: error))])
                    response.error = "Attributes are not available"
                }
                notifications.send(.attributesResponse(info.sessionID, response), to: info.nodeID)
                core.core.questionsInFlight -= 1
                core.core.askMore()
            }
        }
    }
}

extension AttributesRequest {
    var wantsClient: Bool { !onlyShared && (clientKeys != nil || sharedKeys == nil) }
    var wantsShared: Bool { onlyShared || sharedKeys != nil || clientKeys == nil }
}

extension AttributeEntry {
    init(_ attribute: StoredAttribute) {
        self.init(key: attribute.key, value: attribute.value, timestamp: attribute.lastUpdate)
    }
}

extension TelemetryValue {
    /// The number, if it is one.
    var wholeNumber: Int64? {
        switch self {
        case .long(let number): number
        case .double(let number): Int64(exactly: number.rounded())
        case .string(let text): Int64(text)
        case .boolean, .json: nil
        }
    }
}
