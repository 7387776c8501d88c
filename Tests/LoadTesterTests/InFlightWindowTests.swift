import Testing

@testable import LoadTester

@Suite struct InFlightWindowTests {
    private func filled(_ count: Int, limit: Int) -> (InFlightWindow, [UInt16]) {
        var window = InFlightWindow(limit: limit)
        let identifiers = (0..<count).map {
            window.append(timestamp: Int64($0), due: UInt64($0), isAlarm: false, isMeasured: true).packetIdentifier
        }
        return (window, identifiers)
    }

    @Test func acknowledgementsFreePlaces() {
        var (window, identifiers) = filled(3, limit: 3)
        #expect(window.isFull)
        #expect(window.acknowledge(identifiers[0])?.timestamp == 0)
        #expect(!window.isFull)
        #expect(window.count == 2)
    }

    @Test func acknowledgementsMayComeInAnyOrder() {
        var (window, identifiers) = filled(4, limit: 4)
        #expect(window.acknowledge(identifiers[2])?.timestamp == 2)
        #expect(window.acknowledge(identifiers[1])?.timestamp == 1)
        #expect(window.isFull, "the oldest message still holds its place and those behind it")
        #expect(window.acknowledge(identifiers[0])?.timestamp == 0)
        #expect(window.count == 1)
        #expect(window.acknowledgeOldest()?.timestamp == 3)
        #expect(window.count == 0)
    }

    @Test func aSecondAcknowledgementFindsNothing() {
        var (window, identifiers) = filled(2, limit: 4)
        #expect(window.acknowledge(identifiers[1]) != nil)
        #expect(window.acknowledge(identifiers[1]) == nil)
        #expect(window.acknowledge(999) == nil)
        #expect(window.acknowledge(0) == nil)
    }

    @Test func identifiersGoRoundAndAreNeverZero() {
        var window = InFlightWindow(limit: 2)
        var seen: Set<UInt16> = []
        for _ in 0..<70_000 {
            let message = window.append(timestamp: 0, due: 0, isAlarm: false, isMeasured: true)
            let identifier = message.packetIdentifier
            seen.insert(identifier)
            #expect(window.acknowledge(identifier) != nil)
        }
        #expect(seen.count == 65_535)
        #expect(!seen.contains(0))
    }

    @Test func aNewConnectionGetsEverythingUnacknowledgedInOrder() {
        var (window, identifiers) = filled(4, limit: 4)
        _ = window.acknowledge(identifiers[1])
        let sent = window.renumber()
        #expect(sent.map(\.timestamp) == [0, 2, 3])
        #expect(Set(sent.map(\.packetIdentifier)).isDisjoint(with: identifiers))
        #expect(window.acknowledge(sent[1].packetIdentifier)?.timestamp == 2)
    }
}
