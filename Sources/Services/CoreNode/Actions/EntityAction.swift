internal import JSON
internal import Model
internal import Storage
internal import Telemetry

/// One change of an entity: the message that the rule engine gets (`rule-engine.md` 1.8) and what the audit log keeps.
/// Made by the functions below, so that each kind of change is described in one place.
struct EntityAction: Sendable {
    var type: ActionType
    var subject: ActionSubject
    /// Metadata beside the user's, the customer's and the entity's.
    var metadata: [String: String] = [:]
    /// The message's data; the entity's JSON when `nil`.
    var data: String?
    /// The audit record's data.
    var audited: JSONObject = [:]
    /// Who the message is from, where that is not the subject.
    var originators: [EntityID]?
    /// Another entity whose audit log has the same record.
    var otherEnd: EntityID?

    // MARK: - The entity itself

    static func added(_ subject: ActionSubject) -> EntityAction { whole(.added, subject) }

    static func updated(_ subject: ActionSubject) -> EntityAction { whole(.updated, subject) }

    /// Any change that is described by the entity as it is now.
    static func whole(_ type: ActionType, _ subject: ActionSubject) -> EntityAction {
        var audited: JSONObject = [:]
        if let document = subject.document { audited["entity"] = RawJSON(wellFormed: document).value }
        return EntityAction(type: type, subject: subject, audited: audited)
    }

    /// - Parameter subject: The entity as it was.
    static func deleted(_ subject: ActionSubject) -> EntityAction { onlyID(.deleted, subject) }

    /// A change that the audit log describes by the id alone: deleted, activated, suspended, credentials read.
    static func onlyID(_ type: ActionType, _ subject: ActionSubject) -> EntityAction {
        EntityAction(type: type, subject: subject, audited: ["entityId": .string(subject.entity.uuid.text)])
    }

    // MARK: - Assignment

    static func assigned(_ subject: ActionSubject, to customer: CustomerID, title: String) -> EntityAction {
        EntityAction(
            type: .assignedToCustomer, subject: subject,
            metadata: ["assignedCustomerId": customer.description, "assignedCustomerName": title],
            audited: [
                "entityId": .string(subject.entity.uuid.text), "assignedCustomerId": .string(customer.description),
                "assignedCustomerName": .string(title),
            ])
    }

    static func unassigned(_ subject: ActionSubject, from customer: CustomerID, title: String) -> EntityAction {
        EntityAction(
            type: .unassignedFromCustomer, subject: subject,
            metadata: ["unassignedCustomerId": customer.description, "unassignedCustomerName": title],
            audited: [
                "entityId": .string(subject.entity.uuid.text), "unassignedCustomerId": .string(customer.description),
                "unassignedCustomerName": .string(title),
            ])
    }

    // MARK: - Attributes and telemetry

    static func attributesUpdated(
        _ subject: ActionSubject, _ scope: AttributeScope, _ attributes: [(key: String, value: TelemetryValue)]
    ) -> EntityAction {
        var values: JSONObject = [:]
        for (key, value) in attributes { values[key] = value.jsonValue }
        return EntityAction(
            type: .attributesUpdated, subject: subject, metadata: ["scope": scope.name],
            data: JSONValue.object(values).serializedString,
            audited: [
                "entityId": .string(subject.entity.uuid.text), "scope": .string(scope.name),
                "attributes": .object(values.mapValuesToText),
            ])
    }

    static func attributesDeleted(_ subject: ActionSubject, _ scope: AttributeScope, keys: [String]) -> EntityAction {
        let list = JSONValue.array(keys.map { .string($0) })
        return EntityAction(
            type: .attributesDeleted, subject: subject, metadata: ["scope": scope.name],
            data: JSONValue.object(["attributes": list]).serializedString,
            audited: [
                "entityId": .string(subject.entity.uuid.text), "scope": .string(scope.name), "attributes": list,
            ])
    }

