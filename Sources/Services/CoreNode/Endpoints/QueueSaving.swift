internal import HTTPServer
internal import JSON
internal import Logging
internal import Messages
internal import Model
internal import Queue
internal import Storage

/// Making, changing and deleting the platform's queues (`rest-api.md` 4.18). Every service follows at run time.
struct QueueSaving: EndpointGroup {
    let services: Services

    static let schemas = [
        "Queue": """
        id:id(QUEUE) createdTime:integer tenantId:id(TENANT) name:string! topic:string! pollInterval:integer! \
        partitions:integer! consumerPerPartition:boolean packProcessingTimeout:integer! submitStrategy:object! \
        processingStrategy:object! additionalInfo:object
        """
    ]

    var endpoints: [Endpoint] {
        [
            Endpoint(.post, "/api/queues", roles: .system, save)
                .docs(
                    "Creates or changes a queue", query: [.text("serviceType").required], body: "Queue",
                    answer: "Queue"),
            Endpoint(.delete, "/api/queues/{queueId}", roles: .system, delete)
                .docs("Deletes a queue; what it holds is still processed", answer: .nothing),
        ]
    }

    private var queues: QueueRepository { QueueRepository(services.database) }

    @Sendable private func save(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        guard try call.isServiceTypeRuleEngine else {
            throw APIError.invalid("Unsupported service type!")
        }
        let body = try call.object()
        let id: QueueID? = try body.id("id")
        var queue = try QueueDescription.read(body, tenant: principal.tenantID, now: call.now)
        let taken = try await queues.isTaken(
            name: queue.name, topic: queue.topic, tenant: queue.tenantID, except: id)
        if taken.name { throw APIError.invalid("Queue with name: \(queue.name) already exists!") }
        if taken.topic { throw APIError.invalid("Queue with topic: \(queue.topic) already exists!") }
        guard let id else {
            if try await queues.isStillEmptied(name: queue.name, topic: queue.topic, tenant: queue.tenantID) {
                throw APIError.invalid("Queue with name: \(queue.name) was deleted and is still being emptied!")
            }
            try await prepare(queue)
            let made = queue
            try await services.database.inTransaction { try await QueueRepository($0).insert(made) }
            await tell(.added(ActionSubject(queue)), queue, .created, principal)
            return .json(queue)
        }
        guard let stored = try await queues.find(id), stored.tenantID == principal.tenantID else {
            throw APIError.notFound(.queue, id.uuid)
        }
        if stored.name != queue.name { throw APIError.invalid("Queue name can't be changed!") }
        if stored.topic != queue.topic { throw APIError.invalid("Queue topic can't be changed!") }
        queue.id = id
        queue.createdTime = stored.createdTime
        // Room first: nobody sends to a partition that is not there.
        try await prepare(queue)
        try await queues.update(queue)
        await tell(.updated(ActionSubject(queue)), queue, .updated, principal)
        return .json(queue)
    }

    @Sendable private func delete(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let id: QueueID = try call.id("queueId")
        guard let queue = try await queues.find(id), queue.tenantID == principal.tenantID else {
            throw APIError.notFound(.queue, id.uuid)
        }
        if queue.name == QueueRoute.main { throw APIError.invalid("Main queue cannot be deleted!") }
        if try await queues.isReferenced(name: queue.name, tenant: queue.tenantID) {
            throw APIError.invalid("The queue referenced by the device profiles cannot be deleted!")
        }
        guard try await queues.delete(id, now: call.now) else { throw APIError.notFound(.queue, id.uuid) }
        await tell(.deleted(ActionSubject(queue)), queue, .deleted, principal)
        return .empty(200)
    }

    private func prepare(_ queue: StoredQueue) async throws(APIError) {
        do {
            try await services.queueTopics.prepare(queue.route)
        } catch {
            services.logger.warning(
                "the topic of a queue cannot be made now",
                ["queue": .string(queue.name), "error": .string(String(describing: error))])
            throw APIError(503, .general, "Queue topic can't be made now: \(error)")
        }
    }

    private func tell(
        _ action: EntityAction, _ queue: StoredQueue, _ change: EntityChange, _ principal: Principal
    ) async {
        await services.actions.record(
            action, by: principal, event: .queueChanged(tenant: queue.tenantID, queue: queue.id, change))
    }
}

extension ActionSubject {
    init(_ queue: StoredQueue) {
        self.init(queue, tenant: queue.tenantID, queue.id, name: queue.name)
    }
}

/// A queue as people describe it, checked (`rest-api.md` 2.14).
enum QueueDescription {
    private static let most: Int64 = 1000
    private static let reserved = ["CalculatedFields", "CalculatedFieldStates"]

