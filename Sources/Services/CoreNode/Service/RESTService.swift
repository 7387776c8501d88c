public import Cache
public import Configuration
public import HTTPServer
internal import JSON
public import Logging
public import Metrics
internal import Postgres
public import Queue
public import ScriptEngine
public import ServiceHealth
public import Storage

/// What operators can set of the REST API (`cluster.md` 7.6, 7.12).
public struct RESTConfiguration: Sendable {
    public var tokens: TokenSettings
    /// `SECURITY_USER_LOGIN_CASE_SENSITIVE`.
    public var isLoginCaseSensitive: Bool
    /// `DATABASE_TS_MAX_INTERVALS`.
    public var maximumIntervals: Int64
    /// `PERSIST_STATE_TO_TELEMETRY`.
    public var persistsStateToTelemetry: Bool
    /// `SECURITY_PASSWORD_THREADS`: threads that check passwords; by default one less than processors, 1 to 4.
    public var passwordThreads: Int
    /// `SQL_AUDIT_LOGS_PARTITION_SIZE_HOURS`.
    public var auditPartitionHours: Int64
    /// `SECURITY_USER_TOKEN_ACCESS_ENABLED`: whether administrators may sign in as others.
    public var isTokenAccessEnabled: Bool
    /// Whether addresses that tenants name are refused where they are this machine's or a private network's.
    public var reachesOnlyPublicAddresses: Bool
    /// `TB_SERVICE_ID`; empty for the host's name.
    public var serviceID: String
    var auditMask: AuditMask
    var webSockets: WebSocketSettings

    public init(from settings: inout SettingsReader) {
        tokens = TokenSettings(from: &settings)
        isLoginCaseSensitive = settings.boolean("SECURITY_USER_LOGIN_CASE_SENSITIVE", default: true)
        maximumIntervals = Int64(settings.integer("DATABASE_TS_MAX_INTERVALS", default: 700, in: 1...1_000_000))
        persistsStateToTelemetry = settings.boolean("PERSIST_STATE_TO_TELEMETRY", default: false)
        let threads = settings.integer("SECURITY_PASSWORD_THREADS", default: 0, in: 0...64)
        // Somebody has to serve devices while many people sign in.
        passwordThreads = threads > 0 ? threads : max(1, min(4, MachineUsage.processors - 1))
        auditPartitionHours = Int64(
            settings.integer("SQL_AUDIT_LOGS_PARTITION_SIZE_HOURS", default: 168, in: 1...87_600))
        isTokenAccessEnabled = settings.boolean("SECURITY_USER_TOKEN_ACCESS_ENABLED", default: true)
        reachesOnlyPublicAddresses = settings.boolean("SSRF_PROTECTION_ENABLED", default: false)
        serviceID = settings.string("TB_SERVICE_ID", default: "")
        auditMask = AuditMask(from: &settings)
        webSockets = WebSocketSettings(from: &settings)
    }
}

/// The administration API over HTTP: finds the endpoint of a request, checks who asks, and turns errors into answers.
public struct RESTService: HTTPResponder {
    private let table: RouteTable<Endpoint>
    /// The whole table, for documentation and tests.
    let endpoints: [Endpoint]
    private let authenticator: Authenticator
    private let logger: Logger
    private let errors: Counter
    private let limits: TenantLimits
    private let refresh: SecurityRefresh
    private let actions: EntityActions
    private let housekeeper: Housekeeper
    /// Serves people who want to hear of changes.
    public let webSockets: WebSocketService

    /// Mails that may wait for the thread that sends them.
    private static let waitingMails = 1000
    /// Looks at repositories that may wait for a thread.
    private static let waitingChecks = 20
    /// Logins that may wait for a thread.
    private static let waitingLogins = 1000

