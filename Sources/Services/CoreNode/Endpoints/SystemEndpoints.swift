internal import HTTPServer
internal import JSON
internal import Model
internal import ScriptEngine
internal import Storage

/// What the platform says of itself (`rest-api.md` 4.19).
struct SystemEndpoints: EndpointGroup {
    let services: Services

    private static let helpBaseURL = "https://thingsboard.io"

    static let schemas = [
        "UsageInfo": UsageReport.members.map { "\($0):integer" }.joined(separator: " ") + " smsEnabled:boolean"
    ]

    var endpoints: [Endpoint] {
        [
            Endpoint(.get, "/api/system/info", roles: .everyone, info).docs("Name and version"),
            Endpoint(.get, "/api/system/params", roles: .everyone, parameters)
                .docs("What the user interface needs to know"),
            Endpoint(.get, "/api/admin/systemInfo", roles: .system, systemInfo).docs("Services and their machines"),
            Endpoint(.get, "/api/admin/featuresInfo", roles: .system, features).docs("What is configured"),
            Endpoint(.get, "/api/admin/updates", roles: .system, updates).docs("Whether there is a newer version"),
            Endpoint(.get, "/api/uiSettings/helpBaseUrl", roles: .everyone, helpBaseURL)
                .docs("Where the documentation is", answer: .text),
            Endpoint(.get, "/api/usage", roles: .tenant, usage)
                .docs("What the tenant has and may have", answer: "UsageInfo"),
        ]
    }

    @Sendable private func info(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json { writer in
            writer.object { writer in
                writer.member("version", services.version)
                writer.member("artifact", "needletail")
                writer.member("name", "Needletail")
                writer.member("type", "CE")
            }
        }
    }

    @Sendable private func helpBaseURL(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .text(Self.helpBaseURL)
    }

    // MARK: - Parameters

    @Sendable private func parameters(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let isSystem = principal.authority == .systemAdministrator
        let shared = principal.isPublic ? try await publicDashboards(of: principal) : []
        var menu = try await services.userSettings.find(principal.userID, type: "GENERAL")?.value.objectValue ?? [:]
        if menu["openedMenuSections"] == nil { menu["openedMenuSections"] = [] }
        let settings = JSONValue.object(menu)
        func limit(_ key: String, _ fallback: Int64) async throws -> Int64 {
            if isSystem { return 0 }
            let number = try await services.limits.number(key, tenant: principal.tenantID, now: call.now)
            return number > 0 ? number : fallback
        }
        let resourceSize = try await limit("maxResourceSize", 0)
        let debugMinutes = try await limit("maxDebugModeDurationMinutes", 15)
        let arguments = try await limit("maxArgumentsPerCF", 10)
        let points = try await limit("maxDataPointsPerRollingArg", 1000)
        let debugRate = isSystem ? nil : "50000:3600"
        return .json { writer in
            writer.object { writer in
                writer.member(
                    "userTokenAccessEnabled", principal.authority != .customerUser && services.isTokenAccessEnabled)
                writer.key("allowedDashboardIds")
                writer.array { writer in for id in shared { writer.value(id.description) } }
                writer.member("edgesSupportEnabled", false)
                writer.member("hasRepository", false)
                writer.member("tbelEnabled", !isSystem && services.scripts.isEnabled(.tbel))
                writer.member("persistDeviceStateToTelemetry", false)
                writer.member("userSettings", settings)
                writer.member("maxDatapointsLimit", 50_000)
                writer.member("maxResourceSize", resourceSize)
                writer.member("mobileQrEnabled", false)
                writer.member("maxDebugModeDurationMinutes", debugMinutes)
                writer.member("ruleChainDebugPerTenantLimitsConfiguration", debugRate)
                writer.member("calculatedFieldDebugPerTenantLimitsConfiguration", debugRate)
                writer.member("maxArgumentsPerCF", arguments)
                writer.member("maxDataPointsPerRollingArg", points)
                writer.member("minAllowedScheduledUpdateIntervalInSecForCF", 10)
                writer.member("maxRelationLevelPerCfArgument", 2)
                writer.member("maxRelatedEntitiesToReturnPerCfArgument", 100)
                writer.member("minAllowedDeduplicationIntervalInSecForCF", 10)
                writer.member("minAllowedAggregationIntervalInSecForCF", 60)
                writer.member("intermediateAggregationIntervalInSecForCF", 300)
                writer.key("trendzSettings")
                writer.object { writer in
                    writer.member("enabled", false)
                    writer.member("baseUrl", String?.none)
                }
                writer.member("allowKeyFiltersOrConditions", false)
                writer.member("nullsOrderStrategy", "default")
                writer.member("edqsEnabled", false)
                writer.member("iotHubBaseUrl", String?.none)
            }
        }
    }

