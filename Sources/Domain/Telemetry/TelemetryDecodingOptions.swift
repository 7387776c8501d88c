/// How payloads become values (`device-api.md` 1.5).
public struct TelemetryDecodingOptions: Sendable, Equatable {
    public enum Nulls: Sendable {
        /// The key is left out: payloads of devices.
        case drop
        /// The payload is refused: REST and rule nodes.
        case reject
    }

    /// `JSON_TYPE_CAST_ENABLED`: text that looks like a number becomes one, numbers that fit no type become text.
    public var typeCast = true
    /// `JSON_MAX_STRING_VALUE_LENGTH`: UTF-16 units of a text outside JSON values; 0 for no limit.
    public var maximumStringLength = 0
    public var nulls = Nulls.drop
    /// UTF-16 units of a key, 1 to 21 845.
    public var maximumKeyLength = 255
    /// Containers inside each other, 1 to 1024.
    public var maximumDepth = 64

    public init() {}

    /// For payloads in which `null` is an error.
    public static var strict: TelemetryDecodingOptions {
        var options = TelemetryDecodingOptions()
        options.nulls = .reject
        return options
    }
}
