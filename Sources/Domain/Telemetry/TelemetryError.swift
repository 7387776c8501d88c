public import JSON

/// Why a payload is not telemetry or attributes.
public enum TelemetryError: Error, Equatable, Sendable {
    case notJSON(JSONError)
    /// The payload, or an element of the array, is of a type that cannot hold keys and values.
    case notAnObject
    /// `ts` is no number.
    case invalidTimestamp
    /// `values` next to `ts` is no object.
    case valuesNotAnObject
    /// A value is `null` where that is not dropped.
    case nullValue
    /// A key is empty or blank.
    case blankKey
    /// A key is longer than ``TelemetryDecodingOptions/maximumKeyLength``.
    case keyTooLong
    /// A text is longer than ``TelemetryDecodingOptions/maximumStringLength``.
    case stringTooLong(maximum: Int)
    /// A number fits neither type and may not become text, or has an absurd exponent.
    case numberOutOfRange
}

extension TelemetryError: CustomStringConvertible {
    /// For people; contains nothing of the payload.
    public var description: String {
        switch self {
        case .notJSON(let error): "Invalid JSON: \(error)"
        case .notAnObject: "Can't parse value: an object or an array of objects is expected"
        case .invalidTimestamp: "Can't parse value: ts must be a number"
        case .valuesNotAnObject: "Can't parse value: values must be an object"
        case .nullValue: "Can't parse value: null"
        case .blankKey: "Key cannot be blank"
        case .keyTooLong: "key length must be equal or less than 255"
        case .stringTooLong(let maximum): "String value is longer than the maximum of \(maximum) characters"
        case .numberOutOfRange: "Big integer values are not supported!"
        }
    }
}
