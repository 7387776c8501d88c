import Logging
import Model
import Storage
import Synchronization
import TestSupport
import Testing

@testable import CoreNode

/// Tokens that are over before they expire, on two nodes of one platform.
@Suite(.enabled(if: TestDatabase.isAvailable, "PostgreSQL is not installed"), .serialized)
struct RevocationTests {
    private let database: OneConnection
    private let here: TokenRevocations
    private let there: TokenRevocations
    private let now: Int64 = CurrentTime.milliseconds
    private let user = UserID(.random())
    private let session = UUID128.random()

    init() async throws {
        database = try await TestService().database
        let codec = TokenCodec(TokenSettings(signingKey: [UInt8](repeating: 1, count: 64)))
        here = TokenRevocations(database: database, codec: codec)
        there = TokenRevocations(database: database, codec: codec)
    }

    @Test func aLogoutEndsTheSessionAndNoOther() async throws {
        try await here.revoke(session: session, now: now)
        #expect(here.isRevoked(user: user, session: session, issuedAt: now / 1000))
        #expect(!here.isRevoked(user: user, session: .random(), issuedAt: now / 1000))
    }

    @Test func endingAllTokensOfAUserSparesThoseIssuedLater() async throws {
        try await here.revokeAll(of: user, now: now)
        #expect(here.isRevoked(user: user, session: session, issuedAt: now / 1000))
        let next = here.firstIssue(for: user, now: now)
        #expect(next / 1000 == now / 1000 + 1)
        #expect(!here.isRevoked(user: user, session: session, issuedAt: next / 1000))
        #expect(here.firstIssue(for: user, now: next + 1) == next + 1)
        #expect(here.firstIssue(for: UserID(.random()), now: now) == now)
        #expect(!here.isRevoked(user: UserID(.random()), session: session, issuedAt: 0))
    }

    @Test func anotherNodeLearnsOfIt() async throws {
        try await there.readNew()
        try await here.revoke(session: session, now: now)
        #expect(!there.isRevoked(user: user, session: session, issuedAt: 0))
        try await there.readNew()
        #expect(there.isRevoked(user: user, session: session, issuedAt: 0))
    }

    @Test func anotherNodeThatIsToldLooksAtOnce() async throws {
        let codec = TokenCodec(TokenSettings(signingKey: [UInt8](repeating: 1, count: 64)))
        let recorder = Recorder()
        let told = TokenRevocations(database: database, codec: codec, events: recorder)
        // By itself it would look in an hour.
        let refresh = SecurityRefresh(
            codec: codec, revocations: there, database: database, logger: .disabled, interval: .seconds(3600))
        for count in 1...3 {
            let session = UUID128.random()
            try await told.revoke(session: session, now: now)
            #expect(
                recorder.events.withLock { $0.count } == count, "the others are told when it is stored")
            refresh.wake()
            refresh.wake()
            try await eventually { there.isRevoked(user: user, session: session, issuedAt: 0) }
        }
        await refresh.stop()
        refresh.wake()
    }

    @Test func aRestartForgetsNothingAndAnExpiredOneIsForgotten() async throws {
        try await here.revoke(session: session, now: now)
        let restarted = TokenRevocations(
            database: database, codec: TokenCodec(TokenSettings(signingKey: [UInt8](repeating: 1, count: 64))))
        try await restarted.readNew()
        #expect(restarted.isRevoked(user: user, session: session, issuedAt: now / 1000))
        try await restarted.sweep(now: now + 604_900_000)
        #expect(!restarted.isRevoked(user: user, session: session, issuedAt: now / 1000))
        try await there.readNew()
        #expect(!there.isRevoked(user: user, session: session, issuedAt: now / 1000))
    }
}
