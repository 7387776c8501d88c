internal import Model
internal import Synchronization

/// Tokens that are over before they expire: of sessions that logged out, and of users who changed their password, were
/// disabled or deleted (`rest-api.md` 1.5).
///
/// An entry is forgotten when every token that it concerns has expired by itself.
final class TokenRevocations: Sendable {
    private struct State {
        var sessions: [UUID128: Int64] = [:]
        /// Tokens issued before that second are over.
        var users: [UserID: Int64] = [:]
        var nextSweep: Int64 = 0
    }

    private let state = Mutex(State())
    /// Seconds that the longest-living token lives.
    private let lifetime: Int64

    init(lifetime: Int64) { self.lifetime = lifetime }

    func revoke(session: UUID128, now: Int64) {
        update(now) { $0.sessions[session] = now / 1000 }
    }

    /// Ends all tokens that `user` has been given before the current second.
    func revokeAll(of user: UserID, now: Int64) {
        update(now) { $0.users[user] = now / 1000 }
    }

    /// - Parameter issuedAt: Seconds since 1970.
    func isRevoked(user: UserID, session: UUID128, issuedAt: Int64) -> Bool {
        state.withLock { state in
            if state.sessions[session] != nil { return true }
            guard let limit = state.users[user] else { return false }
            return issuedAt < limit
        }
    }

    private func update(_ now: Int64, _ change: (inout State) -> Void) {
        let seconds = now / 1000
        state.withLock { state in
            change(&state)
            guard seconds >= state.nextSweep else { return }
            state.nextSweep = seconds + 600
            state.sessions = state.sessions.filter { $0.value + lifetime > seconds }
            state.users = state.users.filter { $0.value + lifetime > seconds }
        }
    }
}
