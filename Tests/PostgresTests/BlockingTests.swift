import Postgres
import TestSupport
import Testing

extension PostgresSuite {
    @Suite struct Blocking {
        @Test func everyTypeRoundTrips() throws {
            try PostgresSuite.withConnection { connection in
                let rows = try connection.query(
                    """
                    SELECT $1::boolean AS b, $2::int AS i, $3::bigint AS l, $4::float8 AS d, $5::text AS t,
                        $6::json AS j, $7::jsonb AS jb, $8::uuid AS u, $9::bytea AS y, $10::text AS n
                    """,
                    [
                        true, .int4(-5), .int8(.min), .double(-0.5), .text("grüße 🐦"), .json("{\"a\":1}"),
                        .jsonb("{\"b\": [1]}"), .uuid(high: 0x1381_4000_1DD2_11B2, low: 0x8080_8080_8080_8080),
                        .bytes([0, 1, 255]), .null,
                    ])
                let row = rows[0]
                #expect(rows.count == 1)
                #expect(row.bool("b") == true)
                #expect(row.int4("i") == -5)
                #expect(row.int8("l") == .min)
                #expect(row.double("d") == -0.5)
                #expect(row.text("t") == "grüße 🐦")
                #expect(row.text("j") == "{\"a\":1}")
                #expect(row.text("jb") == "{\"b\": [1]}")
                #expect(row.uuid("u")?.high == 0x1381_4000_1DD2_11B2)
                #expect(row.uuid("u")?.low == 0x8080_8080_8080_8080)
                #expect(row.bytes("y") == [0, 1, 255])
                #expect(row.isNull("n"))
                #expect(row.text("n") == nil)
            }
        }

        @Test func emptyTextIsNotNull() throws {
            try PostgresSuite.withConnection { connection in
                let found = try connection.query("SELECT $1::text", [""])[0]
                #expect(found.text(0) == "")
            }
        }

        @Test func arraysKeepOrderAndNulls() throws {
            try PostgresSuite.withConnection { connection in
                var doubles = PostgresArray(of: .float8)
                doubles.append(1.5)
                doubles.appendNull()
                let rows = try connection.query(
                    "SELECT * FROM unnest($1::bigint[], $2::text[], $3::float8[]) AS t(a, b, c)",
                    [.int8Array([7, -8]), .textArray(["x", ""]), .array(doubles)])
                #expect(rows.map { $0.int8(0) } == [7, -8])
                #expect(rows.map { $0.text(1) } == ["x", ""])
                #expect(rows.map { $0.double(2) } == [1.5, nil])
            }
        }

        @Test func everyElementTypeIsAccepted() throws {
            try PostgresSuite.withConnection { connection in
                var booleans = PostgresArray(of: .bool)
                booleans.append(true)
                var documents = PostgresArray(of: .jsonb)
                documents.append(text: "{}")
                var plain = PostgresArray(of: .json)
                plain.append(text: "[]")
                let row = try connection.query(
                    "SELECT ($1::uuid[])[1], ($2::int[])[1], ($3::boolean[])[1], ($4::jsonb[])[1], ($5::json[])[1]",
                    [.uuidArray([(1, 2)]), .int4Array([3]), .array(booleans), .array(documents), .array(plain)])[0]
                #expect(row.uuid(0)?.low == 2)
                #expect(row.int4(1) == 3)
                #expect(row.bool(2) == true)
                #expect(row.text(3) == "{}")
                #expect(row.text(4) == "[]")
            }
        }

        @Test func emptyArrayMatchesNothing() throws {
            try PostgresSuite.withConnection { connection in
                let rows = try connection.query("SELECT 1 WHERE 1 = ANY($1::bigint[])", [.int8Array([])])
                #expect(rows.isEmpty)
            }
        }

        @Test(arguments: [
            ("0", 0.0), ("1", 1), ("-1", -1), ("10000", 10000), ("123456789.125", 123_456_789.125), ("0.0001", 0.0001),
            ("-0.5", -0.5), ("1e20", 1e20),
        ])
        func numericReadsAsDouble(_ text: String, _ value: Double) throws {
            try PostgresSuite.withConnection { connection in
                let found = try connection.query("SELECT $1::text::numeric", [.text(text)])[0]
                #expect(found.double(0) == value)
            }
        }

        @Test(arguments: [
            ("0", 0), ("9223372036854775807", Int64.max), ("-9223372036854775808", Int64.min), ("120000", 120_000),
            ("9223372036854775808", nil), ("1.5", nil), ("7.000", 7),
        ])
        func numericReadsAsIntegerWhereItFits(_ text: String, _ value: Int64?) throws {
            try PostgresSuite.withConnection { connection in
                let found = try connection.query("SELECT $1::text::numeric", [.text(text)])[0]
                #expect(found.int8(0) == value)
            }
        }

