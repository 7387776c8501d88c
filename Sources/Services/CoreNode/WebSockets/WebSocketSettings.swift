public import Configuration

/// Settings of the WebSocket API (`websocket-api.md` 10.1).
public struct WebSocketSettings: Sendable {
    /// `TB_SERVER_WS_SEND_TIMEOUT`, ms: a client that takes nothing for so long is closed.
    public var sendTimeout: Duration
    /// `TB_SERVER_WS_PING_TIMEOUT`, ms: the same for one that sends no pong.
    public var pingTimeout: Duration
    /// `TB_SERVER_WS_AUTH_TIMEOUT_MS`: from the opening to the authentication.
    public var authenticationTimeout: Duration
    /// `TB_SERVER_WS_MAX_TEXT_MESSAGE_BUFFER_SIZE`: bytes of a message of a client.
    public var maximumMessageBytes: Int
    /// `TB_SERVER_WS_DEFAULT_QUEUE_MESSAGES_PER_SESSION`: messages that may wait for a client.
    public var maximumQueuedMessages: Int
    /// `TB_SERVER_WS_DYNAMIC_PAGE_LINK_REFRESH_INTERVAL_SEC`.
    public var refreshInterval: Duration
    /// `TB_SERVER_WS_MAX_ALARM_QUERIES_PER_REFRESH_INTERVAL`: pages that alarms may ask for anew in an interval.
    public var maximumAlarmQueries: Int
    /// `TB_SERVER_WS_MAX_ENTITIES_PER_DATA_SUBSCRIPTION`.
    public var maximumDataEntities: Int
    /// `TB_SERVER_WS_MAX_ENTITIES_PER_ALARM_SUBSCRIPTION`.
    public var maximumAlarmEntities: Int
    /// `TB_SERVER_WS_SUBSCRIPTIONS_PER_TENANT_RATE_LIMIT`, `count:seconds`; `nil` for none.
    var tenantRate: RateLimit?
    /// `TB_SERVER_WS_SUBSCRIPTIONS_PER_USER_RATE_LIMIT`.
    var userRate: RateLimit?

    /// Sessions of a process; further ones are not let in.
    static let maximumSessions = 20_000
    /// Subscriptions of a session; further ones are refused.
    static let maximumSubscriptions = 1000
    /// Bytes that may wait for a client.
    static let maximumQueuedBytes = 64 << 20
    /// Points of one answer; more are refused.
    static let maximumPoints = 500_000

    public init(from settings: inout SettingsReader) {
        sendTimeout = settings.milliseconds("TB_SERVER_WS_SEND_TIMEOUT", default: 5000)
        pingTimeout = settings.milliseconds("TB_SERVER_WS_PING_TIMEOUT", default: 30_000)
        authenticationTimeout = settings.milliseconds("TB_SERVER_WS_AUTH_TIMEOUT_MS", default: 10_000)
        maximumMessageBytes = settings.integer(
            "TB_SERVER_WS_MAX_TEXT_MESSAGE_BUFFER_SIZE", default: 32_768, in: 1024...16_777_216)
        maximumQueuedMessages = settings.integer(
            "TB_SERVER_WS_DEFAULT_QUEUE_MESSAGES_PER_SESSION", default: 1000, in: 1...1_000_000)
        refreshInterval = .seconds(
            settings.integer("TB_SERVER_WS_DYNAMIC_PAGE_LINK_REFRESH_INTERVAL_SEC", default: 60, in: 1...86_400))
        maximumAlarmQueries = settings.integer(
            "TB_SERVER_WS_MAX_ALARM_QUERIES_PER_REFRESH_INTERVAL", default: 10, in: 1...100_000)
        maximumDataEntities = settings.integer(
            "TB_SERVER_WS_MAX_ENTITIES_PER_DATA_SUBSCRIPTION", default: 10_000, in: 1...100_000)
        maximumAlarmEntities = settings.integer(
            "TB_SERVER_WS_MAX_ENTITIES_PER_ALARM_SUBSCRIPTION", default: 10_000, in: 1...100_000)
        tenantRate = Self.rate(settings.string("TB_SERVER_WS_SUBSCRIPTIONS_PER_TENANT_RATE_LIMIT", default: ""))
        userRate = Self.rate(settings.string("TB_SERVER_WS_SUBSCRIPTIONS_PER_USER_RATE_LIMIT", default: ""))
    }

    private static func rate(_ text: String) -> RateLimit? {
        guard let limit = RateLimit(text), !limit.bounds.isEmpty else { return nil }
        return limit
    }
}
