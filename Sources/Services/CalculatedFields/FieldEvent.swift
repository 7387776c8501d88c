import JSON
public import Messages
public import Model
public import Telemetry

/// Something that fields of an entity may have to be computed anew for.
public struct FieldEvent: Sendable {
    /// A value that came.
    public struct Value: Sendable, Equatable {
        public var key: String
        public var value: TelemetryValue
        /// Milliseconds since 1970.
        public var time: Int64

        public init(key: String, value: TelemetryValue, time: Int64) {
            self.key = key
            self.value = value
            self.time = time
        }
    }

    public enum Change: Sendable, Equatable {
        case timeseries([Value])
        case attributes(AttributeScope, [Value])
        case timeseriesRemoved([String])
        case attributesRemoved(AttributeScope, [String])
        /// The field is new or has changed; its version.
        case began(CalculatedFieldID, version: Int64)
        /// Time went by, which rules of the field may look at.
        case ticked(CalculatedFieldID)
    }

    public var tenant: TenantID
    /// Whose fields may be concerned.
    public var entity: EntityID
    /// Whose values they are, where that is another one.
    public var source: EntityID?
    public var change: Change
    /// Fields that have led to it; they are not computed again because of it (`rule-engine.md` 7.4, loop guard).
    public var previous: [UUID128]
    /// The message that brought it.
    public var messageID: UUID128?
    public var messageType: String?

    public init(
        tenant: TenantID, entity: EntityID, source: EntityID? = nil, change: Change, previous: [UUID128] = [],
        messageID: UUID128? = nil, messageType: String? = nil
    ) {
        self.tenant = tenant
        self.entity = entity
        self.source = source
        self.change = change
        self.previous = previous
        self.messageID = messageID
        self.messageType = messageType
    }

    /// The arguments of a field that it concerns.
    public func indices(of arguments: [FieldArgument], fieldEntity: EntityID) -> [Int] {
        arguments.indices.filter { index in
            let argument = arguments[index]
            if let source {
                guard argument.entity == source else { return false }
            } else {
                guard argument.entity == nil || argument.entity == entity else { return false }
            }
            return concerns(argument)
        }
    }

    /// Whether it has something of the argument's key and kind.
    public func concerns(_ argument: FieldArgument) -> Bool {
        switch (change, argument.source) {
        case (.timeseries(let values), .latest), (.timeseries(let values), .rolling):
            values.contains { $0.key == argument.key }
        case (.attributes(let scope, let values), .attribute(let wanted)):
            scope == wanted && values.contains { $0.key == argument.key }
        case (.timeseriesRemoved(let keys), .latest), (.timeseriesRemoved(let keys), .rolling):
            keys.contains(argument.key)
        case (.attributesRemoved(let scope, let keys), .attribute(let wanted)):
            scope == wanted && keys.contains(argument.key)
        case (.timeseries, _), (.attributes, _), (.timeseriesRemoved, _), (.attributesRemoved, _), (.began, _),
            (.ticked, _):
            false
        }
    }

    /// The values that came.
    public var values: [Value] {
        switch change {
        case .timeseries(let values), .attributes(_, let values): values
        case .timeseriesRemoved, .attributesRemoved, .began, .ticked: []
        }
    }
}

// MARK: - On the rule engine's queue

extension FieldEvent {
    /// The type of messages that carry events to the owner of an entity. No chain sees them.
    public static let messageType = MessageType.custom("CALCULATED_FIELD_EVENT")

    private enum Word: String {
        case timeseries = "TIME_SERIES"
        case attributes = "ATTRIBUTES"
        case timeseriesRemoved = "TIME_SERIES_REMOVED"
        case attributesRemoved = "ATTRIBUTES_REMOVED"
        case began = "BEGAN"
        case ticked = "TICKED"
    }

