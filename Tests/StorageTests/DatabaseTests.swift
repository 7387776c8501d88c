import Logging
import Metrics
import Postgres
import Reactor
import TestSupport
import Testing

@testable import Storage

/// The pool on real loops, against a real server.
@Suite(.enabled(if: TestDatabase.isAvailable, "PostgreSQL is not installed"), .serialized)
struct DatabaseTests {
    private static let conninfo = Result { try TestDatabase.makeEmpty() }

    private struct Setup: Sendable {
        let database: Database
        let loops: [EventLoop]
        let metrics: MetricsRegistry
        let conninfo: String

        /// A second way in, to look at the pool from outside.
        func admin<R>(_ body: (PostgresConnection) throws -> R) throws -> R {
            let connection = try PostgresConnection(connecting: conninfo)
            defer { connection.close() }
            return try body(connection)
        }
    }

    private func withDatabase(
        loops count: Int = 2, _ change: (inout DatabaseConfiguration) -> Void = { _ in },
        _ body: @Sendable (Setup) async throws -> Void
    ) async throws {
        let conninfo = try Self.conninfo.get()
        var configuration = DatabaseConfiguration(conninfo: conninfo)
        configuration.maximumConnections = 4
        change(&configuration)
        let group = try EventLoopGroup(count: count, name: "test")
        group.start()
        let metrics = MetricsRegistry()
        let database = Database(
            configuration: configuration, loops: group.loops, logger: .disabled, metrics: metrics)
        let setup = Setup(database: database, loops: group.loops, metrics: metrics, conninfo: conninfo)
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(try await body(setup))
        } catch {
            outcome = .failure(error)
        }
        database.close()
        group.stop()
        group.join()
        try outcome.get()
    }

    /// The error of a call that should throw one of the database's.
    private func databaseError(_ body: () async throws -> Void) async -> DatabaseError? {
        do {
            try await body()
            return nil
        } catch {
            return error as? DatabaseError
        }
    }

    @Test func rowsComeBackOnAndOffTheLoops() async throws {
        try await withDatabase { setup in
            let rows = try await setup.database.query("SELECT $1::bigint + 1 AS a", [.int8(41)])
            #expect(rows[0].int8("a") == 42)
            for loop in setup.loops {
                let task = Task(executorPreference: loop) {
                    let found = try await setup.database.query("SELECT $1::text", ["x"])
                    // The task is where it was.
                    return (found[0].text(0), loop.isCurrent)
                }
                let (text, isOnLoop) = try await task.value
                #expect(text == "x")
                #expect(isOnLoop)
            }
        }
    }

    @Test func manyStatementsShareFewConnections() async throws {
        try await withDatabase { setup in
            let sum = try await withThrowingTaskGroup(of: Int64.self) { group in
                for number in 0..<300 {
                    let loop = setup.loops[number % setup.loops.count]
                    group.addTask(executorPreference: loop) {
                        let rows = try await setup.database.query(
                            "SELECT $1::bigint, pg_sleep(0.001)", [.int8(Int64(number))])
                        return rows[0].int8(0) ?? 0
                    }
                }
                var sum: Int64 = 0
                for try await value in group { sum += value }
                return sum
            }
            #expect(sum == 44_850)
            let used = try setup.admin {
                try $0.query(
                    """
                    SELECT count(*) FROM pg_stat_activity
                    WHERE datname = current_database() AND pid <> pg_backend_pid()
                    """)[0].int8(0) ?? 0
            }
            #expect(used >= 2)
            #expect(used <= 4)
        }
    }

    @Test func refusedStatementTellsWhyAndTheNextOneWorks() async throws {
        try await withDatabase(loops: 1) { setup in
            _ = try await setup.database.query("DROP TABLE IF EXISTS refused")
            _ = try await setup.database.query("CREATE TABLE refused (a int CONSTRAINT refused_a_key UNIQUE)")
            _ = try await setup.database.query("INSERT INTO refused VALUES (1)")
            let error = await databaseError { _ = try await setup.database.query("INSERT INTO refused VALUES (1)") }
            #expect(error?.isUniqueViolation == true)
            #expect(error?.constraint == "refused_a_key")
            let count = try await setup.database.query("SELECT count(*) FROM refused")[0].int8(0)
            #expect(count == 1)
        }
    }

    @Test func transactionCommitsOrRollsBackAsAWhole() async throws {
        struct Stop: Error {}
        try await withDatabase(loops: 1) { setup in
            _ = try await setup.database.query("DROP TABLE IF EXISTS whole")
            _ = try await setup.database.query("CREATE TABLE whole (a int)")
            let value = try await setup.database.transaction { transaction in
                try await transaction.query("INSERT INTO whole VALUES ($1)", [.int4(1)])
                return try await transaction.run([
                    SQLStatement("INSERT INTO whole VALUES ($1)", [.int4(2)]),
                    SQLStatement("SELECT count(*) FROM whole"),
                ])[0].int8(0)
            }
            #expect(value == 2)
            do {
                try await setup.database.transaction { transaction in
                    try await transaction.query("INSERT INTO whole VALUES (3)")
                    throw Stop()
                }
                Issue.record("nothing was thrown")
            } catch is Stop {}
            let count = try await setup.database.query("SELECT count(*) FROM whole")[0].int8(0)
            #expect(count == 2)
        }
    }

    @Test func failureThatTheBodySwallowsIsNoCommit() async throws {
        try await withDatabase(loops: 1) { setup in
            let error = await databaseError {
                try await setup.database.transaction { transaction in
                    _ = try? await transaction.query("SELECT 1 / 0")
                }
            }
            #expect(error?.postgresError?.sqlState == "25P02")
            let found = try await setup.database.query("SELECT 1::bigint")[0].int8(0)
            #expect(found == 1)
        }
    }

    @Test func firstErrorOfABatchIsTheOneThrown() async throws {
        try await withDatabase(loops: 1) { setup in
            let error = await databaseError {
                _ = try await setup.database.transaction { transaction in
                    try await transaction.run([
                        SQLStatement("SELECT 1"), SQLStatement("SELECT 1 / 0"), SQLStatement("SELECT 2"),
                    ])
                }
            }
            #expect(error?.postgresError?.sqlState == "22012")
        }
    }

    @Test func waitingIsBoundedInNumberAndTime() async throws {
        try await withDatabase(
            loops: 1,
            {
                $0.maximumConnections = 2
                $0.maximumWaiters = 1
                $0.acquireTimeout = .milliseconds(200)
            },
            { setup in
                let loop = setup.loops[0]
                // Both connections are open before they are taken.
                _ = try await setup.database.query("SELECT 1")
                let holders = (0..<2).map { _ in
                    Task(executorPreference: loop) { try await setup.database.query("SELECT pg_sleep(3)") }
                }
                // A connection shows in the server when it is taken.
                try await self.eventually {
                    try setup.admin {
                        try $0.query("SELECT 1 FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(3)'").count == 2
                    }
                }
                let waiter = Task(executorPreference: loop) { () async -> DatabaseError? in
                    await self.databaseError { _ = try await setup.database.query("SELECT 2") }
                }
                let second = Task(executorPreference: loop) { () async -> DatabaseError? in
                    await self.databaseError { _ = try await setup.database.query("SELECT 2") }
                }
                let outcomes = [await waiter.value, await second.value].map { "\($0.map(\.description) ?? "none")" }
                #expect(
                    Set(outcomes) == [DatabaseError.timeout.description, DatabaseError.overloaded.description])
                setup.database.close()
                for holder in holders { _ = await holder.result }
            })
    }

    /// Looks again and again until it is so, 10 s at most.
    private func eventually(_ condition: () throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(10)
        while try !condition() {
            try #require(ContinuousClock.now < deadline, "did not come true within 10 s")
            await Task.yield()
        }
    }

    @Test func slowStatementIsCancelledByTheServer() async throws {
        try await withDatabase(
            loops: 1,
            { $0.statementTimeout = .milliseconds(100) },
            { setup in
                let error = await self.databaseError { _ = try await setup.database.query("SELECT pg_sleep(60)") }
                #expect(error?.postgresError?.isQueryCanceled == true)
            })
    }

    /// Ends every connection but the one it is asked on, and waits until they are gone.
    private static func endOthers(_ connection: PostgresConnection) throws {
        let others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        _ = try connection.query("SELECT pg_terminate_backend(pid) \(others)")
        while try connection.query("SELECT 1 \(others)").count > 0 {}
    }

    @Test func connectionsThatDiedWhileNobodyUsedThemHarmNobody() async throws {
        try await withDatabase(loops: 1) { setup in
            _ = try await setup.database.query("DROP TABLE IF EXISTS idle")
            _ = try await setup.database.query("CREATE TABLE idle (a bigint)")
            // On the loop, which therefore has no chance to see the end of the connections before they are used again.
            let task = Task(executorPreference: setup.loops[0]) {
                var found: [Int64] = []
                for number in 1...3 as ClosedRange<Int64> {
                    try setup.admin(Self.endOthers)
                    found.append(try await setup.database.query("SELECT $1::bigint", [.int8(number)])[0].int8(0) ?? 0)
                    try setup.admin(Self.endOthers)
                    _ = try await setup.database.query("INSERT INTO idle VALUES ($1)", [.int8(number)])
                    try setup.admin(Self.endOthers)
                    try await setup.database.transaction { try await $0.query("UPDATE idle SET a = a + 10") }
                }
                let sum = try await setup.database.query("SELECT sum(a)::bigint FROM idle")[0].int8(0) ?? 0
                return found + [sum]
            }
            let found = try await task.value
            #expect(found == [1, 2, 3, 66])
        }
    }

    @Test func aReadThatLosesItsConnectionIsSentAgainAndAWriteIsNot() async throws {
        try await withDatabase(loops: 1) { setup in
            _ = try await setup.database.query("DROP TABLE IF EXISTS locked")
            _ = try await setup.database.query("CREATE TABLE locked (a bigint)")
            let holder = try PostgresConnection(connecting: setup.conninfo)
            defer { holder.close() }
            try holder.execute("BEGIN; LOCK TABLE locked")
            let reading = Task { try await setup.database.query("SELECT count(*) FROM locked")[0].int8(0) }
            let writing = Task { () async -> DatabaseError? in
                await self.databaseError { _ = try await setup.database.query("INSERT INTO locked VALUES (1)") }
            }
            let waiting = "FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%locked%'"
            try await self.eventually { try setup.admin { try $0.query("SELECT 1 \(waiting)").count == 2 } }
            try setup.admin { _ = try $0.query("SELECT pg_terminate_backend(pid) \(waiting)") }
            let error = await writing.value
            guard case .connectionLost = error else {
                Issue.record("unexpected \(String(describing: error))")
                return
            }
            try holder.execute("COMMIT")
            let count = try await reading.value
            #expect(count == 0)
        }
    }

    @Test(arguments: [
        ("SELECT 1", true), ("\n  SELECT a FROM b", true), ("WITH a AS (SELECT 1) SELECT * FROM a", true),
        ("INSERT INTO a VALUES (1)", false), ("SELECT a FROM b FOR UPDATE", false), ("SELECT nextval('a')", false),
        ("WITH a AS (DELETE FROM b RETURNING c) SELECT * FROM a", false), ("SELECT pg_notify('a', 'b')", false),
    ])
    func whatReadsIsKnownByItsText(text: String, onlyReads: Bool) {
        #expect(SQLStatement(text).onlyReads == onlyReads)
    }

    @Test func statementOfALostConnectionFails() async throws {
        try await withDatabase(loops: 1) { setup in
            let error = await self.databaseError {
                _ = try await setup.database.query("SELECT pg_terminate_backend(pg_backend_pid())")
            }
            guard case .connectionLost = error else {
                Issue.record("unexpected \(String(describing: error))")
                return
            }
            let inTransaction = await self.databaseError {
                try await setup.database.transaction { transaction in
                    _ = try? await transaction.query("SELECT pg_terminate_backend(pg_backend_pid())")
                    try await transaction.query("SELECT 1")
                }
            }
            guard case .connectionLost = inTransaction else {
                Issue.record("unexpected \(String(describing: inTransaction))")
                return
            }
            let found = try await setup.database.query("SELECT 6::bigint")[0].int8(0)
            #expect(found == 6)
            #expect(setup.metrics.render().contains("database_connections_in_use 0"))
        }
    }

    @Test func absentServerIsReportedInTime() async throws {
        try await withDatabase(
            loops: 1,
            {
                $0.conninfo = "host=/nonexistent dbname=x"
                $0.acquireTimeout = .milliseconds(100)
            },
            { setup in
                let error = await self.databaseError { _ = try await setup.database.query("SELECT 1") }
                guard case .unavailable = error else {
                    Issue.record("unexpected \(String(describing: error))")
                    return
                }
            })
    }

    @Test func closedDatabaseRefusesWork() async throws {
        try await withDatabase { setup in
            _ = try await setup.database.query("SELECT 1")
            setup.database.close()
            let error = await self.databaseError { _ = try await setup.database.query("SELECT 1") }
            guard case .closed = error else {
                Issue.record("unexpected \(String(describing: error))")
                return
            }
        }
    }

    @Test func tenantIsMadeOnThePool() async throws {
        try await withDatabase(loops: 1) { setup in
            try setup.admin { connection in
                guard try SchemaInstaller.currentVersion(on: connection) == nil else { return }
                _ = try SchemaInstaller.install(on: connection, demo: false, options: SchemaSuite.options)
            }
            var clock = EntityClock.starting()
            let creation = TenantCreation(.init(title: "Pool"), profileID: nil, clock: &clock)
            let made = creation
            try await setup.database.transaction { transaction in try await transaction.run(made.statements) }
            let rows = try await setup.database.query(
                "SELECT name FROM rule_chain WHERE tenant_id = $1 AND type = 'CORE'", [.uuid(made.tenantID)])
            #expect(rows.map { $0.text(0) } == ["Root Rule Chain"])
        }
    }
}
