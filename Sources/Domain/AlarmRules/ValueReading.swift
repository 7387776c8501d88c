public import JSON
public import Telemetry

/// How rules read a value, whatever its type (`rule-engine.md` 7.1). Alarm rules of device profiles and those of calculated
/// fields both use this.
extension TelemetryValue {
    /// The value as text; numbers as Java writes them.
    public var ruleText: String { text }

    /// `nil` for a text that is no number.
    public var ruleNumber: Double? {
        switch self {
        case .boolean(let value): value ? 1 : 0
        case .long(let value): Double(value)
        case .double(let value): value
        case .string(let value), .json(let value): Double(Self.trimmed(value))
        }
    }

    /// Numbers are true above 0, texts where they say so.
    public var ruleBoolean: Bool {
        switch self {
        case .boolean(let value): value
        case .long(let value): value > 0
        case .double(let value): value > 0
        case .string(let value), .json(let value): value.lowercased() == "true"
        }
    }

    /// `nil` for a text that is no integer; a fraction is cut off.
    public var ruleInteger: Int64? {
        switch self {
        case .boolean(let value): value ? 1 : 0
        case .long(let value): value
        case .double(let value):
            value.isNaN ? 0 : Int64(exactly: value.rounded(.towardZero)) ?? (value < 0 ? .min : .max)
        case .string(let value), .json(let value): Int64(value)
        }
    }

    private static func trimmed(_ text: String) -> Substring {
        let scalars = text.unicodeScalars
        guard let first = scalars.firstIndex(where: { $0.value > 32 }),
            let last = scalars.lastIndex(where: { $0.value > 32 })
        else { return "" }
        return Substring(scalars[first...last])
    }

    /// The value that a constant of a rule has; `nil` for null.
    public init?(ruleConstant json: JSONValue) {
        switch json {
        case .null: return nil
        case .bool(let value): self = .boolean(value)
        case .integer(let value): self = .long(value)
        case .double(let value): self = .double(value)
        case .number(let text): self = .double(Double(text) ?? .infinity)
        case .string(let value): self = .string(value)
        case .array, .object: self = .json(json.serializedString)
        }
    }
}
