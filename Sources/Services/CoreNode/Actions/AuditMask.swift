internal import Configuration
internal import Model

/// What is written to the audit log (`cluster.md` 7.12).
struct AuditMask: Sendable {
    private enum Level: String { case off = "OFF", writes = "W", everything = "RW" }

    private var isEnabled: Bool
    private var levels: [EntityType: Level] = [:]

    /// `AUDIT_LOG_ENABLED`, and `AUDIT_LOG_MASK_<TYPE>` for the types that differ from `W`.
    init(from settings: inout SettingsReader) {
        isEnabled = settings.boolean("AUDIT_LOG_ENABLED", default: true)
        for type in EntityType.allCases {
            // The names leave out what the platform's own settings leave out.
            let name = type == .tbResource ? "RESOURCE" : type.name
            let level = settings.choice("AUDIT_LOG_MASK_\(name)", default: "W", of: ["OFF", "W", "RW"])
            levels[type] = Level(rawValue: level)
        }
    }

    func includes(_ action: ActionType, of type: EntityType) -> Bool {
        guard isEnabled else { return false }
        switch levels[type] {
        case .off?: return false
        case .writes?, nil: return !action.isReading
        case .everything?: return true
        }
    }
}
