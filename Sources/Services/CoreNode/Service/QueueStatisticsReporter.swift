internal import Glibc
internal import JSON
public import Logging
internal import Model
public import Queue
public import Storage
internal import Telemetry

/// `TB_QUEUE_RULE_ENGINE_STATS_ENABLED`, `TB_QUEUE_RULE_ENGINE_STATS_PRINT_INTERVAL_MS` (`cluster.md` 7.1).
public struct QueueStatisticsSettings: Sendable {
    public var isEnabled: Bool
    public var interval: Duration

    public init(isEnabled: Bool, interval: Duration) {
        self.isEnabled = isEnabled
        self.interval = interval
    }
}

/// Saves now and then what became of messages, as telemetry of an entity for each tenant, queue and service
/// (`rule-engine.md` 5.11).
public final class QueueStatisticsReporter: Sendable {
    /// What happened since it was asked last.
    public typealias Taker = @Sendable () async -> [QueueCountsKey: QueueReport]

    private static let longestText = 4096

    private let settings: QueueStatisticsSettings
    private let serviceID: String
    private let repository: QueueRepository
    private let writer: TelemetryWriter
    private let logger: Logger
    private let take: Taker

    public init(
        settings: QueueStatisticsSettings, serviceID: String, database: Database, writer: TelemetryWriter,
        logger: Logger, take: @escaping Taker
    ) {
        self.settings = settings
        self.serviceID = serviceID
        repository = QueueRepository(database)
        self.writer = writer
        self.logger = logger
        self.take = take
    }

    /// Reports until the task is cancelled, and a last time then.
    public func run() async {
        guard settings.isEnabled else { return }
        while !Task.isCancelled {
            try? await Task.sleep(for: settings.interval)
            let now = CurrentTime.milliseconds
            for (key, report) in await take() {
                do {
                    try await save(report, of: key, now: now)
                } catch {
                    // Statistics of a while in which the database is away are not worth keeping.
                    logger.limited(
                        .warning, "statistics of queues cannot be saved now; they are dropped",
                        ["error": .string(String(describing: error))])
                }
            }
        }
    }

    private func save(_ report: QueueReport, of key: QueueCountsKey, now: Int64) async throws {
        let entity = try await repository.statisticsEntity(
            tenant: key.tenant, queueName: key.queueName, serviceID: serviceID, now: now)
        guard let entity else { return }
        var arena = PointArena()
        if report.counts != QueueCounts() {
            for (name, count) in report.counts.named { arena.append(key: name, value: .long(count)) }
        }
        if let failure = report.firstError {
            arena.append(key: "ruleEngineException", value: .json(Self.document(failure)))
        }
        let record = TimeseriesRecord(timestamp: now, arena: arena, points: 0..<arena.points.count)
        try await writer.save(
            entity: entity, records: [record],
            origin: SaveOrigin(tenant: key.tenant, entityType: .queueStats))
    }

    private static func document(_ failure: RuleNodeFailure) -> String {
        var members: [(String, JSONValue)] = []
        if let node = failure.node, let chain = failure.chain {
            members = [
                ("ruleNodeId", .string(node.description)), ("ruleChainId", .string(chain.description)),
                ("ruleNodeName", .string(failure.nodeName)), ("ruleChainName", .string(failure.chainName)),
            ]
        }
        members.append(("message", .string(String(failure.text.prefix(longestText)))))
        return JSONValue.object(JSONObject(members)).serializedString
    }
}
