/// Who owns an attribute. The raw values are those of column `attribute_kv.attribute_type` (`persistence.md` 6.1).
public enum AttributeScope: Int32, Sendable, CaseIterable {
    case client = 1
    case server = 2
    case shared = 3

    /// The name in paths and metadata: `CLIENT_SCOPE`, `SERVER_SCOPE`, `SHARED_SCOPE`.
    public var name: String {
        switch self {
        case .client: "CLIENT_SCOPE"
        case .server: "SERVER_SCOPE"
        case .shared: "SHARED_SCOPE"
        }
    }

    public init?(name: String) {
        switch name {
        case "CLIENT_SCOPE": self = .client
        case "SERVER_SCOPE": self = .server
        case "SHARED_SCOPE": self = .shared
        default: return nil
        }
    }
}
