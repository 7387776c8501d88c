import Messages
import Model
import Reactor
import Synchronization
import Testing

@testable import TransportCore

/// Accepts every token that does not begin with a minus, and counts what it is asked.
private final class CountingAPI: TransportAPI {
    private let state = Mutex((asked: 0, limits: [TransportLimits?]()))
    let device = DeviceInfo(
        tenantID: TenantID(.random()), deviceID: DeviceID(.random()), name: "d", type: "t",
        profileID: DeviceProfileID(.random()), customerID: .null, isGateway: false)

    var asked: Int { state.withLock { $0.asked } }

    func validate(_ request: DeviceCredentialsRequest) async -> DeviceCredentialsResponse {
        state.withLock { $0.asked += 1 }
        guard case .accessToken(let token) = request, !token.hasPrefix("-") else { return .refused }
        return .accepted(device, DeviceProfileInfo(id: device.profileID, transportType: .default))
    }

    /// What the next questions for limits are answered with.
    func answer(_ limits: [TransportLimits?]) { state.withLock { $0.limits = limits } }

    func transportLimits(_ tenant: TenantID) async -> TransportLimits? {
        state.withLock { $0.limits.isEmpty ? nil : $0.limits.removeFirst() }
    }
}

/// A clock that is set by hand.
private final class HandClock: Sendable {
    private let time = Mutex(MonotonicTime(nanoseconds: 1_000_000_000))
    var now: MonotonicTime { time.withLock { $0 } }
    func advance(_ duration: Duration) { time.withLock { $0 = $0 + duration } }
}

@Suite struct RememberedCredentialsTests {
    private let api = CountingAPI()
    private let clock = HandClock()

    private func make(memory: Duration = .seconds(1)) -> RememberedCredentials {
        let clock = clock
        return RememberedCredentials(of: api, memory: memory) { clock.now }
    }

    @Test func whoWasAcceptedIsRememberedForAMoment() async {
        let credentials = make()
        #expect(credentials.validateAtOnce(.accessToken("a")) == nil)
        _ = await credentials.validate(.accessToken("a"))
        clock.advance(.milliseconds(999))
        guard case .accepted(api.device, _) = credentials.validateAtOnce(.accessToken("a")) else {
            Issue.record("forgotten too soon")
            return
        }
        clock.advance(.milliseconds(1))
        #expect(credentials.validateAtOnce(.accessToken("a")) == nil)
        // Of the period before, and still within its time.
        _ = await credentials.validate(.accessToken("b"))
        clock.advance(.milliseconds(600))
        _ = await credentials.validate(.accessToken("c"))
        clock.advance(.milliseconds(600))
        _ = await credentials.validate(.accessToken("d"))
        #expect(credentials.validateAtOnce(.accessToken("b")) == nil)
        #expect(credentials.validateAtOnce(.accessToken("c")) != nil)
        #expect(api.asked == 4)
    }

    @Test func refusalsAreNotRemembered() async {
        let credentials = make()
        _ = await credentials.validate(.accessToken("-"))
        #expect(credentials.validateAtOnce(.accessToken("-")) == nil)
    }

    @Test func aMemoryOfZeroRemembersNobody() async {
        let credentials = make(memory: .zero)
        _ = await credentials.validate(.accessToken("a"))
        #expect(credentials.validateAtOnce(.accessToken("a")) == nil)
    }

    @Test func aChangeOfADeviceForgetsIt() async {
        let credentials = make()
        let told: [TransportNotification] = [
            .deviceUpdated(api.device), .deviceDeleted(api.device.deviceID),
            .deviceProfileDeleted(api.device.profileID),
            .tenantDeleted(api.device.tenantID),
        ]
        for notification in told {
            _ = await credentials.validate(.accessToken("a"))
            #expect(credentials.validateAtOnce(.accessToken("a")) != nil)
            credentials.receive(notification)
            #expect(credentials.validateAtOnce(.accessToken("a")) == nil)
        }
    }

    @Test func limitsThatCouldNotBeReadAreAskedForAgain() async {
        let limits = TransportRateLimits()
        let tenant = api.device.tenantID
        var known = TransportLimits(profileID: TenantProfileID(.random()))
        known.tenant.messages = "1:600"
        api.answer([nil, known])
        await limits.load(tenant, from: api)
        let profile = DeviceProfileInfo(id: api.device.profileID, transportType: .default)
        let limiter = limits.limiter(
            of: SessionInfo(nodeID: "n", sessionID: .random(), device: api.device, profile: profile))
        #expect(limiter.isUnlimited)
        await limits.load(tenant, from: api)
        #expect(!limiter.isUnlimited)
    }
}
