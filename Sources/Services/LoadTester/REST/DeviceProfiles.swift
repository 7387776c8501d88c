internal import JSON

/// The device profiles of the payload types, each with one alarm rule.
enum DeviceProfiles {
    static func profile(of type: PayloadType) -> JSONValue {
        [
            "name": .string(type.rawValue),
            "description": .string("\(type.rawValue) devices of the load tester"),
            "type": "DEFAULT",
            "transportType": "DEFAULT",
            "provisionType": "DISABLED",
            "defaultQueueName": "",
            "default": false,
            "profileData": [
                "configuration": ["type": "DEFAULT"],
                "transportConfiguration": ["type": "DEFAULT"],
                "provisionConfiguration": ["type": "DISABLED", "provisionDeviceSecret": nil],
                "alarms": [alarm(of: type)],
            ],
        ]
    }

    private static func alarm(of type: PayloadType) -> JSONValue {
        switch type {
        case .smartMeter, .smartTracker:
            alarm("battery low", key: "batteryLevel", raisedBy: "LESS_OR_EQUAL", clearedBy: "GREATER", threshold: 20)
        case .industrialPLC:
            alarm("line overload", key: "line000", raisedBy: "GREATER_OR_EQUAL", clearedBy: "LESS", threshold: 500)
        }
    }

    private static func alarm(
        _ name: String, key: String, raisedBy: String, clearedBy: String, threshold: Int64
    ) -> JSONValue {
        [
            "id": .string("load-test-\(key)"),
            "alarmType": .string(name),
            "createRules": ["CRITICAL": rule(key, raisedBy, threshold)],
            "clearRule": rule(key, clearedBy, threshold),
            "propagate": false,
            "propagateToOwner": false,
            "propagateToTenant": false,
            "propagateRelationTypes": nil,
        ]
    }

    private static func rule(_ key: String, _ operation: String, _ threshold: Int64) -> JSONValue {
        let condition: JSONValue = [
            "key": ["type": "TIME_SERIES", "key": .string(key)],
            "valueType": "NUMERIC",
            "value": nil,
            "predicate": [
                "type": "NUMERIC",
                "operation": .string(operation),
                "value": ["defaultValue": .integer(threshold), "userValue": nil, "dynamicValue": nil],
            ],
        ]
        return [
            "condition": ["condition": .array([condition]), "spec": ["type": "SIMPLE"]],
            "schedule": nil,
            "alarmDetails": nil,
            "dashboardId": nil,
        ]
    }
}
