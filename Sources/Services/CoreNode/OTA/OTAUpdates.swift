internal import Logging
internal import Messages
internal import Model
internal import Queue
internal import Storage
internal import Telemetry

/// Tells devices which package they shall have (`device-api.md` 9.1, 9.2): telemetry about the target, then shared
/// attributes. Safe from any thread.
///
/// What was told is read from the attributes themselves, so that telling the same again does nothing, on any node.
struct OTAUpdates: Sendable {
    private let packages: OTAPackageRepository
    private let attributes: AttributeRepository
    private let telemetry: any TelemetryStore
    private let core: any CoreQueueProducer
    private let logger: Logger

    private static let batch = 1_000
    private static let told = ["title", "version", "tag", "size", "checksum_algorithm", "checksum", "url"]
    /// What un-assigned devices are told, in the order of the reference.
    private static let removed = [
        "title", "version", "ts", "state", "size", "checksum", "checksum_algorithm", "url", "tag",
    ]

    init(database: Database, telemetry: any TelemetryStore, core: any CoreQueueProducer, logger: Logger) {
        packages = OTAPackageRepository(database)
        attributes = AttributeRepository(database)
        self.telemetry = telemetry
        self.core = core
        self.logger = logger
    }

    /// Brings what a device was told up to date.
    func update(_ device: DeviceID, tenant: TenantID, isNew: Bool) async {
        for kind in OTAPackageKind.allCases {
            do {
                let package = try await packages.assigned(to: device, tenant: tenant, kind: kind)
                if isNew, package == nil { continue }
                try await tell(device, tenant, kind, package)
            } catch {
                logger.limited(
                    .error, "a device could not be told of its package",
                    ["device.id": .string(device.description), "error": .string(String(describing: error))])
            }
        }
    }

    /// The same for the devices that follow a profile, behind the back of whoever changed it.
    func update(_ profile: DeviceProfileID, tenant: TenantID) {
        // Ends with the last device.
        Task {
            for kind in OTAPackageKind.allCases { await follow(profile, tenant, kind) }
        }
    }

    private func follow(_ profile: DeviceProfileID, _ tenant: TenantID, _ kind: OTAPackageKind) async {
        var last = UUID128.zero
        do {
            while true {
                let package = try await packages.assigned(to: profile, tenant: tenant, kind: kind)
                let devices = try await packages.outdated(
                    in: profile, tenant: tenant, kind: kind, package: package, after: last, limit: Self.batch)
                guard let end = devices.last else { return }
                last = end.uuid
                for device in devices { try await tell(device, tenant, kind, package) }
            }
        } catch {
            logger.limited(
                .error, "devices of a profile could not be told of its package",
                ["error": .string(String(describing: error))])
        }
    }

    private func tell(
        _ device: DeviceID, _ tenant: TenantID, _ kind: OTAPackageKind, _ package: OTAPackage?
    ) async throws {
        let prefix = kind.prefix
        let stored = try await attributes.find(
            entity: device.uuid, scope: .shared, keys: Self.told.map { "\(prefix)_\($0)" })
        let now = CurrentTime.milliseconds
        guard let package else {
            if !stored.isEmpty { try await remove(Self.removed.map { "\(prefix)_\($0)" }, device, tenant) }
            return
        }
        let wanted = package.attributes(prefix: prefix)
        let present = Dictionary(stored.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
        if Dictionary(wanted, uniquingKeysWith: { $1 }) == present { return }
        try await report(package.target(prefix: prefix, now: now), "QUEUED", device, tenant, prefix, now)
        try await report([], "INITIATED", device, tenant, prefix, now + 1)
        try await attributes.save(
            entity: device.uuid, scope: .shared, wanted.map { (key: $0.0, value: $0.1) }, at: now,
            origin: SaveOrigin(tenant: tenant, entityType: .device))
        let entries = wanted.map { AttributeEntry(key: $0.0, value: $0.1, timestamp: now) }
        _ = core.send(.device(.attributesUpdated(tenant, device, .shared, entries)), device: device)
        let names = Set(wanted.map(\.0))
        let others = ["tag", "url", "size", "checksum", "checksum_algorithm"].map { "\(prefix)_\($0)" }
        try await remove(others.filter { !names.contains($0) }, device, tenant)
    }

    private func remove(_ keys: [String], _ device: DeviceID, _ tenant: TenantID) async throws {
        try await attributes.delete(
            entity: device.uuid, scope: .shared, keys: keys,
            origin: SaveOrigin(tenant: tenant, entityType: .device))
        _ = core.send(.device(.attributesDeleted(tenant, device, .shared, keys)), device: device)
    }

    private func report(
        _ values: [(String, TelemetryValue)], _ state: String, _ device: DeviceID, _ tenant: TenantID, _ prefix: String,
        _ time: Int64
    ) async throws {
        var arena = PointArena()
        for (key, value) in values { arena.append(key: key, value: value) }
        arena.append(key: "\(prefix)_state", value: .string(state))
        try await telemetry.save(
            entity: device.uuid, [TelemetryRecord(timestamp: time, points: 0..<arena.count)], of: arena,
            origin: SaveOrigin(tenant: tenant, entityType: .device))
    }
}

extension OTAPackage {
    /// The shared attributes that tell a device of it.
    func attributes(prefix: String) -> [(String, TelemetryValue)] {
        var values: [(String, TelemetryValue)] = [
            ("\(prefix)_title", .string(title)), ("\(prefix)_version", .string(version)),
        ]
        if let tag, !tag.isEmpty { values.append(("\(prefix)_tag", .string(tag))) }
        if let url { values.append(("\(prefix)_url", .string(url))) }
        if let dataSize { values.append(("\(prefix)_size", .long(dataSize))) }
        if let checksumAlgorithm { values.append(("\(prefix)_checksum_algorithm", .string(checksumAlgorithm))) }
        if let checksum { values.append(("\(prefix)_checksum", .string(checksum))) }
        return values
    }

    /// The telemetry about it on assignment.
    func target(prefix: String, now: Int64) -> [(String, TelemetryValue)] {
        var values: [(String, TelemetryValue)] = [
            ("target_\(prefix)_title", .string(title)), ("target_\(prefix)_version", .string(version)),
            ("target_\(prefix)_ts", .long(now)),
        ]
        if let tag, !tag.isEmpty { values.append(("target_\(prefix)_tag", .string(tag))) }
        return values
    }
}
