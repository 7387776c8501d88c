import Redis
import TestSupport
import Testing

/// A client of that server, short of patience.
func makeClient(_ port: Int, _ adjust: (inout RedisConfiguration) -> Void = { _ in }) throws -> RedisClient {
    var configuration = RedisConfiguration(topology: .standalone(RedisAddress(host: "127.0.0.1", port: port)))
    adjust(&configuration)
    return try RedisClient(configuration)
}

extension RedisClient {
    /// Waits until the server answers.
    func ready() async throws {
        try await eventually("Redis") { (try? await send(RedisCommand("PING"))) != nil }
    }

    func set(_ key: String, _ value: String) async throws(RedisError) {
        _ = try await send(RedisCommand("SET", key: Array(key.utf8), Array(value.utf8)))
    }

    func get(_ key: String) async throws(RedisError) -> String? {
        try await send(RedisCommand("GET", key: Array(key.utf8))).text
    }

    /// The error of a command, if it has one.
    func failure(_ command: RedisCommand) async -> RedisError? {
        do {
            _ = try await send(command)
            return nil
        } catch {
            return error
        }
    }
}

@Suite(.enabled(if: TestRedis.isAvailable, "Redis is not installed"), .serialized)
struct RedisClientTests {
    private static let server = TestRedis()

    @Test func valuesOfAnyBytesComeBack() async throws {
        let client = try makeClient(Self.server.port)
        try await client.ready()
        let value: [UInt8] = (0..<100_000).map { UInt8(truncatingIfNeeded: $0) }
        _ = try await client.send(RedisCommand("SET", key: [0, 13, 10, 255], value))
        let found = try await client.send(RedisCommand("GET", key: [0, 13, 10, 255]))
        #expect(found == .bytes(value))
        let missing = try await client.send(RedisCommand("GET", key: [1]))
        #expect(missing == .null)
        let count = try await client.send(RedisCommand("DEL", key: [0, 13, 10, 255]))
        #expect(count == .integer(1))
    }

    @Test func refusalsKeepTheServersWords() async throws {
        let client = try makeClient(Self.server.port)
        try await client.ready()
        let error = await client.failure(RedisCommand("NOSUCHCOMMAND"))
        guard case .refused(let words) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(words.hasPrefix("ERR unknown command"))
        // The connection goes on.
        try await client.set("after", "1")
    }

    @Test func manyCommandsShareFewConnections() async throws {
        let client = try makeClient(Self.server.port) { $0.maximumConnections = 2 }
        try await client.ready()
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<2000 {
                group.addTask {
                    try await client.set("many-\(number)", "\(number)")
                    return try await client.get("many-\(number)") == "\(number)"
                }
            }
            for try await isRight in group { #expect(isRight) }
        }
        let list = try await client.send(RedisCommand("CLIENT", "LIST")).text ?? ""
        #expect(list.split(separator: "\n").count <= 2 + 8)
    }

    @Test func databasesAndNamesAreSelected() async throws {
        let client = try makeClient(Self.server.port) {
            $0.database = 3
            $0.clientName = "needletail-test"
        }
        try await client.ready()
        let info = try await client.send(RedisCommand("CLIENT", "INFO")).text ?? ""
        #expect(info.contains("name=needletail-test"))
        #expect(info.contains("db=3"))
    }

    @Test func nobodyThereIsToldAtOnce() async throws {
        let client = try makeClient(FreePort.next())
        guard case .unavailable = await client.failure(RedisCommand("PING")) else {
            Issue.record("reached")
            return
        }
    }

    @Test func aKilledServerIsFoundAgain() async throws {
        let server = TestRedis()
        let client = try makeClient(server.port)
        try await client.ready()
        server.kill()
        let lost = await client.failure(RedisCommand("PING"))
        #expect(lost != nil)
        server.start()
        try await client.ready()
        server.kill()
    }

    @Test func aConnectionThatTheServerClosedIsReplacedUnnoticed() async throws {
        let server = TestRedis()
        let client = try makeClient(server.port) { $0.maximumConnections = 1 }
        try await client.ready()
        server.kill()
        server.start()
        let other = try makeClient(server.port)
        try await other.ready()
        let error = await client.failure(RedisCommand("PING"))
        #expect(error == nil)
        server.kill()
    }

