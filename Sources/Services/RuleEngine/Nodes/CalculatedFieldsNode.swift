import CalculatedFields
import JSON
import Messages
import Model
import Reactor
import Telemetry

/// "calculated fields and alarm rules" (`rule-engine.md` 3.7): computes the fields that the values of a message concern,
/// without storing them.
final class CalculatedFieldsNode: RuleNode {
    static let type = "org.thingsboard.rule.engine.telemetry.TbCalculatedFieldsNode"

    private let decoder = TelemetryDecoder(options: .strict)

    init(configuration: JSONValue, context: RuleNodeContext) throws(RuleNodeConfigurationError) {
        let fields = try NodeConfiguration(configuration)
        try fields.end()
    }

    func process(_ message: RuleMessage, _ context: RuleNodeContext) -> NodeOutcome {
        switch message.type {
        case .known(.postTelemetryRequest): return telemetry(of: message, context)
        case .known(.postAttributesRequest): return attributes(of: message, context)
        default: return .failure(message, "Unsupported msg type: \(message.type.name)")
        }
    }

    private func telemetry(of message: RuleMessage, _ context: RuleNodeContext) -> NodeOutcome {
        var arena = PointArena()
        var records: [TelemetryRecord] = []
        let bytes = Array(message.payload.text.utf8)
        do throws(TelemetryError) {
            try decoder.decodeTelemetry(
                bytes.span, receivedAt: context.loop.wallClockMilliseconds, into: &arena, records: &records)
        } catch {
            return .failure(message, String(describing: error))
        }
        return context.feed(
            .timeseries(records.flatMap { arena.fieldValues($0.points, at: $0.timestamp) }), of: message)
    }

    private func attributes(of message: RuleMessage, _ context: RuleNodeContext) -> NodeOutcome {
        var arena = PointArena()
        let bytes = Array(message.payload.text.utf8)
        let points: Range<Int>
        do throws(TelemetryError) {
            points = try decoder.decodeAttributes(bytes.span, into: &arena)
        } catch {
            return .failure(message, String(describing: error))
        }
        guard !points.isEmpty else { return .next(message, .success) }
        guard let name = message.metadata["scope"], !name.isEmpty else {
            return .failure(message, "Attribute scope is missing")
        }
        guard let scope = AttributeScope(name: name) else {
            return .failure(message, "Invalid attribute scope: \(name)")
        }
        return context.feed(
            .attributes(scope, arena.fieldValues(points, at: context.loop.wallClockMilliseconds)), of: message)
    }
}
