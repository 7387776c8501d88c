import Glibc
import Postgres
import TestSupport
import Testing

extension PostgresSuite {
    @Suite struct Pipeline {
        typealias Reply = Result<PostgresResult, PostgresError>

        /// Drives the connection as a loop would until `count` replies came.
        private func replies(_ count: Int, of connection: PostgresConnection) throws -> [Reply] {
            var replies: [Reply] = []
            while replies.count < count {
                let interest = try connection.flush()
                var event = pollfd(
                    fd: connection.descriptor,
                    events: Int16(interest.contains(.write) ? POLLIN | POLLOUT : POLLIN), revents: 0)
                try #require(poll(&event, 1, 10_000) == 1, "no reply within 10 s")
                if event.revents & Int16(POLLIN) != 0 { try connection.consumeInput() }
                while let reply = try connection.nextReply() { replies.append(reply) }
            }
            return replies
        }

        private func withPipeline(_ body: (PostgresConnection) throws -> Void) throws {
            try PostgresSuite.withConnection { connection in
                try connection.enterPipeline()
                try body(connection)
            }
        }

        @Test func repliesComeInOrder() throws {
            try withPipeline { connection in
                for number in 0..<50 { try connection.send("SELECT $1::bigint", [.int8(Int64(number))]) }
                #expect(connection.pendingReplies == 50)
                let numbers = try replies(50, of: connection).map { try $0.get()[0].int8(0) }
                #expect(numbers == (0..<50).map { Int64($0) })
                #expect(connection.pendingReplies == 0)
            }
        }

        @Test func statementIsPreparedOnce() throws {
            try withPipeline { connection in
                for _ in 0..<3 {
                    try connection.send("SELECT $1::text", ["x"])
                    #expect(try replies(1, of: connection)[0].get()[0].text(0) == "x")
                }
                try connection.send("SELECT count(*) FROM pg_prepared_statements WHERE statement = 'SELECT $1::text'")
                #expect(try replies(1, of: connection)[0].get()[0].int8(0) == 1)
            }
        }

        @Test func failureDoesNotHarmTheNext() throws {
            try withPipeline { connection in
                try connection.send("SELECT 1 / $1::int", [.int4(0)])
                try connection.send("SELEKT")
                try connection.send("SELECT 3::bigint")
                let all = try replies(3, of: connection)
                #expect(throws: PostgresError.self) { try all[0].get() }
                let syntax = #expect(throws: PostgresError.self) { try all[1].get() }
                #expect(syntax?.sqlState == "42601")
                #expect(try all[2].get()[0].int8(0) == 3)
            }
        }

        @Test func transactionSpansExchanges() throws {
            try withPipeline { connection in
                try connection.send("CREATE TEMP TABLE t (a int)")
                try connection.send("BEGIN")
                try connection.send("INSERT INTO t VALUES (1)")
                try connection.send("ROLLBACK")
                try connection.send("SELECT count(*) FROM t")
                #expect(try replies(5, of: connection)[4].get()[0].int8(0) == 0)
            }
        }

        @Test func largeStatementsAndResultsDoNotBlock() throws {
            let text = String(repeating: "x", count: 3_000_000)
            try withPipeline { connection in
                for _ in 0..<4 { try connection.send("SELECT $1::text", [.text(text)]) }
                for reply in try replies(4, of: connection) { #expect(try reply.get()[0].text(0) == text) }
            }
        }

        @Test func lostServerIsNoticedWhileIdle() throws {
            try withPipeline { connection in
                try PostgresSuite.withConnection { other in
                    try other.query("SELECT pg_terminate_backend($1)", [.int4(connection.backendProcessID)])
                }
                var event = pollfd(fd: connection.descriptor, events: Int16(POLLIN), revents: 0)
                try #require(poll(&event, 1, 10_000) == 1)
                let error = #expect(throws: PostgresError.self) {
                    // The farewell and the end of the stream may arrive separately.
                    for _ in 0..<3 {
                        try connection.consumeInput()
                        _ = try connection.nextReply()
                        _ = poll(&event, 1, 1000)
                    }
                }
                #expect(error?.isConnectionFailure == true)
            }
        }
    }
}
