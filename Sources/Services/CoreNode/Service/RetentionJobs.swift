public import Configuration
public import Logging
internal import Model
public import Reactor
public import Storage

/// How long what grows by itself is kept (`persistence.md` 9.3). Times are in seconds; 0 is for ever.
public struct RetentionSettings: Sendable {
    /// `SQL_TTL_EVENTS_EVENTS_TTL`, `SQL_TTL_EVENTS_DEBUG_EVENTS_TTL`.
    var events: Int64
    var debugEvents: Int64
    /// `SQL_TTL_EVENTS_EXECUTION_INTERVAL`, unless switched off by `SQL_TTL_EVENTS_ENABLED`.
    var eventsInterval: Duration?
    /// `SQL_TTL_TS_TS_KEY_VALUE_TTL`.
    var telemetry: Int64
    /// `SQL_TTL_TS_EXECUTION_INTERVAL`, unless switched off by `SQL_TTL_TS_ENABLED`.
    var telemetryInterval: Duration?
    /// `SQL_TTL_AUDIT_LOGS_SECS`.
    var auditLogs: Int64
    /// `SQL_TTL_AUDIT_LOGS_CHECKING_INTERVAL_MS`, unless switched off by `SQL_TTL_AUDIT_LOGS_ENABLED`.
    var auditLogsInterval: Duration?

    public init(from settings: inout SettingsReader) {
        events = Int64(settings.integer("SQL_TTL_EVENTS_EVENTS_TTL", default: 0, in: 0...Int(Int32.max)))
        debugEvents = Int64(
            settings.integer("SQL_TTL_EVENTS_DEBUG_EVENTS_TTL", default: 604_800, in: 0...Int(Int32.max)))
        let ofEvents = settings.milliseconds(
            "SQL_TTL_EVENTS_EXECUTION_INTERVAL", default: 3_600_000, in: 1000...2_147_483_647)
        eventsInterval = settings.boolean("SQL_TTL_EVENTS_ENABLED", default: true) ? ofEvents : nil
        telemetry = Int64(settings.integer("SQL_TTL_TS_TS_KEY_VALUE_TTL", default: 0, in: 0...Int(Int32.max)))
        let ofTelemetry = settings.milliseconds(
            "SQL_TTL_TS_EXECUTION_INTERVAL", default: 86_400_000, in: 1000...2_147_483_647)
        telemetryInterval = settings.boolean("SQL_TTL_TS_ENABLED", default: true) ? ofTelemetry : nil
        auditLogs = Int64(settings.integer("SQL_TTL_AUDIT_LOGS_SECS", default: 0, in: 0...Int(Int32.max)))
        let ofAuditLogs = settings.milliseconds(
            "SQL_TTL_AUDIT_LOGS_CHECKING_INTERVAL_MS", default: 86_400_000, in: 1000...2_147_483_647)
        auditLogsInterval = settings.boolean("SQL_TTL_AUDIT_LOGS_ENABLED", default: true) ? ofAuditLogs : nil
    }
}

/// Removes what is older than its time to live, now and then. Each core node does: what another one has removed is no
/// work, and the first run of each comes at a random moment of its interval.
public final class RetentionJobs: Sendable {
    private let database: any TransactionRunner
    private let settings: RetentionSettings
    private let logger: Logger

    public init(database: any TransactionRunner, settings: RetentionSettings, logger: Logger) {
        self.database = database
        self.settings = settings
        self.logger = logger
    }

    /// On the loop, whose timers they live by.
    public func start(on loop: EventLoop) {
        if let interval = settings.eventsInterval {
            repeatedly(interval, on: loop) { try await self.expireEvents(now: $0) }
        }
        if let interval = settings.telemetryInterval {
            repeatedly(interval, on: loop) { try await self.expireTelemetry(now: $0) }
        }
        if let interval = settings.auditLogsInterval {
            repeatedly(interval, on: loop) { try await self.expireAuditLogs(now: $0) }
        }
    }

    private func repeatedly(
        _ interval: Duration, on loop: EventLoop, _ job: @escaping @Sendable (Int64) async throws -> Void
    ) {
        let first = interval * Double.random(in: 0..<1)
        let logger = logger
        loop.schedule(after: first, repeating: interval) { [unowned loop] in
            let now = loop.wallClockMilliseconds
            // Ends by itself; it waits for nothing but the database.
            Task(executorPreference: loop) {
                do {
                    try await job(now)
                } catch {
                    logger.limited(
                        .warning, "old data could not be removed", ["error": LogValue(describing: "\(error)")])
                }
            }
        }
    }

    private func expireEvents(now: Int64) async throws {
        let dropped = try await EventRepository(database).expire(
            now: now, debug: settings.debugEvents, regular: settings.events)
        if dropped > 0 { logger.info("partitions of old events were dropped", ["count": .integer(dropped)]) }
    }

    private func expireAuditLogs(now: Int64) async throws {
        let dropped = try await AuditLogRepository(database).expire(now: now, seconds: settings.auditLogs)
        if dropped > 0 { logger.info("partitions of old audit records were dropped", ["count": .integer(dropped)]) }
    }

    private func expireTelemetry(now: Int64) async throws {
        let expired = try await TelemetryRetention(database).expire(now: now, systemSeconds: settings.telemetry)
        guard expired.partitions > 0 || expired.rows > 0 else { return }
        logger.info(
            "old telemetry was removed",
            ["partitions": .integer(expired.partitions), "rows": .integer(expired.rows)])
    }
}
