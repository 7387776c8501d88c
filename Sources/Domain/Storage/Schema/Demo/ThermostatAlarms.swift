/// The alarm rules of the demo's thermostat profile: raised beyond a threshold that each device has as an attribute, as
/// long as the device's flag is on; cleared when the value is back.
enum ThermostatAlarms {
    static let json =
        "["
        + rule(
            id: "highTemperatureAlarmID", type: "High Temperature", severity: "MAJOR", key: "temperature",
            flag: "temperatureAlarmFlag", threshold: "temperatureAlarmThreshold", fallback: 25,
            raise: "GREATER", clear: "LESS_OR_EQUAL", details: "Current temperature = ${temperature}")
        + ","
        + rule(
            id: "lowHumidityAlarmID", type: "Low Humidity", severity: "MINOR", key: "humidity",
            flag: "humidityAlarmFlag", threshold: "humidityAlarmThreshold", fallback: 60,
            raise: "LESS", clear: "GREATER_OR_EQUAL", details: "Current humidity = ${humidity}")
        + "]"

    private static func rule(
        id: String, type: String, severity: String, key: String, flag: String, threshold: String, fallback: Int,
        raise: String, clear: String, details: String
    ) -> String {
        let isOn = """
            {"key":{"type":"ATTRIBUTE","key":"\(flag)"},"valueType":"BOOLEAN","value":null,"predicate":\
            {"type":"BOOLEAN","operation":"EQUAL","value":{"defaultValue":true,"userValue":null,"dynamicValue":null}}}
            """
        let beyond = comparison(key: key, operation: raise, threshold: threshold, fallback: fallback)
        let back = comparison(key: key, operation: clear, threshold: threshold, fallback: fallback)
        return """
            {"id":"\(id)","alarmType":"\(type)","createRules":{"\(severity)":\
            \(alarmRule(filters: [isOn, beyond], details: details))},\
            "clearRule":\(alarmRule(filters: [back], details: details)),\
            "propagate":true,"propagateToOwner":false,"propagateToTenant":false,"propagateRelationTypes":null}
            """
    }

    private static func alarmRule(filters: [String], details: String) -> String {
        """
        {"condition":{"condition":[\(filters.joined(separator: ","))],"spec":{"type":"SIMPLE"}},"schedule":null,\
        "alarmDetails":"\(details)","dashboardId":null}
        """
    }

    private static func comparison(key: String, operation: String, threshold: String, fallback: Int) -> String {
        """
        {"key":{"type":"TIME_SERIES","key":"\(key)"},"valueType":"NUMERIC","value":null,"predicate":\
        {"type":"NUMERIC","operation":"\(operation)","value":{"defaultValue":\(fallback).0,"userValue":null,\
        "dynamicValue":{"sourceType":"CURRENT_DEVICE","sourceAttribute":"\(threshold)","inherit":false}}}}
        """
    }
}
