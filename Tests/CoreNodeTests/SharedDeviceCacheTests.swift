import Cache
import JSON
import Messages
import Metrics
import Model
import Testing

@testable import CoreNode
@testable import Storage

@Suite struct SharedDeviceCacheTests {
    private let cache: SharedDeviceCache

    init() {
        cache = SharedDeviceCache(store: InProcessCacheStore(CacheConfiguration(), metrics: MetricsRegistry()))
    }

    private func device(_ name: String) -> DeviceLookupResult {
        DeviceLookupResult(
            credentialsType: "MQTT_BASIC", credentialsValue: #"{"password":"p"}"#, tenantID: TenantID(.random()),
            deviceID: DeviceID(.random()), name: name, type: "default", customerID: CustomerID(.random()),
            isGateway: true,
            overwritesActivityTime: true, credentialsVersion: 7,
            profile: TransportProfile(
                id: DeviceProfileID(.random()), transportType: "MQTT",
                transportConfiguration: ["deviceTelemetryTopic": "a/+"], ruleChainID: RuleChainID(.random()),
                queueName: "Main"))
    }

    @Test func devicesAreFoundAsTheyWereFilled() async throws {
        let wanted = device("d")
        #expect(await cache.device(credentialsID: "c") == nil)
        await cache.fill(wanted, credentialsID: "c")
        let found = try #require(await cache.device(credentialsID: "c"))
        #expect(String(describing: found) == String(describing: wanted))
        #expect(found.profile.transportConfiguration["deviceTelemetryTopic"] == "a/+")
    }

    @Test func aChangedDeviceOrProfileIsReadAnew() async {
        let found = device("d")
        await cache.fill(found, credentialsID: "c")
        await cache.evict(found.deviceID)
        #expect(await cache.device(credentialsID: "c") == nil)
        let other = device("e")
        await cache.fill(other, credentialsID: "e")
        await cache.evict(other.profile.id)
        #expect(await cache.device(credentialsID: "e") == nil)
    }

    @Test func formerCredentialsLetNobodyIn() async throws {
        let found = device("d")
        await cache.fill(found, credentialsID: "old")
        await cache.fill(found, credentialsID: "new")
        // The device's entry still says "old" until it is evicted, as it is when its credentials change.
        #expect(await cache.device(credentialsID: "new") == nil)
        await cache.evict(found.deviceID)
        #expect(await cache.device(credentialsID: "old") == nil)
    }

    @Test func credentialsCanMoveToAnotherDevice() async throws {
        let (first, second) = (device("first"), device("second"))
        await cache.fill(first, credentialsID: "c")
        await cache.evict(first.deviceID)
        await cache.fill(second, credentialsID: "c")
        #expect(await cache.device(credentialsID: "c")?.name == "second")
    }
}

@Suite struct StoredSessionTests {
    @Test func sessionsSurviveBeingStored() throws {
        let session = DeviceSession(
            id: .random(), nodeID: "tb-mqtt-transport-0", type: .async, isSubscribedToAttributes: true,
            isSubscribedToRPC: false, lastActivityTime: 5)
        let found = try #require(DeviceSession.list(DeviceSession.text(of: [session])).first)
        #expect(String(describing: found) == String(describing: session))
    }

    @Test func aSessionLivesAsLongAsItsDeviceIsActive() {
        let session = DeviceSession(id: .random(), nodeID: "n", type: .async, lastActivityTime: 1000)
        #expect(DeviceSession.alive([session], lastActivity: 9000, after: 8000).map(\.lastActivityTime) == [9000])
        #expect(DeviceSession.alive([session], lastActivity: 0, after: 999).map(\.lastActivityTime) == [1000])
        #expect(DeviceSession.alive([session], lastActivity: 7000, after: 8000).isEmpty)
    }

    @Test(arguments: ["", "{}", "[1]", #"[{"id":"x","nodeId":"n","lastActivityTime":1}]"#, #"[{"nodeId":"n"}]"#])
    func whatCannotBeReadIsLeftOut(_ text: String) {
        #expect(DeviceSession.list(Array(text.utf8)).isEmpty)
    }
}
