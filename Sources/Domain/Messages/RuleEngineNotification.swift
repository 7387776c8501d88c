public import Model

/// To every rule engine, topic `tb_rule_engine.notifications.<service id>` (`cluster.md` 3.6).
public enum RuleEngineNotification: Sendable {
    /// An entity changed: forget what is kept of it; chains are read anew.
    case entityChanged(TenantID, EntityID, EntityChange)
}