    /// Prepares the service; reads the token settings, and makes them when this is the installation's first start.
    ///
    /// - Parameters:
    ///   - directory: The processes of a cluster; `nil` where all services are this process.
    ///   - counts: Shared with other core nodes, where there are some and a store for it.
    public static func make(
        configuration: RESTConfiguration, database: any TransactionRunner, telemetry: any TelemetryStore,
        committed: CommittedValues = CommittedValues(), events: any DeviceEvents, messages: any RuleMessageSink,
        owners: any CoreQueueProducer,
        queueTopics: any QueueTopics = InProcessQueueTopics(), rpc: RPCService,
        scripts: ScriptEngine, health: HealthService, directory: ServiceDirectory? = nil,
        counts: (any SharedCounts)? = nil, logger: Logger, metrics: MetricsRegistry
    ) async throws -> RESTService {
        let tokens = try await configuration.tokens.installed(in: database, now: CurrentTime.milliseconds)
        let codec = TokenCodec(tokens)
        let revocations = TokenRevocations(database: database, codec: codec, events: events)
        try await revocations.readNew()
        let actions = EntityActions(
            events: events, messages: messages,
            audit: AuditTrail(database: database, partitionHours: configuration.auditPartitionHours, logger: logger),
            mask: configuration.auditMask, database: database, logger: logger)
        let passwords = PasswordService(
            database: database,
            pool: BlockingPool(threads: configuration.passwordThreads, capacity: waitingLogins))
        let mail = MailService(
            database: database, pool: BlockingPool(threads: 1, capacity: waitingMails), logger: logger)
        let twoFactor = TwoFactorService(database: database, counts: counts, logger: logger)
        let login = LoginService(
            database: database, codec: codec, revocations: revocations, passwords: passwords, actions: actions,
            twoFactor: twoFactor, mail: mail, logger: logger, isCaseSensitive: configuration.isLoginCaseSensitive)
        let limits = TenantLimits(database: database, counts: counts)
        let services = Services(
            database: database, telemetry: telemetry, reader: TelemetryReader(database),
            attributes: AttributeRepository(database), actions: actions, owners: owners,
            queueTopics: queueTopics, rpc: rpc, scripts: scripts, login: login,
            passwords: passwords, twoFactor: twoFactor, mail: mail,
            repositories: RepositoryAccess(
                pool: BlockingPool(threads: 2, capacity: waitingChecks),
                reachesOnlyPublicAddresses: configuration.reachesOnlyPublicAddresses),
            limits: limits, counts: counts, revocations: revocations,
            housekeeper: Housekeeper(database: database, logger: logger), machine: MachineUsage(),
            maximumIntervals: configuration.maximumIntervals,
            persistsStateToTelemetry: configuration.persistsStateToTelemetry,
            isTokenAccessEnabled: configuration.isTokenAccessEnabled,
            serviceID: configuration.serviceID.isEmpty ? MachineUsage.hostName : configuration.serviceID,
            directory: directory, version: health.version, logger: logger)
        let resources = groups(services)
        let description = OpenAPIEndpoints(document: OpenAPIDocument(resources, version: health.version).rendered)
        let authenticator = Authenticator(codec: codec, revocations: revocations, database: database)
        let webSockets = WebSocketService(
            settings: configuration.webSockets, services: services, authenticator: authenticator, committed: committed,
            logger: logger, metrics: metrics)
        return RESTService(
            groups: resources + [ServiceEndpoints(health: health), description],
            authenticator: authenticator, webSockets: webSockets, limits: limits,
            refresh: SecurityRefresh(codec: codec, revocations: revocations, database: database, logger: logger),
            actions: actions, housekeeper: services.housekeeper, logger: logger, metrics: metrics)
    }

    /// Waits for what goes on behind the answers, for a bounded time: to be called when no request comes any more, before
    /// the rule engine and the database go.
    public func finish(within limit: Duration) async {
        await webSockets.stop()
        await refresh.stop()
        let messages = await actions.messages.finish(within: limit)
        let records = await actions.audit.finish(within: limit)
        await housekeeper.stop(within: limit)
        guard messages + records > 0 else { return }
        logger.warning(
            "not everything was done in time",
            ["messages.lost": .integer(messages), "audit.lost": .integer(records)])
    }

    /// Another node tells that tokens are over or are signed otherwise. Safe from any thread.
    public func securityChanged() { refresh.wake() }

    /// Every resource of the API.
    static func groups(_ services: Services) -> [any EndpointGroup] {
        [
            AuthEndpoints(services: services), AccountEndpoints(services: services),
            TwoFactorEndpoints(services: services), APIKeyEndpoints(services: services),
            UserEndpoints(services: services), UserSettingsEndpoints(services: services),
            UserDashboardEndpoints(services: services), TenantEndpoints(services: services),
            TenantProfileEndpoints(services: services), AdminEndpoints(services: services),
            RepositoryEndpoints(services: services),
            SystemEndpoints(services: services), AuditLogEndpoints(services: services),
            CustomerEndpoints(services: services), DeviceEndpoints(services: services),
            DeviceSaving(services: services),
            DeviceProfileEndpoints(services: services), DashboardEndpoints(services: services),
            TelemetryEndpoints(services: services), AttributeEndpoints(services: services),
            RPCEndpoints(services: services), OTAPackageEndpoints(services: services),
        ] + entityGroups(services) + dataGroups(services)
    }

