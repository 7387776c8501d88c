import Logging
import Postgres
import Reactor
public import RuleEngine
public import Storage

/// Telemetry's writers and the rule engine above them.
public final class RuleEnginePart {
    public let writer: TelemetryWriter
    public let service: RuleEngineService

    /// - Parameter outlets: Where rule nodes send what is not for other nodes.
    public init(
        runtime: ServiceRuntime, database: Database, writer: TelemetryWriter, outlets: RuleEngineOutlets
    ) {
        self.writer = writer
        service = RuleEngineService(
            chains: RuleChainRepository(database: database), writer: writer, outlets: outlets,
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