    /// As a message to the queue `Main`, where the owner of the entity reads it.
    public func message(now: Int64) -> RuleMessage {
        var data = JSONObject()
        switch change {
        case .timeseries(let values):
            data["change"] = .string(Word.timeseries.rawValue)
            data["values"] = .array(values.map(\.document))
        case .attributes(let scope, let values):
            data["change"] = .string(Word.attributes.rawValue)
            data["scope"] = .string(scope.name)
            data["values"] = .array(values.map(\.document))
        case .timeseriesRemoved(let keys):
            data["change"] = .string(Word.timeseriesRemoved.rawValue)
            data["keys"] = .array(keys.map { .string($0) })
        case .attributesRemoved(let scope, let keys):
            data["change"] = .string(Word.attributesRemoved.rawValue)
            data["scope"] = .string(scope.name)
            data["keys"] = .array(keys.map { .string($0) })
        case .began(let field, let version):
            data["change"] = .string(Word.began.rawValue)
            data["field"] = .string(field.uuid.text)
            data["version"] = .integer(version)
        case .ticked(let field):
            data["change"] = .string(Word.ticked.rawValue)
            data["field"] = .string(field.uuid.text)
        }
        if let source {
            data["sourceType"] = .string(source.type.name)
            data["source"] = .string(source.uuid.text)
        }
        if let messageID { data["msgId"] = .string(messageID.text) }
        if let messageType { data["msgType"] = .string(messageType) }
        var message = RuleMessage(
            id: .random(), timestamp: now, type: Self.messageType, originator: entity, tenantID: tenant,
            metadata: MessageMetadata(), payload: .text(JSONValue.object(data).serializedString))
        message.calculatedFields = previous
        return message
    }

    /// Reads such a message; `nil` for one that says nothing that can be understood.
    public init?(_ message: RuleMessage) {
        guard message.type == Self.messageType, let data = try? JSONValue.parse(message.payload.text),
            let word = data["change"]?.stringValue.flatMap(Word.init)
        else { return nil }
        func values() -> [Value] { (data["values"]?.arrayValue ?? []).compactMap(Value.init) }
        func keys() -> [String] { (data["keys"]?.arrayValue ?? []).compactMap(\.stringValue) }
        let scope = data["scope"]?.stringValue.flatMap { AttributeScope(name: $0) } ?? .server
        let change: Change
        switch word {
        case .timeseries: change = .timeseries(values())
        case .attributes: change = .attributes(scope, values())
        case .timeseriesRemoved: change = .timeseriesRemoved(keys())
        case .attributesRemoved: change = .attributesRemoved(scope, keys())
        case .began:
            guard let field = data["field"]?.stringValue.flatMap({ UUID128($0) }) else { return nil }
            change = .began(CalculatedFieldID(field), version: data["version"]?.integerValue ?? 0)
        case .ticked:
            guard let field = data["field"]?.stringValue.flatMap({ UUID128($0) }) else { return nil }
            change = .ticked(CalculatedFieldID(field))
        }
        var source: EntityID?
        if let uuid = data["source"]?.stringValue.flatMap({ UUID128($0) }),
            let type = data["sourceType"]?.stringValue.flatMap({ EntityType(name: $0) })
        {
            source = EntityID(type: type, uuid: uuid)
        }
        self.init(
            tenant: message.tenantID, entity: message.originator, source: source, change: change,
            previous: message.calculatedFields, messageID: data["msgId"]?.stringValue.flatMap { UUID128($0) },
            messageType: data["msgType"]?.stringValue)
    }
}

extension FieldEvent.Value {
    fileprivate var document: JSONValue {
        var object: JSONObject = ["k": .string(key), "t": .integer(time)]
        switch value {
        case .boolean(let flag): object["v"] = .bool(flag)
        case .long(let number): object["v"] = .integer(number)
        // Texts keep what JSON numbers may lose.
        case .double(let number): object["d"] = .string(number.description)
        case .string(let text): object["v"] = .string(text)
        case .json(let text): object["j"] = .string(text)
        }
        return .object(object)
    }

    fileprivate init?(_ document: JSONValue) {
        guard let key = document["k"]?.stringValue, let time = document["t"]?.integerValue else { return nil }
        if let text = document["d"]?.stringValue, let number = Double(text) {
            self.init(key: key, value: .double(number), time: time)
        } else if let text = document["j"]?.stringValue {
            self.init(key: key, value: .json(text), time: time)
        } else {
            switch document["v"] {
            case .bool(let flag): self.init(key: key, value: .boolean(flag), time: time)
            case .integer(let number): self.init(key: key, value: .long(number), time: time)
            case .string(let text): self.init(key: key, value: .string(text), time: time)
            default: return nil
            }
        }
    }
}