    private init(
        groups: [any EndpointGroup], authenticator: Authenticator, webSockets: WebSocketService, limits: TenantLimits,
        refresh: SecurityRefresh,
        actions: EntityActions, housekeeper: Housekeeper, logger: Logger, metrics: MetricsRegistry
    ) {
        self.housekeeper = housekeeper
        self.webSockets = webSockets
        self.limits = limits
        self.actions = actions
        self.refresh = refresh
        var table = RouteTable<Endpoint>()
        endpoints = groups.flatMap(\.endpoints)
        for endpoint in endpoints { table.add(endpoint.method, endpoint.pattern, endpoint) }
        self.table = table
        self.authenticator = authenticator
        self.logger = logger
        errors = metrics.counter("http_server_errors_total", help: "Requests that failed for reasons inside the server")
    }

    // MARK: - Answering

    public func respond(to request: HTTPRequest, with reply: HTTPReply) {
        // Belongs to the connection, which waits for the reply.
        Task.immediate(executorPreference: reply.executor) {
            reply.respond(await answer(to: request))
        }
    }

    /// The answer to a request: what ``respond(to:with:)`` sends.
    public func answer(to request: HTTPRequest) async -> HTTPResponse {
        let now = CurrentTime.milliseconds
        if request.method == .options, let preflight = CrossOrigin.preflight(request) { return preflight }
        let match = table.match(request.method, request.segments)
        var response: HTTPResponse
        do {
            response = try await respond(request, match, now)
        } catch {
            response = failure(error, request, match, now)
        }
        ResponseFields.add(to: &response, for: request)
        ResponseCompression.apply(to: &response, for: request)
        return response
    }

    private func respond(
        _ request: HTTPRequest, _ match: RouteMatch<Endpoint>, _ now: Int64
    ) async throws -> HTTPResponse {
        if case .found(let endpoint, _, let parameters) = match {
            let call = Call(request, parameters, now: now)
            switch endpoint.access {
            case .open(let handler): return try await handler(call)
            case .roles(let roles, let handler):
                let principal = try await principal(of: request, now)
                try endpoint.checkQuery(of: call)
                guard principal.scope == .full, roles.admits(principal.authority) else {
                    try endpoint.checkBody(of: call)
                    throw APIError.permissionDenied
                }
                // The rule engine is told of changes: none is made that it could not be told of.
                if endpoint.method != .get { try await actions.messages.requireRoom(of: principal.tenantID) }
                do {
                    return try await handler(call, principal)
                } catch {
                    if let known = error as? APIError, known.code == .permissionDenied || known.code == .notFound {
                        try endpoint.checkBody(of: call)
                    }
                    if let tried = RefusedChanges.action(endpoint, call, principal, error) {
                        await actions.recordFailure(tried, by: principal, error, now: now)
                    }
                    throw error
                }
            case .limited(let scopes, let handler):
                let principal = try await principal(of: request, now)
                guard scopes.contains(principal.scope) else { throw APIError.permissionDenied }
                return try await handler(call, principal)
            }
        }
        // Without a token nobody learns which paths exist.
        if request.isForAPI { _ = try await principal(of: request, now) }
        if case .methodNotAllowed(let methods) = match {
            let refusal = APIError(405, .badRequest, "Request method '\(request.method)' is not supported")
            var response = request.method == .options ? .empty(200) : refusal.response(now: now)
            response.fields.append(("Allow", methods.map(\.name).joined(separator: ", ")))
            return response
        }
        throw APIError(404, .notFound, "No static resource \(request.path.drop { $0 == "/" }).")
    }

    /// Who asks, if that is not too often.
    private func principal(of request: HTTPRequest, _ now: Int64) async throws -> Principal {
        let principal = try await authenticator.principal(of: request, now: now)
        try await limits.countRequest(of: principal, now: now)
        return principal
    }

    private func failure(
        _ error: any Error, _ request: HTTPRequest, _ match: RouteMatch<Endpoint>, _ now: Int64
    ) -> HTTPResponse {
        let known = APIError(error)
        let shown = known ?? .internalError
        if shown.status == 500, known == nil || shown.code == .database {
            errors.increment()
            logger.limited(
                .error, "a request failed",
                [
                    "method": .string(request.method.name), "path": .string(request.path),
                    "error": .string("\(error)"),
                ])
        }
        if case .found(let endpoint, _, _) = match, endpoint.errors == .text, !shown.isEarly, shown.status != 401 {
            let accepts = request.fields["Accept"]?.lowercased().contains("application/json") ?? false
            return shown.textResponse(acceptsJSON: accepts)
        }
        return shown.response(now: now)
    }
}

extension HTTPRequest {
    /// Whether the path belongs to the API and not to the pages of the user interface.
    var isForAPI: Bool { pathBytes.starts(with: "/api/".utf8) }
}
