import Postgres
import TestSupport
import Testing

extension PostgresSuite {
    @Suite struct Copy {
        static let copy = "COPY t (id, ts, n, d, s, b) FROM STDIN (FORMAT binary)"

        private func withTable(_ body: (PostgresConnection) throws -> Void) throws {
            try PostgresSuite.withConnection { connection in
                try connection.execute(
                    "CREATE TEMP TABLE t (id uuid, ts bigint, n int, d float8, s text, b boolean, UNIQUE (id, ts))")
                try body(connection)
            }
        }

        @Test func rowsArriveAsWritten() throws {
            try withTable { connection in
                let stored = try connection.copyIn(Self.copy) { writer in
                    writer.beginRow(columns: 6)
                    writer.append(uuidHigh: 1, low: 2)
                    writer.append(Int64(3))
                    writer.append(Int32(-4))
                    writer.append(0.25)
                    writer.append(text: "ü")
                    writer.append(true)
                    writer.beginRow(columns: 6)
                    writer.append(uuidHigh: 5, low: 6)
                    for _ in 0..<5 { writer.appendNull() }
                }
                #expect(stored == 2)
                let rows = try connection.query("SELECT * FROM t ORDER BY id")
                #expect(rows[0].uuid(0)?.low == 2)
                #expect(rows[0].int8(1) == 3)
                #expect(rows[0].int4(2) == -4)
                #expect(rows[0].double(3) == 0.25)
                #expect(rows[0].text(4) == "ü")
                #expect(rows[0].bool(5) == true)
                #expect((1...5).allSatisfy { rows[1].isNull($0) })
            }
        }

        @Test func manyRowsPassThroughTheBuffer() throws {
            try withTable { connection in
                let stored = try connection.copyIn(Self.copy) { writer in
                    for index in 0..<100_000 {
                        writer.beginRow(columns: 6)
                        writer.append(uuidHigh: UInt64(index), low: 2)
                        writer.append(Int64(index))
                        for _ in 0..<4 { writer.appendNull() }
                    }
                }
                #expect(stored == 100_000)
                let sum = try connection.query("SELECT sum(ts) FROM t")[0].int8(0)
                #expect(sum == Int64(99_999 * 50_000))
            }
        }

        @Test func valueLargerThanTheBuffer() throws {
            let text = String(repeating: "0123456789", count: 350_000)
            try withTable { connection in
                try connection.copyIn(Self.copy) { writer in
                    writer.beginRow(columns: 6)
                    for _ in 0..<4 { writer.appendNull() }
                    writer.append(text: text)
                    writer.appendNull()
                }
                let found = try connection.query("SELECT s FROM t")[0]
                #expect(found.text(0) == text)
            }
        }

        @Test func violationStoresNothingAndNamesTheConstraint() throws {
            try withTable { connection in
                let error = #expect(throws: PostgresError.self) {
                    try connection.copyIn(Self.copy) { writer in
                        for _ in 0..<2 {
                            writer.beginRow(columns: 6)
                            writer.append(uuidHigh: 1, low: 1)
                            writer.append(Int64(1))
                            for _ in 0..<4 { writer.appendNull() }
                        }
                    }
                }
                #expect(error?.isUniqueViolation == true)
                #expect(error?.constraint == "t_id_ts_key")
                let found = try connection.query("SELECT count(*) FROM t")[0]
                #expect(found.int8(0) == 0)
            }
        }

        @Test func throwingBodyAbandonsTheCopy() throws {
            try withTable { connection in
                let stop = PostgresError(message: "stop")
                let error = #expect(throws: PostgresError.self) {
                    try connection.copyIn(Self.copy) { writer throws(PostgresError) in
                        writer.beginRow(columns: 6)
                        for _ in 0..<6 { writer.appendNull() }
                        throw stop
                    }
                }
                #expect(error == stop)
                let found = try connection.query("SELECT count(*) FROM t")[0]
                #expect(found.int8(0) == 0)
            }
        }

        @Test func copyIsPartOfATransaction() throws {
            struct Stop: Error {}
            try withTable { connection in
                try? connection.transaction {
                    try connection.copyIn(Self.copy) { writer in
                        writer.beginRow(columns: 6)
                        for _ in 0..<6 { writer.appendNull() }
                    }
                    throw Stop()
                }
                let found = try connection.query("SELECT count(*) FROM t")[0]
                #expect(found.int8(0) == 0)
            }
        }
    }
}
