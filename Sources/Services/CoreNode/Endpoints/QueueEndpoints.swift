internal import HTTPServer
internal import JSON
internal import Model
internal import Storage

/// Queues of the rule engine and their statistics (`rest-api.md` 4.18).
struct QueueEndpoints: EndpointGroup {
    let services: Services

    var endpoints: [Endpoint] {
        [
            Endpoint(.get, "/api/queues", roles: [.system, .tenant], list)
                .docs(
                    "Queues of the rule engine", query: .page + [.text("serviceType").required], answer: .page("Queue")),
            Endpoint(.get, "/api/queues/{queueId}", roles: [.system, .tenant], read)
                .docs("A queue", answer: "Queue"),
            Endpoint(.get, "/api/queues/name/{queueName}", roles: [.system, .tenant], byName)
                .docs("A queue by its name", answer: "Queue"),
            Endpoint(.get, "/api/queueStats", roles: [.system, .tenant], statistics)
                .docs("Queues of which statistics are kept", query: .page, answer: .page("QueueStats")),
            Endpoint(.get, "/api/queueStats/list", roles: [.system, .tenant], statisticsByIDs)
                .docs(
                    "Queues of which statistics are kept, by ids", query: [.uuids("queueStatsIds").required],
                    answer: .list("QueueStats")),
            Endpoint(.get, "/api/queueStats/{queueStatsId}", roles: [.system, .tenant], statisticsByID)
                .docs("A queue of which statistics are kept", answer: "QueueStats"),
        ]
    }

    private var queues: QueueRepository { QueueRepository(services.database) }

    @Sendable private func list(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let isOfRuleEngine = try call.isServiceTypeRuleEngine
        let link = try call.pageLink()
        guard isOfRuleEngine else {
            return .json(Page<StoredQueue>(elements: [], totalElements: 0, link: link))
        }
        return .json(try await queues.page(tenant: principal.tenantID, link))
    }

    @Sendable private func read(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let id: QueueID = try call.id("queueId")
        guard let queue = try await queues.find(id) else { throw APIError.notFound(.queue, id.uuid) }
        // Everybody sees the platform's.
        if queue.tenantID != .system {
            try Permissions.require(principal, .read, .queue, of: Permissions.Owner(tenant: queue.tenantID))
        }
        return .json(queue)
    }

    @Sendable private func byName(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        guard let queue = try await queues.find(name: call.path["queueName"], tenant: principal.tenantID) else {
            throw APIError.itemNotFound
        }
        return .json(queue)
    }

    // MARK: - Statistics

    @Sendable private func statistics(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        try call.requireForm(["pageSize", "page"], ["queueStatsIds"])
        if call.query.first("queueStatsIds") != nil { return try await statisticsByIDs(call, principal) }
        return .json(try await queues.statistics(tenant: principal.tenantID, try call.pageLink()))
    }

    @Sendable private func statisticsByIDs(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json(try await queues.statistics(try call.requiredIDs("queueStatsIds"), tenant: principal.tenantID))
    }

    @Sendable private func statisticsByID(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let id = try call.uuid(call.path["queueStatsId"])
        guard let found = try await queues.statistics([id], tenant: principal.tenantID).first else {
            throw APIError.notFound(.queueStats, id)
        }
        return .json(found)
    }
}

extension Call {
    /// Whether `serviceType` names the one kind of service that has queues (`rest-api.md` 4.18).
    var isServiceTypeRuleEngine: Bool {
        get throws(APIError) {
            let given = try requiredText("serviceType")
            let name = given.uppercased().replacing("-", with: "_")
            let known = ["TB_CORE", "TB_RULE_ENGINE", "TB_TRANSPORT", "JS_EXECUTOR", "TB_VC_EXECUTOR"]
            guard known.contains(name) else { throw .conversion("serviceType", given, to: "ServiceType") }
            return name == "TB_RULE_ENGINE"
        }
    }
}

extension StoredQueue: JSONRendered {
    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.id("id", id)
            writer.member("createdTime", createdTime)
            writer.id("tenantId", tenantID)
            writer.member("name", name)
            writer.member("topic", topic)
            writer.member("pollInterval", pollInterval)
            writer.member("partitions", partitions)
            writer.member("consumerPerPartition", consumerPerPartition)
            writer.member("packProcessingTimeout", packProcessingTimeout)
            writer.document("submitStrategy", submitStrategy)
            writer.document("processingStrategy", processingStrategy)
            writer.document("additionalInfo", additionalInfo)
        }
    }
}

extension QueueStatistics: JSONRendered {
    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.id("id", .queueStats, id)
            writer.member("createdTime", createdTime)
            writer.id("tenantId", tenantID)
            writer.member("queueName", queueName)
            writer.member("serviceId", serviceID)
        }
    }
}
