import Logging
import Postgres
import Reactor
public import RuleEngine
public import Storage

/// Telemetry's writers and the rule engine above them.
public final class RuleEnginePart {
    public let writer: TelemetryWriter
    public let service: RuleEngineService

    /// Starts the writers.
    public init(
        runtime: ServiceRuntime, settings: RuleEngineSettings, database: Database, access: DatabaseConfiguration
    ) {
        writer = TelemetryPart.start(runtime: runtime, settings: settings, access: access)
        service = RuleEngineService(
            chains: RuleChainRepository(database: database), writer: writer,
            logger: runtime.logger.labelled("rule-engine"), metrics: runtime.metrics)
    }
}

/// The writers of telemetry, for whoever stores.
public enum TelemetryPart {
    public static func start(
        runtime: ServiceRuntime, settings: RuleEngineSettings, access: DatabaseConfiguration
    ) -> TelemetryWriter {
        let writer = TelemetryWriter(
            configuration: settings.writer, partitioning: PartitionManager(scheme: settings.partitionScheme),
            logger: runtime.logger.labelled("telemetry"), metrics: runtime.metrics
        ) { () throws(PostgresError) in try access.connect() }
        writer.start()
        return writer
    }
}
