/// Class names of nodes that the platform itself looks for.
public enum RuleNodeTypeName {
    static let package = "org.thingsboard.rule.engine."
    /// Leads into another chain.
    public static let chainInput = package + "flow.TbRuleChainInputNode"
    /// Leads back to the chain that called.
    public static let chainOutput = package + "flow.TbRuleChainOutputNode"
}
