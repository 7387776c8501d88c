internal import Metrics

/// What the core side of devices counts.
final class DeviceCoreMetrics {
    private let devices: Gauge
    let sessionsOpened: Counter
    let sessionsClosed: Counter
    let attributeUpdates: Counter
    let calls: Counter

    init(_ registry: MetricsRegistry) {
        devices = registry.gauge("core_devices", help: "Devices that the core node holds in memory.")
        sessionsOpened = registry.counter("core_sessions_opened_total", help: "Device sessions that were opened.")
        sessionsClosed = registry.counter("core_sessions_closed_total", help: "Device sessions that ended.")
        attributeUpdates = registry.counter(
            "core_attribute_updates_total", help: "Changes of shared attributes sent to device sessions.")
        calls = registry.counter("core_rpc_requests_total", help: "Calls to devices.")
    }

    func publish(devices count: Int) {
        devices.set(Double(count))
    }
}
