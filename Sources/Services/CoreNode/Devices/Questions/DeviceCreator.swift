internal import JSON
internal import Messages
internal import Model
internal import Storage
internal import Telemetry

/// Makes devices that no user asked for: those of gateways, of provisioning and of certificates.
struct DeviceCreator: Sendable {
    let database: any TransactionRunner
    let messages: any RuleMessageSink
    let events: any DeviceEvents
    /// Whether the state of devices is telemetry, so that a new one has no attribute `active`.
    let persistsStateToTelemetry: Bool

    /// What the new device has in the database, beside its description.
    struct Extras: Sendable {
        var credentials: DeviceCredentials
        /// Server attributes.
        var attributes: [(key: String, value: String)] = []
        var relation: EntityRelation?
    }

    /// Makes the device with its credentials, or nothing of it.
    ///
    /// - Throws: ``EntityError`` when the name or the credentials are taken, or the tenant has enough devices;
    ///   ``RuleEngineBusy`` when too many messages wait to be sent.
    func create(_ device: Device, _ extras: Extras, now: Int64) async throws {
        let credentials = try extras.credentials.normalized()
        try await messages.requireRoom(of: device.tenantID)
        try await database.inTransaction { transaction in
            try await EntityLimits(transaction).check(.device, tenant: device.tenantID)
            try await DeviceRepository(transaction).insert(device)
            try await DeviceCredentialsRepository(transaction).insert(credentials)
            var attributes: [(key: String, value: TelemetryValue)] =
                persistsStateToTelemetry ? [] : [("active", .boolean(false))]
            attributes += extras.attributes.map { ($0.key, .string($0.value)) }
            if !attributes.isEmpty {
                try await AttributeRepository(transaction).inside(transaction).save(
                    entity: device.id.uuid, scope: .server, attributes, at: now,
                    origin: SaveOrigin(tenant: device.tenantID, entityType: .device))
            }
            if let relation = extras.relation { _ = try await RelationRepository(transaction).save(relation) }
        }
        await events.post(.deviceCreated(device))
    }

    /// A description of a new device of that profile.
    func describe(
        name: String, profile: DeviceProfile, customer: CustomerID = .null, additionalInfo: JSONObject = [:], now: Int64
    ) -> Device {
        Device(
            id: DeviceID(.ordered()), createdTime: now, tenantID: profile.tenantID, customerID: customer, name: name,
            type: profile.name, deviceProfileID: profile.id,
            deviceData: RawJSON([
                "configuration": ["type": "DEFAULT"],
                "transportConfiguration": ["type": .string(profile.transportType)],
            ]), additionalInfo: additionalInfo.isEmpty ? nil : RawJSON(.object(additionalInfo)))
    }

    /// Tells the rule engine of a new device (`rule-engine.md` 1.8).
    ///
    /// - Parameter route: Provisioned devices go to the root chain whatever their profile says (`rule-engine.md` 1.5).
    func announce(_ device: Device, metadata: [String: String], route: MessageRoute, now: Int64) {
        var writer = JSONWriter()
        device.write(to: &writer)
        send(
            .entityCreated, device, data: String(decoding: writer.bytes, as: UTF8.self), metadata: metadata,
            route: route, now: now)
    }

    func send(
        _ type: KnownMessageType, _ device: Device, data: String, metadata: [String: String], route: MessageRoute,
        now: Int64
    ) {
        messages.send(
            RuleMessage(
                id: .random(), timestamp: now, type: .known(type), originator: device.id.entityID,
                tenantID: device.tenantID, customerID: device.customerID.isNull ? nil : device.customerID,
                metadata: MessageMetadata(metadata), payload: .text(data), ruleChainID: route.chain,
                queueName: route.queue))
    }
}
