internal import JSON
public import Logging
internal import Messages
internal import Model
public import Queue
public import Storage

/// Tells those who hold state of devices what the REST API changed: caches forget, sessions are closed or get the new
/// description, subscribers hear of attributes. Safe from any thread.
public struct DeviceEventDispatcher: DeviceEvents {
    private let authenticator: DeviceAuthenticator
    private let core: any CoreQueueProducer
    private let nodes: any CoreNotificationProducer
    private let notifications: any TransportNotificationProducer
    private let ruleEngines: any RuleEngineNotificationProducer
    private let lookup: DeviceLookup
    private let updates: OTAUpdates

    public init(
        database: Database, authenticator: DeviceAuthenticator, core: any CoreQueueProducer,
        nodes: any CoreNotificationProducer, notifications: any TransportNotificationProducer,
        ruleEngines: any RuleEngineNotificationProducer, telemetry: any TelemetryStore, logger: Logger
    ) {
        updates = OTAUpdates(database: database, telemetry: telemetry, core: core, logger: logger)
        self.ruleEngines = ruleEngines
        lookup = DeviceLookup(database: database)
        self.authenticator = authenticator
        self.core = core
        self.nodes = nodes
        self.notifications = notifications
    }

    public func post(_ event: DeviceEvent) async {
        switch event {
        case .deviceCreated(let device, let hasPackages):
            tell(.stateAdded(device.tenantID, device.id))
            if hasPackages { await updates.update(device.id, tenant: device.tenantID, isNew: true) }
        case .deviceUpdated(let old, let device):
            forget(device.tenantID, device.id, .updated)
            if old.deviceProfileID != device.deviceProfileID {
                ruleEngines.broadcast(.entityChanged(device.tenantID, device.id.entityID, .updated))
            }
            await update(device.id)
            if old.name != device.name || old.type != device.type {
                tell(.renamed(device.tenantID, device.id, name: device.name, type: device.type))
            }
            tell(.stateUpdated(device.tenantID, device.id))
            if old.firmwareID != device.firmwareID || old.softwareID != device.softwareID
                || old.deviceProfileID != device.deviceProfileID
            {
                await updates.update(device.id, tenant: device.tenantID, isNew: false)
            }
        case .deviceDeleted(let device):
            forget(device.tenantID, device.id, .deleted)
            ruleEngines.broadcast(.entityChanged(device.tenantID, device.id.entityID, .deleted))
            tell(.deleted(device.tenantID, device.id))
            notifications.broadcast(.deviceDeleted(device.id))
        case .credentialsChanged(let tenant, let device):
            forget(tenant, device, .updated)
            let version = try? await lookup.device(device)?.credentialsVersion
            tell(.credentialsUpdated(tenant, device, version: version ?? .max))
        case .deviceProfileChanged(let tenant, let profile):
            authenticator.forget(profile)
            nodes.broadcast(.entityChanged(tenant, profile.entityID, .updated))
            ruleEngines.broadcast(.entityChanged(tenant, profile.entityID, .updated))
            await update(profile)
            updates.update(profile, tenant: tenant)
        case .deviceProfileDeleted(let tenant, let profile):
            authenticator.forget(profile)
            nodes.broadcast(.entityChanged(tenant, profile.entityID, .deleted))
            notifications.broadcast(.deviceProfileDeleted(profile))
        case .attributesUpdated(let tenant, let entity, let scope, let values, let time):
            guard entity.type == .device else { return }
            let entries = values.map { AttributeEntry(key: $0.key, value: $0.value, timestamp: time) }
            tell(.attributesUpdated(tenant, DeviceID(entity.uuid), scope, entries))
        case .attributesDeleted(let tenant, let entity, let scope, let keys):
            guard entity.type == .device else { return }
            tell(.attributesDeleted(tenant, DeviceID(entity.uuid), scope, keys))
        case .tenantProfileChanged(let profile, let configuration):
            notifications.broadcast(
                .tenantProfileUpdated(profile, TransportLimits(profile: profile, configuration: configuration)))
        case .ruleChainChanged(let tenant, let chain, let change):
            ruleEngines.broadcast(.entityChanged(tenant, chain.entityID, change))
        case .assetChanged(let tenant, let entity):
            ruleEngines.broadcast(.entityChanged(tenant, entity, .updated))
        case .calculatedFieldChanged(let tenant, let field, let change):
            ruleEngines.broadcast(.entityChanged(tenant, field.entityID, change))
        case .queueChanged(let tenant, let queue, let change):
            nodes.broadcast(.entityChanged(tenant, queue.entityID, change))
            ruleEngines.broadcast(.entityChanged(tenant, queue.entityID, change))
            notifications.broadcast(.queuesChanged)
        case .securityChanged:
            nodes.broadcast(.securityChanged)
        case .timeseriesUpdated, .timeseriesDeleted:
            break
        }
    }

    /// A full queue loses it; the device's sessions then go on until they end by themselves.
    private func tell(_ notification: DeviceNotification) {
        _ = core.send(.device(notification), device: notification.deviceID)
    }

    private func forget(_ tenant: TenantID, _ device: DeviceID, _ change: EntityChange) {
        authenticator.forget(device)
        nodes.broadcast(.entityChanged(tenant, device.entityID, change))
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
