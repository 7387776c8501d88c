import JSON
import Messages
import Model
import Storage
import Telemetry

/// "calculate delta" (`rule-engine.md` 3.6): how much a value has grown since the message before, or since what is stored
/// where there was none. Messages of an originator have their turn one after the other.
final class CalculateDeltaNode: RuleNode {
    static let type = "org.thingsboard.rule.engine.metadata.CalculateDeltaNode"
    static let configurationVersion = 1

    /// Originators whose last value is remembered; all are forgotten, and looked up again, when there are more.
    private static let maximumRemembered = 100_000

    private struct Reading: Sendable {
        var timestamp: Int64
        var value: Double
    }

    private struct Settings: Sendable {
        var input: String
        var output: String
        /// Where the time between the messages goes.
        var period: String?
        /// Digits behind the point.
        var digits: Int?
        var failsIfNegative: Bool
        var leavesOutZero: Bool
    }

    private let settings: Settings
    private let remembers: Bool
    private var last: [UUID128: Reading] = [:]

    init(configuration: JSONValue, context: RuleNodeContext) throws(RuleNodeConfigurationError) {
        var fields = try NodeConfiguration(configuration)
        func key(_ name: String, _ title: String) throws(RuleNodeConfigurationError) -> String {
            guard let key = try fields.string(name), !key.allSatisfy(\.isWhitespace) else {
                throw RuleNodeConfigurationError("\(title) value key should be specified!")
            }
            return key
        }
        let (input, output) = (try key("inputValueKey", "Input"), try key("outputValueKey", "Output"))
        let hasPeriod = try fields.bool("addPeriodBetweenMsgs", default: false)
        var period = try fields.string("periodValueKey")
        if hasPeriod { period = try key("periodValueKey", "Period") }
        let digits = try fields.integer("round", default: -1)
        settings = Settings(
            input: input, output: output, period: hasPeriod ? period : nil, digits: digits < 0 ? nil : min(digits, 15),
            failsIfNegative: try fields.bool("tellFailureIfDeltaIsNegative", default: true),
            leavesOutZero: try fields.bool("excludeZeroDeltas", default: false))
        remembers = try fields.bool("useCache", default: true)
        try fields.end()
    }

    func process(_ message: RuleMessage, _ context: RuleNodeContext) -> NodeOutcome {
        guard message.type == .known(.postTelemetryRequest), let data = message.payload.object,
            let given = data[settings.input]
        else { return .pass(.other) }
        let reading = Reading(timestamp: message.metadataTimestamp, value: given.worth)
        let originator = message.originator.uuid
        let before = remembers ? last[originator] : nil
        if remembers {
            if last.count >= Self.maximumRemembered, before == nil { last.removeAll() }
            last[originator] = reading
        }
        if let before { return Self.outcome(message, data, reading, before, settings) }
        return context.later(message) { [settings] _, reader in
            let stored = try await reader.latest(entity: originator, keys: [settings.input])[settings.input]
            return Self.outcome(
                message, data, reading, try stored.map { try Self.reading($0, settings.input) }, settings)
        }
    }

    private static func reading(_ point: StoredPoint, _ key: String) throws(RuleNodeError) -> Reading {
        let value: Double
        switch point.value {
        case .long(let number): value = Double(number)
        case .double(let number): value = number
        case .string(let text):
            guard let number = Double(text) else {
                throw RuleNodeError(
                    "Calculation failed. Unable to parse value [\(text)] of telemetry [\(key)] to Double")
            }
            value = number
        case .boolean: throw RuleNodeError("Calculation failed. Boolean values are not supported!")
        case .json: throw RuleNodeError("Calculation failed. JSON values are not supported!")
        }
        return Reading(timestamp: point.timestamp, value: value)
    }

    private static func outcome(
        _ message: RuleMessage, _ data: JSONObject, _ reading: Reading, _ before: Reading?, _ settings: Settings
    ) -> NodeOutcome {
        let delta = before.map { reading.value - $0.value } ?? 0
        if settings.failsIfNegative, delta < 0 { return .failure(message, "Delta value is negative!") }
        if settings.leavesOutZero, delta == 0 { return .next(message, .success) }
        var data = data
        data[settings.output] = number(settings.digits.map { rounded(delta, to: $0) } ?? delta)
        if let period = settings.period {
            data[period] = .integer(before.map { reading.timestamp - $0.timestamp } ?? 0)
        }
        return .next(message.with(data: .object(data)), .success)
    }

    /// To so many digits behind the point, halves away from zero, as the number is written.
    static func rounded(_ value: Double, to digits: Int) -> Double {
        let text = String(describing: value)
        // A number with an exponent of its own is far from the digits that anybody rounds to.
        guard let moved = text.contains("e") ? value * pow10(digits) : Double("\(text)e\(digits)") else { return value }
        let whole = moved.rounded(.toNearestOrAwayFromZero)
        return Double("\(Int64(exactly: whole).map { String($0) } ?? String(describing: whole))e-\(digits)") ?? value
    }

    private static func pow10(_ digits: Int) -> Double { Double("1e\(digits)") ?? 1 }

    private static func number(_ value: Double) -> JSONValue {
        Int64(exactly: value).map { .integer($0) } ?? .double(value)
    }
}

extension JSONValue {
    /// As a number; what is none is worth nothing.
    fileprivate var worth: Double {
        if let flag = boolValue { return flag ? 1 : 0 }
        return doubleValue ?? stringValue.flatMap { Double($0) } ?? 0
    }
}
