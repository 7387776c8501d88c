import HTTPServer
import KafkaQueue
import Logging
import Messages
import Metrics
import ProcessRuntime
import Reactor
import ScriptEngine
import ServiceHealth

/// `js-executor`: requests for scripts from Kafka, run in workers, answered through Kafka. Nothing else of a cluster is known to
/// it, and it is a member of nothing but Kafka's group.
final class ExecutorProcess: RunnableService {
    private let settings: ExecutorSettings
    private let logger: Logger
    private let runtime: ServiceRuntime
    private var hub: KafkaHub?
    private var server: KafkaScriptServer?

    init(settings: ExecutorSettings, logger: Logger) {
        self.settings = settings
        self.logger = logger
        runtime = ServiceRuntime(settings: settings.runtime, logger: logger)
    }

    func start() async throws {
        runtime.begin()
        let io = try runtime.startLoops(count: 1, name: "io")
        try await runtime.openHTTP(settings.runtime.httpServer, on: io.loops)
        runtime.serve(ExecutorProbe(health: runtime.health))
        let hub = try KafkaHub(
            settings: settings.kafka, serviceID: settings.runtime.serviceID, logger: logger.labelled("kafka"),
            metrics: runtime.metrics)
        self.hub = hub
        let workers = JavaScriptWorkers(
            settings: settings.javaScript, logger: logger.labelled("scripts"), metrics: runtime.metrics)
        let scripts = ServedScripts(
            runner: workers, maximumScripts: settings.maximumScripts, maximumResult: settings.maximumResult,
            slow: settings.slow, logger: logger.labelled("scripts"), metrics: runtime.metrics)
        let loop = io.loops[0]
        let server = try KafkaScriptServer(
            hub: hub, maximumInWork: settings.javaScript.workers * ExecutorSettings.requestsPerWorker
        ) { request, _ in
            // Workers belong to a loop.
            await withTaskExecutorPreference(loop) { await scripts.serve(request) }
        }
        self.server = server
        runtime.health.add(HealthCheck("kafka") { server.isMember })
        try await server.start()
        runtime.started(statisticsOn: io.loops[0])
    }

    /// What is in work is answered, and what was answered is committed, before the group is left.
    func stop() async {
        runtime.beginStopping()
        await server?.stop()
        await hub?.close()
        await runtime.stopHTTP()
        runtime.stopLoops()
        logger.info("stopped")
    }
}
