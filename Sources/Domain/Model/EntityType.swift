/// What an entity is. The raw values are those of the messages' enumeration (`cluster.md` 3.1).
public enum EntityType: UInt8, Sendable, CaseIterable {
    case tenant = 1
    case customer = 2
    case user = 3
    case dashboard = 4
    case asset = 5
    case device = 6
    case alarm = 7
    case ruleChain = 11
    case ruleNode = 12
    case entityView = 15
    case widgetsBundle = 16
    case widgetType = 17
    case tenantProfile = 20
    case deviceProfile = 21
    case assetProfile = 22
    case apiUsageState = 23
    case tbResource = 24
    case otaPackage = 25
    case edge = 26
    case rpc = 27
    case queue = 28
    case notificationTarget = 29
    case notificationTemplate = 30
    case notificationRequest = 31
    case notification = 32
    case notificationRule = 33
    case queueStats = 34
    case oauth2Client = 35
    case domain = 36
    case mobileApp = 37
    case mobileAppBundle = 38
    case calculatedField = 39
    case job = 41
    case adminSettings = 42
    case aiModel = 43
    case apiKey = 44

    /// The name in JSON and in most tables, for example `DEVICE_PROFILE`.
    public var name: String {
        switch self {
        case .tenant: "TENANT"
        case .customer: "CUSTOMER"
        case .user: "USER"
        case .dashboard: "DASHBOARD"
        case .asset: "ASSET"
        case .device: "DEVICE"
        case .alarm: "ALARM"
        case .ruleChain: "RULE_CHAIN"
        case .ruleNode: "RULE_NODE"
        case .entityView: "ENTITY_VIEW"
        case .widgetsBundle: "WIDGETS_BUNDLE"
        case .widgetType: "WIDGET_TYPE"
        case .tenantProfile: "TENANT_PROFILE"
        case .deviceProfile: "DEVICE_PROFILE"
        case .assetProfile: "ASSET_PROFILE"
        case .apiUsageState: "API_USAGE_STATE"
        case .tbResource: "TB_RESOURCE"
        case .otaPackage: "OTA_PACKAGE"
        case .edge: "EDGE"
        case .rpc: "RPC"
        case .queue: "QUEUE"
        case .notificationTarget: "NOTIFICATION_TARGET"
        case .notificationTemplate: "NOTIFICATION_TEMPLATE"
        case .notificationRequest: "NOTIFICATION_REQUEST"
        case .notification: "NOTIFICATION"
        case .notificationRule: "NOTIFICATION_RULE"
        case .queueStats: "QUEUE_STATS"
        case .oauth2Client: "OAUTH2_CLIENT"
        case .domain: "DOMAIN"
        case .mobileApp: "MOBILE_APP"
        case .mobileAppBundle: "MOBILE_APP_BUNDLE"
        case .calculatedField: "CALCULATED_FIELD"
        case .job: "JOB"
        case .adminSettings: "ADMIN_SETTINGS"
        case .aiModel: "AI_MODEL"
        case .apiKey: "API_KEY"
        }
    }

    private static let byName = Dictionary(uniqueKeysWithValues: allCases.map { ($0.name, $0) })

    /// The type of that JSON name, or `nil`.
    public init?(name: String) {
        guard let type = Self.byName[name] else { return nil }
        self = type
    }

    /// The name in messages for people (`rest-api.md` 2.4): `Device profile`, `Entity View`.
    public var normalName: String {
        switch self {
        case .entityView: return "Entity View"
        case .aiModel: return "AI model"
        case .tbResource: return "Resource"
        default:
            let words = name.lowercased().split(separator: "_").joined(separator: " ")
            return words.prefix(1).uppercased() + words.dropFirst()
        }
    }
}
