/// A name that is no time zone.
public struct TimeZoneError: Error, Equatable, Sendable {
    public var name: String

    public var message: String { "Unknown time zone: \(name)" }
}
