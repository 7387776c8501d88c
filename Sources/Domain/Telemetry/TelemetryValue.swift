/// The type of a telemetry or attribute value; numbers of `cluster.md` 3.1.
@frozen
public enum ValueKind: UInt8, BitwiseCopyable, Sendable, CaseIterable {
    case boolean = 0
    case long = 1
    case double = 2
    case string = 3
    case json = 4
}

/// A telemetry or attribute value (`device-api.md` 1.5).
public enum TelemetryValue: Sendable, Hashable {
    case boolean(Bool)
    case long(Int64)
    case double(Double)
    case string(String)
    /// An object or array, as compact JSON text.
    case json(String)

    public var kind: ValueKind {
        switch self {
        case .boolean: .boolean
        case .long: .long
        case .double: .double
        case .string: .string
        case .json: .json
        }
    }
}