    private func publicDashboards(of principal: Principal) async throws -> [DashboardID] {
        try await services.dashboards.page(
            tenant: principal.tenantID, customer: principal.customerID, mobile: false,
            PageLink(pageSize: 1000, page: 0)
        ).elements.map(\.id)
    }

    // MARK: - The system

    @Sendable private func systemInfo(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let processes = await services.directory?() ?? [thisProcess]
        let isMonolith = services.directory == nil
        return .json { writer in
            writer.object { writer in
                writer.key("systemData")
                writer.array { writer in
                    for process in processes {
                        writer.object { writer in
                            writer.member("serviceId", process.serviceID)
                            writer.member("serviceType", process.type)
                            writer.member("cpuUsage", process.cpuUsage)
                            writer.member("cpuCount", process.cpuCount)
                            writer.member("memoryUsage", process.memoryUsage)
                            writer.member("totalMemory", process.totalMemory)
                            writer.member("discUsage", process.discUsage)
                            writer.member("totalDiscSpace", process.totalDiscSpace)
                        }
                    }
                }
                writer.member("monolith", isMonolith)
            }
        }
    }

    private var thisProcess: ServiceLoad {
        let machine = services.machine.read()
        return ServiceLoad(
            serviceID: services.serviceID, types: [], cpuUsage: machine.cpuUsage, cpuCount: machine.cpuCount,
            memoryUsage: machine.memoryUsage, totalMemory: machine.totalMemory, discUsage: machine.discUsage,
            totalDiscSpace: machine.totalDiscSpace)
    }

    @Sendable private func features(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let hasMail = try await services.mail.isOn
        let hasTwoFactor = try await services.twoFactor.settings()?.isEnabled ?? false
        return .json { writer in
            writer.object { writer in
                writer.member("emailEnabled", hasMail)
                writer.member("smsEnabled", false)
                writer.member("notificationEnabled", false)
                writer.member("oauthEnabled", false)
                writer.member("twoFaEnabled", hasTwoFactor)
            }
        }
    }

    /// Nobody is asked: the server makes no connection that its operator does not know of.
    @Sendable private func updates(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json { writer in
            writer.object { writer in
                writer.member("updateAvailable", false)
                writer.member("currentVersion", services.version)
                writer.member("latestVersion", services.version)
                writer.member("upgradeInstructionsUrl", "")
                writer.member("currentVersionReleaseNotesUrl", "")
                writer.member("latestVersionReleaseNotesUrl", "")
            }
        }
    }

    @Sendable private func usage(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let report = try await UsageReport.make(for: principal.tenantID, services, now: call.now)
        return .json { writer in
            writer.object { writer in
                for (key, value) in report {
                    writer.key(key)
                    writer.value(value)
                }
                writer.member("smsEnabled", Bool?.none)
            }
        }
    }
}

/// What a tenant has, next to what its profile allows.
private enum UsageReport {
    private static let entities: [(EntityType, count: String, limit: String)] = [
        (.device, "devices", "maxDevices"), (.asset, "assets", "maxAssets"), (.customer, "customers", "maxCustomers"),
        (.user, "users", "maxUsers"), (.dashboard, "dashboards", "maxDashboards"), (.edge, "edges", "maxEdges"),
    ]
    private static let counters: [(telemetry: String, count: String, limit: String, profile: String)] = [
        ("transportMsgCount", "transportMessages", "maxTransportMessages", "maxTransportMessages"),
        ("jsExecutionCount", "jsExecutions", "maxJsExecutions", "maxJSExecutions"),
        ("tbelExecutionCount", "tbelExecutions", "maxTbelExecutions", "maxTbelExecutions"),
        ("emailCount", "emails", "maxEmails", "maxEmails"), ("smsCount", "sms", "maxSms", "maxSms"),
        ("createdAlarmsCount", "alarms", "maxAlarms", "maxCreatedAlarms"),
    ]

    static let members = entities.flatMap { [$0.count, $0.limit] } + counters.flatMap { [$0.count, $0.limit] }

    static func make(for tenant: TenantID, _ services: Services, now: Int64) async throws -> [(String, Int64)] {
        let repository = EntityCountRepository(services.database)
        var report: [(String, Int64)] = []
        for (type, count, limit) in entities {
            report.append((count, try await repository.count(type, tenant: tenant)))
            report.append((limit, try await services.limits.number(limit, tenant: tenant, now: now)))
        }
        let usage = try await repository.usage(tenant: tenant, keys: counters.map(\.telemetry))
        for counter in counters {
            report.append((counter.count, usage[counter.telemetry] ?? 0))
            report.append((counter.limit, try await services.limits.number(counter.profile, tenant: tenant, now: now)))
        }
        return report
    }
}
