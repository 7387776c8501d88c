import CalculatedFields
import JSON
import Messages
import Model
import Storage
import Telemetry

/// What a field computed, as the data of a message.
struct FieldResult {
    let text: String
    let isEmpty: Bool

    init(_ value: JSONValue) {
        text = value.serializedString
        switch value {
        case .null: isEmpty = true
        case .object(let object): isEmpty = object.isEmpty
        case .array(let elements): isEmpty = elements.isEmpty
        case .string(let text): isEmpty = text.isEmpty
        case .bool, .integer, .double, .number: isEmpty = false
        }
    }

    var bytes: [UInt8] { Array(text.utf8) }

    /// The message to the entity's default chain (`rule-engine.md` 1.8).
    func message(
        of field: CompiledField, _ event: FieldEvent, _ place: FieldEntityPlace, _ previous: [UUID128], now: Int64
    ) -> RuleMessage {
        var metadata = ["calculatedFieldName": field.name]
        let type: KnownMessageType
        switch field.output?.target ?? .timeSeries {
        case .timeSeries: type = .postTelemetryRequest
        case .attributes(let scope):
            type = .postAttributesRequest
            metadata["scope"] = scope.name
        }
        var message = RuleMessage(
            id: .random(), timestamp: now, type: .known(type), originator: event.entity, tenantID: event.tenant,
            customerID: place.customer, metadata: MessageMetadata(metadata), payload: .text(text),
            ruleChainID: place.route.chain, queueName: place.route.queue)
        message.calculatedFields = previous
        return message
    }
}

extension PointArena {
    /// Points as values of one time.
    func fieldValues(_ points: Range<Int>, at time: Int64) -> [FieldEvent.Value] {
        points.map { FieldEvent.Value(key: key(at: $0), value: value(at: $0), time: time) }
    }
}
