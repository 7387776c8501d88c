internal import Glibc
internal import JSON
public import Logging
internal import Messages
public import Model
public import Queue
public import Storage
internal import Telemetry

/// `USAGE_STATS_REPORT_ENABLED`, `USAGE_STATS_REPORT_INTERVAL` (`cluster.md` 7.13).
public struct UsageSettings: Sendable {
    public var isEnabled: Bool
    public var interval: Duration

    public init(isEnabled: Bool, interval: Duration) {
        self.isEnabled = isEnabled
        self.interval = interval
    }
}

/// Reports now and then what tenants used in this process's rule engine, and lets everybody know when a limit of a tenant is
/// reached, or no longer is (`cluster.md` 5.6, `rule-engine.md` 8.5).
public final class UsageReporter: Sendable {
    /// What was used since it was asked last.
    public typealias Taker = @Sendable () async -> [TenantID: UsageCounts]

    private let settings: UsageSettings
    private let repository: UsageRepository
    private let limits: TenantLimitsRepository
    private let take: Taker
    private let writer: TelemetryWriter
    private let transports: any TransportNotificationProducer
    private let ruleEngines: any RuleEngineNotificationProducer
    private let logger: Logger

    public init(
        settings: UsageSettings, database: Database, writer: TelemetryWriter,
        transports: any TransportNotificationProducer, ruleEngines: any RuleEngineNotificationProducer, logger: Logger,
        take: @escaping Taker
    ) {
        self.settings = settings
        repository = UsageRepository(database)
        limits = TenantLimitsRepository(database)
        self.take = take
        self.writer = writer
        self.transports = transports
        self.ruleEngines = ruleEngines
        self.logger = logger
    }

    /// Reports until the task is cancelled, and a last time then.
    public func run() async {
        guard settings.isEnabled else { return }
        var kept: [TenantID: UsageCounts] = [:]
        while !Task.isCancelled {
            try? await Task.sleep(for: settings.interval)
            for (tenant, counts) in await take() { kept[tenant, default: UsageCounts()] += counts }
            do {
                try await report(kept)
                kept = [:]
            } catch {
                // They are reported with the next.
                logger.limited(
                    .warning, "what tenants used cannot be reported now",
                    ["error": .string(String(describing: error))])
            }
        }
    }

    private func report(_ usage: [TenantID: UsageCounts]) async throws {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let month = Self.startOfMonth(seconds: now.tv_sec)
        let totals = try await repository.add(usage, month: month, hour: Int64(now.tv_sec / 3600) * 3_600_000)
        for total in totals {
            var arena = PointArena()
            arena.append(key: total.key, value: .long(total.count))
            let record = TimeseriesRecord(timestamp: total.timestamp, arena: arena, points: 0..<1)
            // The latest value is written already, by addition.
            try? await writer.save(
                entity: total.entity, records: [record], streams: .history,
                origin: SaveOrigin(tenant: .system, entityType: .apiUsageState))
        }
        for change in try await repository.judge(Array(usage.keys), month: month) {
            await tell(change.tenant, change.now)
            await note(change)
        }
    }

    /// Shows the change as telemetry of the usage state.
    private func note(_ change: FeaturesChange) async {
        var arena = PointArena()
        for (key, state) in change.named { arena.append(key: key, value: .string(state.rawValue)) }
        let record = TimeseriesRecord(
            timestamp: CurrentTime.milliseconds, arena: arena, points: 0..<arena.points.count)
        try? await writer.save(
            entity: change.entity, records: [record],
            origin: SaveOrigin(tenant: change.tenant, entityType: .apiUsageState))
    }

    private func tell(_ tenant: TenantID, _ features: TenantFeatures) async {
        logger.notice(
            "what a tenant may use has changed",
            [
                "tenant.id": .string(tenant.description), "transport": .string(features.transport.rawValue),
                "storage": .string(features.storage.rawValue), "rule_engine": .string(features.ruleEngine.rawValue),
            ])
        ruleEngines.broadcast(.entityChanged(tenant, EntityID(type: .apiUsageState, uuid: tenant.uuid), .updated))
        guard let found = try? await limits.find(tenant) else { return }
        var told = TransportLimits(profile: found.profile, configuration: found.configuration.value)
        told.isTransportEnabled = features.transport != .disabled
        transports.broadcast(.tenantUpdated(tenant, told))
    }

    /// Milliseconds since 1970, UTC.
    static func startOfMonth(seconds: Int) -> Int64 {
        var time = seconds
        var parts = tm()
        gmtime_r(&time, &parts)
        (parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec) = (1, 0, 0, 0)
        return Int64(timegm(&parts)) * 1000
    }
}