        @Test func errorCarriesStateAndConstraint() throws {
            try PostgresSuite.withConnection { connection in
                try connection.execute("CREATE TEMP TABLE t (name text CONSTRAINT t_name_key UNIQUE)")
                try connection.query("INSERT INTO t VALUES ($1)", ["a"])
                let error = #expect(throws: PostgresError.self) {
                    try connection.query("INSERT INTO t VALUES ($1)", ["a"])
                }
                #expect(error?.sqlState == "23505")
                #expect(error?.isUniqueViolation == true)
                #expect(error?.constraint == "t_name_key")
                #expect(error?.isConnectionFailure == false)
                #expect(error?.description.contains("(name)=(a)") == false)
                // The connection goes on.
                let found = try connection.query("SELECT count(*) FROM t")[0]
                #expect(found.int8(0) == 1)
            }
        }

        @Test func valuesAreNeverPartOfTheStatement() throws {
            try PostgresSuite.withConnection { connection in
                let hostile = "'); DROP TABLE t; --"
                let found = try connection.query("SELECT $1::text", [.text(hostile)])[0]
                #expect(found.text(0) == hostile)
            }
        }

        @Test func nullFirstThenValueUsesTheSameStatementText() throws {
            try PostgresSuite.withConnection { connection in
                try connection.execute("CREATE TEMP TABLE t (a bigint, b text)")
                let sql = "INSERT INTO t VALUES ($1, $2)"
                try connection.query(sql, [.null, .null])
                try connection.query(sql, [.int8(5), .null])
                try connection.query(sql, [.null, "x"])
                // An int4 for the same place is another statement, not a misread value.
                try connection.query(sql, [.int4(6), "y"])
                let rows = try connection.query("SELECT a FROM t ORDER BY a NULLS FIRST")
                #expect(rows.map { $0.int8(0) } == [nil, nil, 5, 6])
                let prepared = try connection.query(
                    "SELECT count(*) FROM pg_prepared_statements WHERE statement = $1", [.text(sql)])
                #expect(prepared[0].int8(0) == 4)
            }
        }

        @Test func unpreparedConnectionKeepsNoStatements() throws {
            let connection = try PostgresConnection(
                connecting: try PostgresSuite.database.get(), preparesStatements: false)
            defer { connection.close() }
            let sum = try connection.query("SELECT $1::bigint + 1", [.int8(1)])[0]
            #expect(sum.int8(0) == 2)
            let prepared = try connection.query("SELECT count(*) FROM pg_prepared_statements")[0]
            #expect(prepared.int8(0) == 0)
        }

        private struct Stop: Error {}

        private func insert(_ value: Int32, into connection: PostgresConnection, thenThrow: Bool) throws {
            try connection.transaction {
                try connection.query("INSERT INTO t VALUES ($1)", [.int4(value)])
                if thenThrow { throw Stop() }
            }
        }

        @Test func failingBodyRollsBack() throws {
            try PostgresSuite.withConnection { connection in
                try connection.execute("CREATE TEMP TABLE t (a int)")
                #expect(throws: Stop.self) { try insert(1, into: connection, thenThrow: true) }
                #expect(!connection.isInTransaction)
                try insert(2, into: connection, thenThrow: false)
                #expect(try connection.query("SELECT a FROM t").map { $0.int4(0) } == [2])
            }
        }

        @Test func swallowedFailureDoesNotCommitSilently() throws {
            try PostgresSuite.withConnection { connection in
                #expect(throws: PostgresError.self) {
                    try connection.transaction {
                        _ = try? connection.query("SELECT 1 / 0")
                    }
                }
                #expect(!connection.isInTransaction)
            }
        }

        @Test func noticesReachTheHook() throws {
            try PostgresSuite.withConnection { connection in
                var notices: [PostgresNotice] = []
                connection.onNotice = { notices.append($0) }
                try connection.execute("DO $$ BEGIN RAISE WARNING 'careful'; END $$")
                #expect(notices.map(\.message) == ["careful"])
                #expect(notices.first?.severity == "WARNING")
            }
        }

        @Test func unreachableServerIsAConnectionFailure() {
            let error = #expect(throws: PostgresError.self) {
                _ = try PostgresConnection(connecting: "host=/nonexistent dbname=x")
            }
            #expect(error?.isConnectionFailure == true)
        }

        @Test func endedSessionIsAConnectionFailure() throws {
            try PostgresSuite.withConnection { connection in
                try PostgresSuite.withConnection { other in
                    try other.query("SELECT pg_terminate_backend($1)", [.int4(connection.backendProcessID)])
                }
                let error = #expect(throws: PostgresError.self) { try connection.query("SELECT 1") }
                #expect(error?.isConnectionFailure == true)
                #expect(!connection.isOpen)
            }
        }

        @Test func closedConnectionThrows() throws {
            let connection = try PostgresConnection(connecting: try PostgresSuite.database.get())
            connection.close()
            connection.close()
            let error = #expect(throws: PostgresError.self) { try connection.query("SELECT 1") }
            #expect(error?.isConnectionFailure == true)
        }
    }
}
