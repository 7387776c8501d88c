public import Model
internal import Postgres

/// A user or session whose tokens are over before they expire.
public struct TokenRevocation: Sendable {
    /// A user's id or a session's.
    public var subject: UUID128
    /// Tokens issued before are over; seconds since 1970. `Int64.max` for all of them.
    public var issuedBefore: Int64
    /// When the last token that it concerns has expired by itself, seconds since 1970.
    public var expiry: Int64
    /// Order of the entries, for readers that read on.
    public var sequence: Int64

    public init(subject: UUID128, issuedBefore: Int64, expiry: Int64, sequence: Int64 = 0) {
        self.subject = subject
        self.issuedBefore = issuedBefore
        self.expiry = expiry
        self.sequence = sequence
    }
}

/// Revoked tokens, kept where restarts and other nodes find them.
public struct TokenRevocationRepository: Sendable {
    private let runner: any StatementRunner

    public init(_ runner: any StatementRunner) { self.runner = runner }

    public func save(_ revocation: TokenRevocation) async throws {
        _ = try await runner.query(
            """
            INSERT INTO token_revocation (subject, issued_before, expiry, sequence)
            VALUES ($1, $2, $3, nextval('token_revocation_seq'))
            ON CONFLICT (subject) DO UPDATE SET issued_before = greatest(
                token_revocation.issued_before, excluded.issued_before),
                expiry = greatest(token_revocation.expiry, excluded.expiry), sequence = excluded.sequence
            """, [.id(revocation.subject), .int8(revocation.issuedBefore), .int8(revocation.expiry)])
    }

    /// Entries behind `sequence`. Those of transactions that were open meanwhile may come late: read a little again.
    public func read(after sequence: Int64) async throws -> [TokenRevocation] {
        try await runner.query(
            "SELECT subject, issued_before, expiry, sequence FROM token_revocation WHERE sequence > $1 ORDER BY sequence",
            [.int8(sequence)]
        ).map { row in
            TokenRevocation(
                subject: row.id(0) ?? .null, issuedBefore: row.int8(1) ?? 0, expiry: row.int8(2) ?? 0,
                sequence: row.int8(3) ?? 0)
        }
    }

    public func deleteExpired(now seconds: Int64) async throws {
        _ = try await runner.query("DELETE FROM token_revocation WHERE expiry < $1", [.int8(seconds)])
    }
}
