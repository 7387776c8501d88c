import Messages
import Model
public import Queue
public import Storage

/// Tells those who hold state of devices what the REST API changed: caches forget, sessions are closed or get the new
/// description. Safe from any thread.
public struct DeviceEventDispatcher: DeviceEvents {
    private let authenticator: DeviceAuthenticator
    private let sessions: DeviceSessionService
    private let notifications: any TransportNotificationProducer
    private let ruleEngines: any RuleEngineNotificationProducer
    private let lookup: DeviceLookup

    public init(
        database: Database, authenticator: DeviceAuthenticator, sessions: DeviceSessionService,
        notifications: any TransportNotificationProducer, ruleEngines: any RuleEngineNotificationProducer
    ) {
        self.ruleEngines = ruleEngines
        lookup = DeviceLookup(database: database)
        self.authenticator = authenticator
        self.sessions = sessions
        self.notifications = notifications
    }

    public func post(_ event: DeviceEvent) async {
        switch event {
        case .deviceCreated:
            break
        case .deviceUpdated(_, let device):
            authenticator.forget(device.id)
            await update(device.id)
        case .deviceDeleted(let device):
            authenticator.forget(device.id)
            sessions.close(device.id, .deviceDeleted)
        case .credentialsChanged(_, let device):
            authenticator.forget(device)
            sessions.close(device, .credentialsUpdated)
        case .deviceProfileChanged(_, let profile):
            authenticator.forget(profile)
            await update(profile)
        case .deviceProfileDeleted(_, let profile):
            authenticator.forget(profile)
        case .ruleChainChanged(let tenant, let chain, let change):
            ruleEngines.broadcast(.entityChanged(tenant, chain.entityID, change))
        case .attributesUpdated, .attributesDeleted, .timeseriesUpdated, .timeseriesDeleted:
            break
        }
    }

    /// A description that cannot be read now is taken at the next connect.
    private func update(_ device: DeviceID) async {
        guard let found = try? await lookup.device(device) else { return }
        notifications.broadcast(.deviceUpdated(found.deviceInfo))
        notifications.broadcast(.deviceProfileUpdated(found.profile.info))
    }

    private func update(_ profile: DeviceProfileID) async {
        guard let found = try? await lookup.profile(profile) else { return }
        notifications.broadcast(.deviceProfileUpdated(found.info))
    }
}
