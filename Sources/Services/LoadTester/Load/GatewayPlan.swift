/// Gateways that send for the devices (`device-api.md` 3): device `d`, counted from the first, is behind gateway
/// `d % count`, and a gateway's messages go round its devices.
struct GatewayPlan: Sendable {
    /// Number of the first gateway.
    let first: Int
    let count: Int
    let devices: Range<Int>

    init(gateways: Range<Int>, devices: Range<Int>) {
        precondition(
            !gateways.isEmpty && gateways.count <= devices.count, "\(gateways.count) gateways, \(devices.count) devices"
        )
        first = gateways.lowerBound
        count = gateways.count
        self.devices = devices
    }

    /// Devices behind the gateway at `index`.
    func childCount(of index: Int) -> Int { (devices.count - index + count - 1) / count }

    /// Number of the device of a gateway's message, counted from 0.
    func device(gateway index: Int, message: Int) -> Int {
        devices.lowerBound + index + count * (message % childCount(of: index))
    }
}
