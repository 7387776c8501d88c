internal import JSON
internal import Storage

/// The alarm rules of a device profile in the form of 3.x and 4.0, each with all of its members (`rest-api.md` 3.2).
enum ProfileAlarmRules {
    /// - Throws: ``APIError`` for what is no list of rules, and for two rules of one type.
    static func completed(_ alarms: JSONValue?) throws(APIError) -> JSONValue {
        guard let alarms else { return .null }
        guard let rules = alarms.arrayValue else { throw .malformedBody("a list is expected in 'alarms'") }
        var types: Set<String> = []
        var result: [JSONValue] = []
        for rule in rules {
            guard case .object(let members) = rule else { throw .malformedBody("objects are expected in 'alarms'") }
            let body = RequestObject(members)
            guard let type = try body.text("alarmType"), !type.isEmpty else {
                throw .invalid("Alarm rule type should be specified!")
            }
            var validation = Validation()
            validation.text("alarm type", type)
            try validation.check()
            guard types.insert(type).inserted else {
                throw .invalid("Can't create device profile with the same alarm rule types: \"\(type)\"!")
            }
            result.append(.object(try alarm(body)))
        }
        return .array(result)
    }

    private static func alarm(_ body: RequestObject) throws(APIError) -> JSONObject {
        var create: JSONValue = .null
        if let rules = try body.object("createRules") {
            var object: JSONObject = [:]
            for (severity, value) in rules.members {
                guard AlarmSeverity(rawValue: severity) != nil else {
                    throw .malformedBody("unknown severity '\(severity)' in 'createRules'")
                }
                object[severity] = rule(value)
            }
            create = .object(object)
        }
        return [
            "id": body.value("id") ?? .null, "alarmType": body.value("alarmType") ?? .null, "createRules": create,
            "clearRule": rule(body.value("clearRule") ?? .null),
            "propagate": .bool(try body.boolean("propagate") ?? false),
            "propagateToOwner": .bool(try body.boolean("propagateToOwner") ?? false),
            "propagateToTenant": .bool(try body.boolean("propagateToTenant") ?? false),
            "propagateRelationTypes": body.value("propagateRelationTypes") ?? .null,
        ]
    }

    // MARK: - What a rule is made of

    private static func rule(_ value: JSONValue) -> JSONValue {
        complete(value, ["condition", "schedule", "alarmDetails", "dashboardId"]) { object in
            object["condition"] = object["condition"].map(condition)
            object["schedule"] = object["schedule"].map(schedule)
        }
    }

    private static func condition(_ value: JSONValue) -> JSONValue {
        complete(value, ["condition", "spec"]) { object in
            object["condition"] = object["condition"].map { list($0, filter) }
            object["spec"] = object["spec"].map(spec)
        }
    }

    private static func filter(_ value: JSONValue) -> JSONValue {
        complete(value, ["key", "valueType", "value", "predicate"]) { object in
            object["predicate"] = object["predicate"].map(predicate)
        }
    }

    private static func predicate(_ value: JSONValue) -> JSONValue {
        if value["type"]?.stringValue == "COMPLEX" {
            return complete(value, ["type", "operation", "predicates"]) { object in
                object["predicates"] = object["predicates"].map { list($0, predicate) }
            }
        }
        return complete(value, ["type", "operation", "value"]) { object in
            object["value"] = object["value"].map(operand)
            if object["type"]?.stringValue == "STRING", object["ignoreCase"] == nil { object["ignoreCase"] = false }
        }
    }

    private static func operand(_ value: JSONValue) -> JSONValue {
        complete(value, ["defaultValue", "userValue", "dynamicValue"]) { object in
            object["dynamicValue"] = object["dynamicValue"].map(dynamic)
        }
    }

    private static func dynamic(_ value: JSONValue) -> JSONValue {
        complete(value, ["resolvedValue", "sourceType", "sourceAttribute", "inherit"]) { object in
            if object["inherit"]?.isNull ?? true { object["inherit"] = false }
        }
    }

    private static func spec(_ value: JSONValue) -> JSONValue {
        switch value["type"]?.stringValue {
        case "DURATION": complete(value, ["type", "unit", "predicate"], predicateOperand)
        case "REPEATING": complete(value, ["type", "predicate"], predicateOperand)
        default: value
        }
    }

    private static func predicateOperand(_ object: inout JSONObject) {
        object["predicate"] = object["predicate"].map(operand)
    }

    private static func schedule(_ value: JSONValue) -> JSONValue {
        var value = value
        // Schedules of older clients name no type: one for any time.
        if value.objectValue != nil, value["type"] == nil { value["type"] = "ANY_TIME" }
        let members: [String] =
            switch value["type"]?.stringValue {
            case "SPECIFIC_TIME": ["type", "timezone", "daysOfWeek", "startsOn", "endsOn", "dynamicValue"]
            case "CUSTOM": ["type", "timezone", "items", "dynamicValue"]
            default: ["type", "dynamicValue"]
            }
        return complete(value, members) { object in
            object["dynamicValue"] = object["dynamicValue"].map(dynamic)
        }
    }

    // MARK: - Tools

    /// An object with at least `members`, null where they are missing; anything else as it is.
    private static func complete(
        _ value: JSONValue, _ members: [String], _ change: (inout JSONObject) -> Void
    ) -> JSONValue {
        guard case .object(var object) = value else { return value }
        for member in members where object[member] == nil { object[member] = .null }
        change(&object)
        return .object(object)
    }

    private static func list(_ value: JSONValue, _ change: (JSONValue) -> JSONValue) -> JSONValue {
        guard case .array(let elements) = value else { return value }
        return .array(elements.map(change))
    }
}
