import Messages
import Model
import Reactor
import Testing

@testable import TransportCore

private func at(_ seconds: Double) -> MonotonicTime {
    MonotonicTime(nanoseconds: 1_000_000_000_000 + UInt64(seconds * 1e9))
}

@Suite struct TokenBucketsTests {
    private func taken(_ text: String, _ takes: [(Int, Double)]) throws -> [Bool] {
        var buckets = try #require(TokenBuckets(text, now: at(0)))
        return takes.map { buckets.take($0.0, now: at($0.1)) }
    }

    @Test func allBucketsMustHaveEnough() throws {
        // After a second the first is full again, and the second holds one and a bit.
        let results = try taken("2:1,3:60", [(2, 0), (1, 0), (1, 1), (1, 2), (1, 21)])
        #expect(results == [true, false, true, false, true])
    }

    @Test func theyFillUpContinuously() throws {
        let results = try taken("10:1", [(10, 0), (1, 0.05), (1, 0.1), (10, 60), (11, 600)])
        #expect(results == [true, false, true, true, false])
    }

    @Test(arguments: ["", "x", "5", "5:", ":5", "0:1", "1:0", "-1:1", "1:1,x"])
    func otherTextsAreNoLimit(_ text: String) {
        #expect(TokenBuckets(text, now: at(0)) == nil)
    }
}

@Suite struct LimitGroupTests {
    @Test func unchangedLimitsKeepTheirState() {
        let group = LimitGroup(.init(messages: "1:60", telemetryMessages: "1:60"), now: at(0))
        #expect(group.admits(.message, now: at(0)))
        #expect(group.admits(TransportLoad(telemetryMessages: 1, dataPoints: 5), now: at(0)))
        group.update(.init(messages: "1:60", telemetryMessages: "5:60"), now: at(0))
        #expect(!group.admits(.message, now: at(0)))
        #expect(group.admits(TransportLoad(telemetryMessages: 1, dataPoints: 5), now: at(0)))
    }

    @Test func aTenantOfAnotherProfileIsNotConcerned() {
        let limits = TransportRateLimits()
        let (one, two) = (TenantID(.random()), TenantID(.random()))
        let (first, second) = (TenantProfileID(.random()), TenantProfileID(.random()))
        limits.set(TransportLimits(profileID: first), of: one)
        limits.set(TransportLimits(profileID: second), of: two)
        func limiter(_ tenant: TenantID) -> SessionLimiter {
            let profile = DeviceProfileInfo(id: DeviceProfileID(.random()), transportType: .default)
            let device = DeviceInfo(
                tenantID: tenant, deviceID: DeviceID(.random()), name: "d", type: "t", profileID: profile.id,
                customerID: .null, isGateway: false)
            return limits.limiter(
                of: SessionInfo(nodeID: "n", sessionID: .random(), device: device, profile: profile))
        }
        let (a, b) = (limiter(one), limiter(two))
        var changed = TransportLimits(profileID: first)
        changed.tenant.messages = "1:600"
        limits.receive(.tenantProfileUpdated(first, changed))
        #expect(!a.isUnlimited && b.isUnlimited)
        #expect(a.admits(.message, now: .now()))
        #expect(!a.admits(.message, now: .now()))
        #expect(!limiter(one).admits(.message, now: .now()))
        limits.receive(.tenantProfileUpdated(first, TransportLimits(profileID: first)))
        #expect(a.isUnlimited)
    }
}
