import Model
import Testing

@testable import CoreNode

/// Devices that are read when a node becomes their owner (`cluster.md` 5.1).
@Suite struct StateRestorationTests {
    @Test func whatIsGivenUpMeanwhileIsNotTakenUp() {
        let devices = (0..<4).map { _ in DeviceID(.random()) }
        let restoration = StateRestoration { devices[0...2].contains($0) }
        #expect(devices.filter(restoration.isOwned) == Array(devices[0...2]))
        restoration.narrow(to: { $0 != devices[1] })
        #expect(devices.filter(restoration.isOwned) == [devices[0], devices[2]])
        // It is this node's again: who owns it anew reads it anew.
        restoration.narrow(to: { _ in true })
        #expect(devices.filter(restoration.isOwned) == [devices[0], devices[2]])
    }
}
