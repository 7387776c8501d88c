import Logging
import Metrics
import Model
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import Storage

/// Events from those who note them into their tables, and out again (`persistence.md` 5).
@Suite(.enabled(if: TestDatabase.isAvailable, "PostgreSQL is not installed"), .serialized)
struct EventWriterTests {
    private let database: OneConnection
    private let tenant = TenantID(.random())
    private let entity = UUID128.random()
    private let metrics = MetricsRegistry()
    /// A time of its own for every test: partitions of others stay out of the way.
    private let time = Int64.random(in: 500_000...900_000) * 3_600_000

    init() throws { database = try OneConnection() }

    private func writer(
        on runner: (any StatementRunner)? = nil, _ change: (inout EventWriterConfiguration) -> Void = { _ in }
    ) -> EventWriter {
        var configuration = EventWriterConfiguration()
        configuration.delay = .zero
        change(&configuration)
        return EventWriter(
            database: runner ?? database, configuration: configuration, service: "node", logger: .disabled,
            metrics: metrics)
    }

    private func event(_ body: NewEvent.Body, at offset: Int64 = 0) -> NewEvent {
        NewEvent(tenantID: tenant, entity: entity, time: time + offset, body: body)
    }

    private func message(data: String, error: String? = nil) -> NewEvent.Body {
        .ruleNodeDebug(
            .init(
                direction: .out, originator: EntityID(type: .device, uuid: entity), messageID: entity,
                messageType: "T", label: "Failure", data: data, metadata: "{}", error: error))
    }

    private func stored(_ kind: EventKind, _ conditions: [EventCondition] = []) async throws -> [StoredEvent] {
        try await EventRepository(database).page(
            of: kind, entity: entity, tenant: tenant, from: nil, to: nil, conditions,
            PageLink(pageSize: 100, page: 0, textSearch: nil, sort: nil)
        ).elements
    }

    private func members(_ event: StoredEvent) -> [String: String] {
        event.body.reduce(into: [:]) { members, entry in
            switch entry.value {
            case .text(let text): members["\(entry.member)"] = text
            case .uuid(let uuid): members["\(entry.member)"] = uuid.text
            case .number(let number): members["\(entry.member)"] = String(number)
            case .boolean(let flag): members["\(entry.member)"] = String(flag)
            }
        }
    }