    @Test func aServerThatStandsStillTimesOut() async throws {
        let server = TestRedis()
        let client = try makeClient(server.port) { $0.readTimeout = .milliseconds(200) }
        try await client.ready()
        server.stop()
        let error = await client.failure(RedisCommand("PING"))
        #expect(error == .connectionLost(reason: "no answer in time"))
        server.resume()
        try await client.ready()
        server.kill()
    }

    @Test func tooManyWaitingCommandsAreRefused() async throws {
        let server = TestRedis()
        let client = try makeClient(server.port) {
            $0.maximumConnections = 1
            $0.maximumPending = 10
            $0.readTimeout = .milliseconds(500)
        }
        try await client.ready()
        server.stop()
        let errors = await withTaskGroup(of: RedisError?.self, returning: [RedisError].self) { group in
            for _ in 0..<300 { group.addTask { await client.failure(RedisCommand("PING")) } }
            return await group.reduce(into: []) { errors, error in if let error { errors.append(error) } }
        }
        #expect(errors.count == 300)
        #expect(errors.contains(.exhausted))
        server.resume()
        server.kill()
    }

    @Test func passwordsAreAskedFor() async throws {
        let server = TestRedis(["--requirepass", "secret"])
        let right = try makeClient(server.port) { $0.password = "secret" }
        try await right.ready()
        _ = try await right.send(RedisCommand("ACL", "SETUSER", "reader", "on", ">other", "+@all", "~*"))
        let named = try makeClient(server.port) { ($0.userName, $0.password) = ("reader", "other") }
        try await named.ready()
        let wrong = try makeClient(server.port) { $0.password = "wrong" }
        guard case .unavailable(let reason) = await wrong.failure(RedisCommand("PING")) else {
            Issue.record("let in")
            return
        }
        #expect(reason.contains("WRONGPASS"))
        #expect(!reason.contains("wrong,"))
        let none = try makeClient(server.port)
        guard case .refused(let words) = await none.failure(RedisCommand("PING")) else {
            Issue.record("let in")
            return
        }
        #expect(words.hasPrefix("NOAUTH"))
        server.kill()
    }

    @Test func serversAndClientsProveThemselvesByTLS() async throws {
        let server = TestRedis(tls: true)
        let folder = server.folder
        let right = try makeClient(server.port) {
            $0.tls = .init(
                authoritiesFile: folder + "/ca.pem", keyFile: folder + "/client.pem", keyPassword: "secret")
        }
        try await right.ready()
        try await right.set("tls", String(repeating: "x", count: 200_000))
        let length = try await right.get("tls")?.count
        #expect(length == 200_000)

        let stranger = try makeClient(server.port) {
            $0.tls = .init(keyFile: folder + "/client.pem", keyPassword: "secret")
        }
        guard case .unavailable(let reason) = await stranger.failure(RedisCommand("PING")) else {
            Issue.record("trusted")
            return
        }
        #expect(reason.contains("certificate"))
        let elsewhere = try RedisClient(
            {
                var configuration = RedisConfiguration(
                    topology: .standalone(RedisAddress(host: "localhost", port: server.port)))
                configuration.tls = .init(
                    authoritiesFile: folder + "/ca.pem", keyFile: folder + "/client.pem", keyPassword: "secret")
                return configuration
            }())
        guard case .unavailable = await elsewhere.failure(RedisCommand("PING")) else {
            Issue.record("a certificate of another name was accepted")
            return
        }
        #expect(throws: RedisError.self) {
            try makeClient(server.port) { $0.tls = .init(keyFile: folder + "/client.pem", keyPassword: "wrong") }
        }
        let plain = try makeClient(server.port) { $0.readTimeout = .milliseconds(500) }
        #expect(await plain.failure(RedisCommand("PING")) != nil)
        server.kill()
    }

    @Test func aClosedClientRefuses() async throws {
        let client = try makeClient(Self.server.port)
        try await client.ready()
        client.close()
        #expect(await client.failure(RedisCommand("PING")) == .closed)
    }
}
