import Testing

@testable import LoadTester

@Suite struct GatewayPlanTests {
    @Test(arguments: [(1, 1), (1, 7), (3, 10), (5, 5)])
    func everyDeviceIsBehindOneGatewayAndHasItsTurn(_ gateways: Int, _ devices: Int) {
        let plan = GatewayPlan(gateways: 4..<(4 + gateways), devices: 100..<(100 + devices))
        var seen: [Int: Int] = [:]
        for gateway in 0..<gateways {
            let children = plan.childCount(of: gateway)
            let turn = (0..<children).map { plan.device(gateway: gateway, message: $0) }
            #expect(Set(turn).count == children)
            #expect((children..<(2 * children)).map { plan.device(gateway: gateway, message: $0) } == turn)
            for device in turn { seen[device, default: 0] += 1 }
        }
        #expect(seen == Dictionary(uniqueKeysWithValues: (100..<(100 + devices)).map { ($0, 1) }))
    }
}