    static func timeseriesUpdated(
        _ subject: ActionSubject, _ records: [TelemetryRecord], of arena: PointArena
    ) -> EntityAction {
        var list: [JSONValue] = []
        var audited: [JSONValue] = []
        for record in records {
            var bytes: [UInt8] = []
            TelemetryJSON.write(record.points, of: arena, into: &bytes)
            let values = (try? JSONValue.parse(bytes))?.objectValue ?? [:]
            list.append(["ts": .integer(record.timestamp), "values": .object(values)])
            audited.append(["ts": .integer(record.timestamp), "values": .object(values.mapValuesToText)])
        }
        return EntityAction(
            type: .timeseriesUpdated, subject: subject,
            data: JSONValue.object(["timeseries": .array(list)]).serializedString,
            audited: ["entityId": .string(subject.entity.uuid.text), "timeseries": .array(audited)])
    }

    /// - Parameter range: Milliseconds since 1970, as the client gave them.
    static func timeseriesDeleted(
        _ subject: ActionSubject, keys: [String], range: (start: Int64, end: Int64)
    ) -> EntityAction {
        let data: JSONObject = [
            "timeseries": .array(keys.map { .string($0) }), "startTs": .integer(range.start),
            "endTs": .integer(range.end),
        ]
        var audited: JSONObject = ["entityId": .string(subject.entity.uuid.text)]
        for (key, value) in data { audited[key] = value }
        return EntityAction(
            type: .timeseriesDeleted, subject: subject, data: JSONValue.object(data).serializedString,
            audited: audited)
    }

    // MARK: - Calls

    /// A call to a device that was made over the API. Its answer is not kept.
    ///
    /// - Parameter params: JSON text.
    static func called(_ device: ActionSubject, method: String, params: String, isOneWay: Bool) -> EntityAction {
        EntityAction(
            type: .rpcCall, subject: device,
            audited: [
                "entityId": .string(device.entity.uuid.text), "oneWay": .bool(isOneWay), "method": .string(method),
                "params": .string(params),
            ])
    }

    // MARK: - Relations

    /// A relation was saved or deleted: told from both of its ends.
    ///
    /// - Parameter relation: Its JSON.
    static func relation(
        _ type: ActionType, tenant: TenantID, from: EntityID, to: EntityID, _ relation: some JSONRendered
    ) -> EntityAction {
        var writer = JSONWriter()
        relation.write(to: &writer)
        let text = String(decoding: writer.bytes, as: UTF8.self)
        return EntityAction(
            type: type, subject: ActionSubject(tenant: tenant, entity: from), data: text,
            audited: ["relation": RawJSON(wellFormed: text).value], originators: [from, to], otherEnd: to)
    }

    static func relationsDeleted(_ subject: ActionSubject) -> EntityAction {
        EntityAction(type: .relationsDeleted, subject: subject, data: "{}")
    }

    // MARK: - Alarms

    /// A change of an alarm: its originator speaks.
    ///
    /// - Parameter alarm: The alarm's info.
    static func alarm(_ type: ActionType, _ alarm: ActionSubject, originator: EntityID) -> EntityAction {
        var action = whole(type, alarm)
        action.originators = [originator]
        return action
    }

    /// A comment on an alarm: the alarm speaks.
    static func comment(_ type: ActionType, on alarm: ActionSubject, _ comment: some JSONRendered) -> EntityAction {
        var writer = JSONWriter()
        comment.write(to: &writer)
        let text = String(decoding: writer.bytes, as: UTF8.self)
        return EntityAction(
            type: type, subject: alarm, metadata: ["comment": text],
            audited: ["comment": RawJSON(wellFormed: text).value["comment"] ?? .null])
    }

    // MARK: - Credentials

    /// - Parameter kind: What the credentials are. The secret itself stays out of the log.
    static func credentialsUpdated(_ subject: ActionSubject, kind: String) -> EntityAction {
        EntityAction(
            type: .credentialsUpdated, subject: subject,
            audited: [
                "entityId": .string(subject.entity.uuid.text), "credentials": ["credentialsType": .string(kind)],
            ])
    }
}

extension JSONObject {
    /// Every value as text, which is how the audit log keeps values.
    fileprivate var mapValuesToText: JSONObject {
        JSONObject(map { ($0.key, .string($0.value.stringValue ?? $0.value.serializedString)) })
    }
}
