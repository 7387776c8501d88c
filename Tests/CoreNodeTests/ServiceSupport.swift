import Configuration
import Crypto
import HTTPServer
import JSON
import Logging
import Messages
import Metrics
import Model
import Postgres
import Reactor
import ScriptEngine
import Queue
import ServiceHealth
import Storage
import Synchronization
import Telemetry
import TestSupport
import Testing

@testable import CoreNode

/// Statements on one connection, one after the other: those of a request and those of work behind its back. Neither gets
/// into a transaction of the other.
final class OneConnection: TransactionRunner, @unchecked Sendable {
    // @unchecked: `connection` is used by whoever has the turn.
    private let connection: PostgresConnection
    private let turns = Mutex<(isTaken: Bool, waiting: [CheckedContinuation<Void, Never>])>((false, []))
    /// What ran while somebody listened; `nil`: nobody does.
    let heard = Mutex<[String]?>(nil)

    /// Statements of the transaction that has the turn.
    private struct Inside: StatementRunner {
        let whole: OneConnection

        func query(_ sql: String, _ parameters: [PostgresParameter]) async throws -> PostgresResult {
            try whole.run(sql, parameters)
        }
    }

    init(_ connectionInfo: String) throws { connection = try PostgresConnection(connecting: connectionInfo) }

    func query(_ sql: String, _ parameters: [PostgresParameter]) async throws -> PostgresResult {
        await takeTurn()
        defer { endTurn() }
        return try run(sql, parameters)
    }

    func inTransaction<R: Sendable>(
        _ body: @escaping @Sendable (any StatementRunner) async throws -> R
    ) async throws -> R {
        await takeTurn()
        defer { endTurn() }
        _ = try run("BEGIN", [])
        do {
            let result = try await body(Inside(whole: self))
            _ = try run("COMMIT", [])
            return result
        } catch {
            _ = try run("ROLLBACK", [])
            throw error
        }
    }

    private func run(_ sql: String, _ parameters: [PostgresParameter]) throws -> PostgresResult {
        heard.withLock { $0?.append(sql) }
        return try connection.query(sql, parameters)
    }

    private func takeTurn() async {
        await withCheckedContinuation { continuation in
            let isMine = turns.withLock { turns in
                if turns.isTaken {
                    turns.waiting.append(continuation)
                    return false
                }
                turns.isTaken = true
                return true
            }
            if isMine { continuation.resume() }
        }
    }

    private func endTurn() {
        let next = turns.withLock { turns -> CheckedContinuation<Void, Never>? in
            if turns.waiting.isEmpty {
                turns.isTaken = false
                return nil
            }
            return turns.waiting.removeFirst()
        }
        next?.resume()
    }
}

/// Remembers what was announced and saved.
final class Recorder: DeviceEvents, TelemetryStore, RuleMessageSink, CoreQueueProducer {
    let owned = Mutex<[CoreMessage]>([])

    func send(_ message: CoreMessage, device: DeviceID) -> Bool {
        owned.withLock { $0.append(message) }
        return true
    }

    let events = Mutex<[DeviceEvent]>([])
    let saves = Mutex<[(entity: UUID128, records: [TelemetryRecord], arena: PointArena)]>([])

    let messages = Mutex<[RuleMessage]>([])

    func send(_ message: RuleMessage) { messages.withLock { $0.append(message) } }
    func deliver(_ message: RuleMessage) async { send(message) }

    /// What ``hasRoom(of:)`` says.
    let isFull = Mutex(false)

    func hasRoom(of tenant: TenantID) async -> Bool { isFull.withLock { !$0 } }

    func finish(within limit: Duration) async -> Int { 0 }

    func post(_ event: DeviceEvent) async { events.withLock { $0.append(event) } }

    func save(
        entity: UUID128, _ records: [TelemetryRecord], of arena: PointArena, origin: SaveOrigin
    ) async throws {
        saves.withLock { $0.append((entity, records, arena)) }
    }
}

/// The whole service over a database with demo data, without sockets.
struct TestService {
    let service: RESTService
    let database: OneConnection
    let recorder = Recorder()

    private static let connectionInfo = Result { try install() }
    /// For tests that change how everybody signs in.
    private static let accountsConnectionInfo = Result { try install() }

    private static func install() throws -> String {
        let info = try TestDatabase.makeEmpty()
        let connection = try PostgresConnection(connecting: info)
        var options = SchemaOptions()
        options.passwordCost = 4
        _ = try SchemaInstaller.install(on: connection, demo: true, options: options)
        connection.close()
        return info
    }

    /// - Parameter changesLogins: Whether to use a database that other suites do not.
    init(isReady: Bool = true, changesLogins: Bool = false) async throws {
        let info = changesLogins ? Self.accountsConnectionInfo : Self.connectionInfo
        database = try OneConnection(try info.get())
        var settings = SettingsReader(environment: [:])
        let metrics = MetricsRegistry()
        service = try await RESTService.make(
            configuration: RESTConfiguration(from: &settings), database: database, telemetry: recorder,
            events: recorder, messages: recorder, owners: recorder,
            rpc: RPCService(serviceID: "test", waiters: DeviceCallWaiters(loop: try EventLoop(name: "test", index: 0))),
            scripts: .none(metrics: metrics),
            health: HealthService(version: "1", metrics: metrics, checks: [HealthCheck("database") { isReady }]),
            logger: .disabled,
            metrics: metrics)
    }

    struct Answer {
        var status: Int
        var body: JSONValue
        var text: String
        var response: HTTPResponse

        var message: String? { body["message"]?.stringValue }
        var code: Int64? { body["errorCode"]?.integerValue }
    }

    func send(
        _ method: HTTPMethod, _ target: String, _ body: JSONValue? = nil, token: String? = nil,
        fields: [(String, String)] = []
    ) async throws -> Answer {
        var fields = fields
        if let token { fields.append(("X-Authorization", "Bearer " + token)) }
        let response = await service.answer(
            to: HTTPRequest(method, target, fields: fields, body: body?.serialized() ?? []))
        return Answer(
            status: response.status, body: (try? JSONValue.parse(response.body)) ?? .null,
            text: String(decoding: response.body, as: UTF8.self), response: response)
    }

    func login(_ user: String = "tenant", _ password: String? = nil) async throws -> String {
        let answer = try await send(
            .post, "/api/auth/login",
            [
                "username": .string(user.contains("@") ? user : user + "@thingsboard.org"),
                "password": .string(password ?? user),
            ])
        return try #require(answer.body["token"]?.stringValue, "\(answer.text)")
    }
}