    @Test func everyKindComesBackAsItWasNoted() async throws {
        let writer = writer()
        writer.record(event(.error(method: "onRuleMsg", "broken")))
        writer.record(event(.lifecycle("STARTED", error: nil)))
        writer.record(event(.lifecycle("UPDATED", error: "wrong"), at: 1))
        writer.record(event(.statistics(processed: 7, errors: 2)))
        writer.record(event(message(data: "{\"a\":\"ä\\n\"}", error: "why")))
        writer.record(event(.ruleChainDebug("Reached")))
        await writer.close()
        #expect(try await stored(.error).map(members) == [["method": "onRuleMsg", "error": "broken"]])
        let lives = try await stored(.lifecycle).sorted { $0.createdTime < $1.createdTime }.map(members)
        #expect(
            lives == [
                ["event": "STARTED", "success": "true"], ["event": "UPDATED", "success": "false", "error": "wrong"],
            ])
        #expect(
            try await stored(.statistics).map(members) == [["messagesProcessed": "7", "errorsOccurred": "2"]])
        #expect(try await stored(.ruleChainDebug).map(members) == [["message": "Reached"]])
        let messages = try await stored(.ruleNodeDebug)
        #expect(
            messages.map(members) == [
                [
                    "type": "OUT", "entityId": entity.text, "entityType": "DEVICE", "msgId": entity.text,
                    "msgType": "T", "dataType": "JSON", "relationType": "Failure", "data": "{\"a\":\"ä\\n\"}",
                    "metadata": "{}", "error": "why",
                ]
            ])
        #expect(messages.map(\.service) == ["node"])
        #expect(messages.map(\.createdTime) == [time])
        #expect(try await stored(.ruleNodeDebug, [.hasError(true)]).count == 1)
        #expect(try await stored(.ruleNodeDebug, [.hasError(false)]).isEmpty)
    }

    @Test func longTextsAreCutAndNullCharactersLeftOut() async throws {
        let writer = writer { $0.maximumSymbols = 10 }
        writer.record(event(message(data: String(repeating: "ä", count: 50), error: "a\0b")))
        await writer.close()
        let found = try await stored(.ruleNodeDebug).map(members)
        #expect(found.first?["data"] == String(repeating: "ä", count: 10))
        #expect(found.first?["error"] == "ab")
    }

    @Test func whatFindsNoRoomIsDroppedAndCounted() async throws {
        let blocked = BlockedDatabase(database)
        let writer = writer(on: blocked) { $0.capacity = 10 }
        for number in 0..<100 { writer.record(event(.ruleChainDebug("\(number)"))) }
        let dropped = metrics.counter("events_dropped_total", help: "")
        // Ten wait, and ten more may have been taken out for the statement that does not end.
        #expect((80...90).contains(dropped.value))
        blocked.open()
        await writer.close(patience: .seconds(60))
        #expect(metrics.counter("events_written_total", help: "").value + dropped.value == 100)
    }

    @Test func whatTheDatabaseRefusesHarmsNothingElse() async throws {
        let refusing = RefusingDatabase(database)
        let writer = writer(on: refusing)
        for number in 0..<20 { writer.record(event(.ruleChainDebug(number == 13 ? "refused" : "\(number)"))) }
        await writer.close(patience: .seconds(60))
        #expect(try await stored(.ruleChainDebug).count == 19)
        #expect(metrics.counter("events_dropped_total", help: "").value == 1)
    }

    @Test func hoursOfDebuggingArePartitionsAndGoWithTheirTime() async throws {
        let hour: Int64 = 3_600_000
        let writer = writer()
        for offset in [0, hour, 2 * hour - 1] { writer.record(event(message(data: "{}"), at: offset)) }
        writer.record(event(.lifecycle("STARTED", error: nil)))
        await writer.close()
        func partitions() async throws -> Set<String> {
            let own = ["rule_node_debug_event_\(time)", "rule_node_debug_event_\(time + hour)"]
            let found = try await database.query(
                "SELECT relname::text FROM pg_class WHERE relname = ANY($1)", [.textArray(own)])
            return Set(found.compactMap { $0.text(0) })
        }
        #expect(try await partitions().count == 2)
        #expect(try await stored(.ruleNodeDebug).count == 3)
        // One second before the end of the first is over, and then.
        _ = try await EventRepository(database).expire(now: time + hour + 9_000, debug: 10, regular: 0)
        #expect(try await partitions().count == 2)
        _ = try await EventRepository(database).expire(now: time + hour + 10_000, debug: 10, regular: 0)
        #expect(try await partitions() == ["rule_node_debug_event_\(time + hour)"])
        #expect(try await stored(.ruleNodeDebug).count == 2)
        // Those without a time to live stay.
        #expect(try await stored(.lifecycle).count == 1)
    }

    @Test func ofAnotherTenantNothingIsShown() async throws {
        let writer = writer()
        writer.record(event(.ruleChainDebug("x")))
        await writer.close()
        let page = try await EventRepository(database).page(
            of: .ruleChainDebug, entity: entity, tenant: TenantID(.random()), from: nil, to: nil, [],
            PageLink(pageSize: 10, page: 0, textSearch: nil, sort: nil))
        #expect(page.elements.isEmpty)
    }
}

/// Answers nothing until it is opened.
private final class BlockedDatabase: StatementRunner {
    private let database: OneConnection
    private let isOpen = Atomic<Bool>(false)

    init(_ database: OneConnection) { self.database = database }

    func open() { isOpen.store(true, ordering: .releasing) }

    func query(_ sql: String, _ parameters: [PostgresParameter]) async throws -> PostgresResult {
        while !isOpen.load(ordering: .acquiring) { await Task.yield() }
        return try await database.query(sql, parameters)
    }
}

/// Refuses statements with a value.
private struct RefusingDatabase: StatementRunner {
    private let database: OneConnection

    init(_ database: OneConnection) { self.database = database }

    func query(_ sql: String, _ parameters: [PostgresParameter]) async throws -> PostgresResult {
        if sql.hasPrefix("INSERT"), "\(parameters)".contains("refused") {
            throw PostgresError(sqlState: "22P02", message: "refused")
        }
        return try await database.query(sql, parameters)
    }
}
