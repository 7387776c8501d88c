public import JSON
internal import Model

extension Alarm {
    /// Its members as the API has them, but for its details (`rest-api.md` 3.4).
    public var members: JSONObject {
        [
            "id": Self.id(.alarm, id.uuid), "createdTime": .integer(createdTime),
            "tenantId": Self.id(.tenant, tenantID.uuid), "customerId": Self.id(.customer, customerID?.uuid),
            "type": .string(type), "originator": Self.id(originator.type, originator.uuid),
            "severity": .string(severity.rawValue), "acknowledged": .bool(isAcknowledged),
            "cleared": .bool(isCleared), "assigneeId": Self.id(.user, assigneeID?.uuid),
            "startTs": .integer(startTime), "endTs": .integer(endTime), "ackTs": .integer(acknowledgeTime),
            "clearTs": .integer(clearTime), "assignTs": .integer(assignTime), "propagate": .bool(propagation.isOn),
            "propagateToOwner": .bool(propagation.toOwner), "propagateToTenant": .bool(propagation.toTenant),
            "propagateRelationTypes": .array(propagation.relationTypes.map { .string($0) }),
            "name": .string(type), "status": .string(status),
        ]
    }

    fileprivate static func id(_ type: EntityType, _ uuid: UUID128?) -> JSONValue {
        guard let uuid else { return .null }
        return .object(["entityType": .string(type.name), "id": .string(uuid.text)])
    }
}

extension AlarmInfo {
    /// The members that it has beside those of the alarm.
    public var names: JSONObject {
        var assignee = JSONValue.null
        if let id = alarm.assigneeID {
            func text(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }
            assignee = .object([
                "id": Alarm.id(.user, id.uuid), "firstName": text(assigneeFirstName),
                "lastName": text(assigneeLastName), "email": text(assigneeEmail),
            ])
        }
        return [
            "originatorName": .string(originatorName), "originatorLabel": .string(originatorLabel),
            "assignee": assignee,
        ]
    }

    /// All of it.
    public var document: JSONValue {
        var object = alarm.members
        object["details"] = alarm.details?.value ?? .null
        object.merge(names)
        return .object(object)
    }
}
