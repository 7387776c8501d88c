extension DemoDashboard {
    private static let table = "system.cards.entities_table"
    private static let chart = "system.time_series_chart"

    private static let allDevices =
        #"{"type":"entityType","resolveMultiple":true,"entityType":"DEVICE"}"#

    static let all: [DemoDashboard] = [
        DemoDashboard(
            title: "Thermostats", description: "Temperature and humidity of the thermostats",
            filter: """
                {"type":"deviceType","resolveMultiple":true,"deviceTypes":["thermostat"],"deviceNameFilter":""}
                """,
            widgets: [
                Widget(
                    id: "8a0f8fd0-21d4-4f0d-9a35-2c6a3f9f1b01", typeFQN: table, kind: "latest", title: "Thermostats",
                    keys: [
                        DataKey(name: "name", type: "entityField", label: "Name"),
                        DataKey(name: "active", type: "attribute", label: "Active"),
                        DataKey(name: "temperature", type: "timeseries", label: "Temperature", units: "°C"),
                        DataKey(name: "humidity", type: "timeseries", label: "Humidity", units: "%"),
                        DataKey(
                            name: "temperatureAlarmThreshold", type: "attribute", label: "Highest temperature",
                            units: "°C"),
                        DataKey(
                            name: "humidityAlarmThreshold", type: "attribute", label: "Lowest humidity", units: "%"),
                    ], height: 6),
                Widget(
                    id: "8a0f8fd0-21d4-4f0d-9a35-2c6a3f9f1b02", typeFQN: chart, kind: "timeseries",
                    title: "Temperature",
                    keys: [DataKey(name: "temperature", type: "timeseries", label: "Temperature", units: "°C")],
                    height: 7),
                Widget(
                    id: "8a0f8fd0-21d4-4f0d-9a35-2c6a3f9f1b03", typeFQN: chart, kind: "timeseries", title: "Humidity",
                    keys: [DataKey(name: "humidity", type: "timeseries", label: "Humidity", units: "%")], height: 7),
            ]),
        updates(title: "Firmware", prefix: "fw", id: "8a0f8fd0-21d4-4f0d-9a35-2c6a3f9f1c01"),
        updates(title: "Software", prefix: "sw", id: "8a0f8fd0-21d4-4f0d-9a35-2c6a3f9f1d01"),
        DemoDashboard(
            title: "Rule Engine Statistics", description: "Messages of the rule engine's queues",
            filter: #"{"type":"entityType","resolveMultiple":true,"entityType":"QUEUE_STATS"}"#,
            widgets: [
                Widget(
                    id: "8a0f8fd0-21d4-4f0d-9a35-2c6a3f9f1e01", typeFQN: chart, kind: "timeseries",
                    title: "Queue statistics",
                    keys: [
                        DataKey(name: "totalMsgs", type: "timeseries", label: "Total"),
                        DataKey(name: "successfulMsgs", type: "timeseries", label: "Successful"),
                        DataKey(name: "failedMsgs", type: "timeseries", label: "Permanent failures"),
                        DataKey(name: "timeoutMsgs", type: "timeseries", label: "Permanent timeouts"),
                    ], height: 8)
            ]),
    ]

    /// The state of updates over the air, as devices report it.
    private static func updates(title: String, prefix: String, id: String) -> DemoDashboard {
        DemoDashboard(
            title: title, description: "\(title) of devices and the progress of its update", filter: allDevices,
            widgets: [
                Widget(
                    id: id, typeFQN: table, kind: "latest", title: title,
                    keys: [
                        DataKey(name: "name", type: "entityField", label: "Device"),
                        DataKey(name: "current_\(prefix)_title", type: "timeseries", label: "Current title"),
                        DataKey(name: "current_\(prefix)_version", type: "timeseries", label: "Current version"),
                        DataKey(name: "target_\(prefix)_title", type: "timeseries", label: "Target title"),
                        DataKey(name: "target_\(prefix)_version", type: "timeseries", label: "Target version"),
                        DataKey(name: "\(prefix)_state", type: "timeseries", label: "Status"),
                    ], height: 10)
            ])
    }
}
