public import Configuration
public import Telemetry

/// Settings that all transports share (`device-api.md` 11.4).
public struct TransportConfiguration: Sendable {
    /// `TB_SERVICE_ID`: the unique, stable name of this process.
    public var serviceID: String
    /// `TB_TRANSPORT_SESSIONS_INACTIVITY_TIMEOUT`: a session without uplink activity for that long is closed.
    public var sessionInactivityTimeout: Duration = .milliseconds(600_000)
    /// `TB_TRANSPORT_SESSIONS_REPORT_TIMEOUT`: how often a session's activity is reported to the core.
    public var sessionReportPeriod: Duration = .milliseconds(3_000)
    /// `TB_TRANSPORT_ACTIVITY_REPORTING_STRATEGY`.
    public var activityReporting = ActivityReporting.last
    /// `TB_QUEUE_TRANSPORT_MAX_REQUEST_TIMEOUT`: how long a device waits for its credentials to be checked.
    public var credentialsTimeout: Duration = .milliseconds(10_000)
    /// `JSON_TYPE_CAST_ENABLED`, `JSON_MAX_STRING_VALUE_LENGTH`.
    public var decoding = TelemetryDecodingOptions()
    /// `NEEDLETAIL_TRANSPORT_MAX_UNACKNOWLEDGED`: messages of one event loop that may be without an outcome; at the limit
    /// the loop stops reading its sockets.
    public var maximumUnacknowledgedMessages = 20_000
    /// `NEEDLETAIL_TRANSPORT_MAX_UNACKNOWLEDGED_BYTES`: the same in bytes of payload.
    public var maximumUnacknowledgedBytes = 64 << 20

    public init(serviceID: String) {
        self.serviceID = serviceID
    }

    public init(serviceID: String, from settings: inout SettingsReader) {
        self.serviceID = serviceID
        sessionInactivityTimeout = settings.milliseconds("TB_TRANSPORT_SESSIONS_INACTIVITY_TIMEOUT", default: 600_000)
        sessionReportPeriod = max(
            .milliseconds(100), settings.milliseconds("TB_TRANSPORT_SESSIONS_REPORT_TIMEOUT", default: 3_000))
        activityReporting =
            ActivityReporting(
                rawValue: settings.choice(
                    "TB_TRANSPORT_ACTIVITY_REPORTING_STRATEGY", default: "LAST",
                    of: ActivityReporting.allCases.map(\.rawValue))) ?? .last
        credentialsTimeout = settings.milliseconds("TB_QUEUE_TRANSPORT_MAX_REQUEST_TIMEOUT", default: 10_000)
        decoding.typeCast = settings.boolean("JSON_TYPE_CAST_ENABLED", default: true)
        decoding.maximumStringLength = settings.integer("JSON_MAX_STRING_VALUE_LENGTH", default: 0, in: 0...10_000_000)
        maximumUnacknowledgedMessages = settings.integer(
            "NEEDLETAIL_TRANSPORT_MAX_UNACKNOWLEDGED", default: 20_000, in: 1...10_000_000)
        maximumUnacknowledgedBytes = settings.integer(
            "NEEDLETAIL_TRANSPORT_MAX_UNACKNOWLEDGED_BYTES", default: 64 << 20, in: 65_536...(2 << 30))
    }
}

/// Which activities inside one report period the core is told of (`device-api.md` 6.1).
public enum ActivityReporting: String, Sendable, CaseIterable {
    case first = "FIRST"
    case last = "LAST"
    case firstAndLast = "FIRST_AND_LAST"
    case all = "ALL"

    /// Whether an activity may have to be reported when it happens.
    public var reportsAtOnce: Bool { self != .last }
    /// Whether the last activity of a period is reported at its end.
    public var reportsAtEnd: Bool { self != .first }
}