    static func read(_ body: RequestObject, tenant: TenantID, now: Int64) throws(APIError) -> StoredQueue {
        let name = try Self.plainName("Queue name", try body.text("name"))
        if reserved.contains(name) {
            throw .invalid(
                "The queue name '\(name)' is not allowed. This name is reserved for internal use. "
                    + "Please choose a different name.")
        }
        let topic = try Self.plainName("Queue topic", try body.text("topic"))
        let pollInterval = try body.integer("pollInterval") ?? 0
        let partitions = try body.integer("partitions") ?? 0
        let timeout = try body.integer("packProcessingTimeout") ?? 0
        try positive("poll interval", pollInterval, maximum: Int64(Int32.max))
        try positive("partitions", partitions, maximum: most)
        try positive("pack processing timeout", timeout, maximum: 86_400_000)
        try checkSubmit(try body.object("submitStrategy"))
        try checkProcessing(try body.object("processingStrategy"))
        return StoredQueue(
            id: QueueID(.ordered()), createdTime: now, tenantID: tenant, name: name, topic: topic,
            pollInterval: pollInterval, partitions: partitions,
            consumerPerPartition: try body.boolean("consumerPerPartition") ?? false, packProcessingTimeout: timeout,
            submitStrategy: body.storedDocument("submitStrategy"),
            processingStrategy: body.storedDocument("processingStrategy"),
            additionalInfo: body.storedDocument("additionalInfo"))
    }

    private static func plainName(_ thing: StaticString, _ text: String?) throws(APIError) -> String {
        let name = try Validation.name(thing, text)
        let isPlain = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
        guard isPlain else {
            throw .invalid("\(thing) contains a character other than ASCII alphanumerics, '.', '_' and '-'!")
        }
        // Kafka takes names of at most 249 bytes; prefix, tenant and what is set aside need their part.
        guard name.utf8.count <= 150 else { throw .invalid("\(thing) length must be equal or less than 150!") }
        return name
    }

    private static func positive(_ thing: String, _ number: Int64, maximum: Int64) throws(APIError) {
        if number < 1 { throw .invalid("Queue \(thing) should be more then 0!") }
        if number > maximum { throw .invalid("Queue \(thing) should be at most \(maximum)!") }
    }

    private static func checkSubmit(_ strategy: RequestObject?) throws(APIError) {
        guard let strategy else { throw .invalid("Queue submit strategy can't be null!") }
        guard let type = try strategy.text("type") else { throw .invalid("Queue submit strategy type can't be null!") }
        guard SubmitStrategy.names.contains(type) else { throw unknown(type, SubmitStrategy.names) }
        let size = try strategy.integer("batchSize")
        if type == "BATCH" || size != nil, size ?? 0 < 1 {
            throw .invalid("Queue submit strategy batch size should be more then 0!")
        }
        try checkLength(strategy, "submit")
    }

    private static func checkProcessing(_ strategy: RequestObject?) throws(APIError) {
        guard let strategy else { throw .invalid("Queue processing strategy can't be null!") }
        guard let type = try strategy.text("type") else {
            throw .invalid("Queue processing strategy type can't be null!")
        }
        let names = ProcessingStrategy.Kind.allCases.map(\.rawValue)
        guard names.contains(type) else { throw unknown(type, names) }
        func refuse(_ text: String) -> APIError { .invalid("Queue processing strategy \(text)") }
        if try strategy.integer("retries") ?? 0 < 0 { throw refuse("retries can't be less then 0!") }
        if let share = strategy.value("failurePercentage")?.doubleValue, !(0...100).contains(share) {
            throw refuse("failure percentage should be in a range from 0 to 100!")
        }
        let pause = try strategy.integer("pauseBetweenRetries") ?? 0
        if pause < 0 { throw refuse("pause between retries can't be less then 0!") }
        if pause > 86_400 { throw refuse("pause between retries can't be more then a day!") }
        if let longest = try strategy.integer("maxPauseBetweenRetries"), longest < pause {
            throw refuse("MAX pause between retries can't be less then pause between retries!")
        }
        try checkLength(strategy, "processing")
    }

    private static func unknown(_ type: String, _ names: [String]) -> APIError {
        .malformedBody("one of \(names.joined(separator: ", ")) is expected in 'type'")
    }

    private static func checkLength(_ strategy: RequestObject, _ which: String) throws(APIError) {
        if JSONValue.object(strategy.members).serializedString.unicodeScalars.count > 255 {
            throw .invalid("Queue \(which) strategy is too long!")
        }
    }
}
