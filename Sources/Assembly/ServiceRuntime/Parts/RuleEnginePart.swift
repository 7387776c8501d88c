import Logging
import Postgres
public import ProcessRuntime
import Reactor
public import RuleEngine
public import ScriptEngine
public import Storage

/// Telemetry's writers and the rule engine above them.
public final class RuleEnginePart {
    public let writer: TelemetryWriter
    public let service: RuleEngineService
    /// To be closed before the database is.
    public let events: EventWriter

    /// - Parameters:
    ///   - outlets: Where rule nodes send what is not for other nodes.
    ///   - scripts: Runs the scripts of rule nodes.
    public init(
        runtime: ServiceRuntime, settings: RuleEngineSettings, database: Database, writer: TelemetryWriter,
        outlets: RuleEngineOutlets, scripts: ScriptEngine
    ) {
        self.writer = writer
        let logger = runtime.logger.labelled("rule-engine")
        events = EventWriter(
            database: database, configuration: settings.eventWriter, service: runtime.settings.serviceID,
            logger: logger, metrics: runtime.metrics)
        service = RuleEngineService(
            chains: RuleChainRepository(database: database), writer: writer, outlets: outlets, events: events,
            eventSettings: settings.events, scripts: scripts, logger: logger, metrics: runtime.metrics)
    }
}

/// The writers of telemetry, for whoever stores.
public enum TelemetryPart {
    /// - Parameter committed: Told of what is written.
    public static func start(
        runtime: ServiceRuntime, settings: RuleEngineSettings, access: DatabaseConfiguration,
        committed: CommittedValues
    ) -> TelemetryWriter {
        let writer = TelemetryWriter(
            configuration: settings.writer, partitioning: PartitionManager(scheme: settings.partitionScheme),
            logger: runtime.logger.labelled("telemetry"), metrics: runtime.metrics, committed: committed
        ) { () throws(PostgresError) in try access.connectForWriting() }
        writer.start()
        return writer
    }
}
