/// Why a rule cannot be read or evaluated.
public struct AlarmRuleError: Error, Equatable, Sendable {
    public var message: String

    public init(_ message: String) { self.message = message }
}
