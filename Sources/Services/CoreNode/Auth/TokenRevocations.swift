internal import Model
internal import Storage
internal import Synchronization

/// Tokens that are over before they expire: of sessions that logged out, and of users who changed their password, were
/// disabled or deleted (`rest-api.md` 1.5).
///
/// They are kept in the database, so that they survive a restart and hold on every node; requests look into memory only.
/// A revocation holds here at once and elsewhere when ``readNew()`` has run there, which other nodes are told to do. An entry is forgotten when every token
/// that it concerns has expired by itself.
final class TokenRevocations: Sendable {
    private struct State {
        var entries: [UUID128: TokenRevocation] = [:]
        var sequence: Int64 = 0
        var nextSweep: Int64 = 0
    }

    /// Entries of transactions that were open when a later one was read: read again from so far before.
    private static let overlap: Int64 = 100
    /// Seconds.
    private static let sweepInterval: Int64 = 600

    private let state = Mutex(State())
    private let database: any StatementRunner
    private let codec: TokenCodec
    private let events: any DeviceEvents

    /// - Parameter events: Where other nodes are told of revocations.
    init(database: any StatementRunner, codec: TokenCodec, events: any DeviceEvents = NoDeviceEvents()) {
        self.database = database
        self.codec = codec
        self.events = events
    }

    /// Ends a session.
    func revoke(session: UUID128, now: Int64) async throws { try await add(session, issuedBefore: .max, now) }

    /// Ends all tokens that `user` has been given, also those of the current second: later ones are to be issued at
    /// ``firstIssue(for:now:)``.
    func revokeAll(of user: UserID, now: Int64) async throws {
        try await add(user.uuid, issuedBefore: now / 1000 + 1, now)
    }

    /// When a token for `user` that is made now counts as issued: now, or up to a second later where all tokens of the
    /// current second were ended. In milliseconds since 1970.
    func firstIssue(for user: UserID, now: Int64) -> Int64 {
        let first = state.withLock { $0.entries[user.uuid]?.issuedBefore } ?? 0
        return first > now / 1000 && first <= now / 1000 + 1 ? first * 1000 : now
    }

    private func add(_ subject: UUID128, issuedBefore: Int64, _ now: Int64) async throws {
        let settings = codec.settings
        let lifetime = max(settings.accessLifetime, settings.refreshLifetime)
        let entry = TokenRevocation(subject: subject, issuedBefore: issuedBefore, expiry: now / 1000 + lifetime)
        take([entry])
        try await TokenRevocationRepository(database).save(entry)
        await events.post(.securityChanged)
    }

    /// - Parameter issuedAt: Seconds since 1970.
    func isRevoked(user: UserID, session: UUID128, issuedAt: Int64) -> Bool {
        state.withLock { state in
            for subject in [session, user.uuid] {
                if let entry = state.entries[subject], issuedAt < entry.issuedBefore { return true }
            }
            return false
        }
    }

    /// Reads what was revoked since the last time.
    func readNew() async throws {
        let after = state.withLock { $0.sequence - Self.overlap }
        take(try await TokenRevocationRepository(database).read(after: after))
    }

    /// Forgets what no token needs any more.
    func sweep(now: Int64) async throws {
        let seconds = now / 1000
        let isDue = state.withLock { state in
            guard seconds >= state.nextSweep else { return false }
            state.nextSweep = seconds + Self.sweepInterval
            state.entries = state.entries.filter { $0.value.expiry >= seconds }
            return true
        }
        if isDue { try await TokenRevocationRepository(database).deleteExpired(now: seconds) }
    }

    private func take(_ entries: [TokenRevocation]) {
        state.withLock { state in
            for entry in entries {
                state.sequence = max(state.sequence, entry.sequence)
                if let known = state.entries[entry.subject], known.issuedBefore >= entry.issuedBefore { continue }
                state.entries[entry.subject] = entry
            }
        }
    }
}
