import JSON
import Storage

/// The node types that this build knows. Adding one is its file and its line here.
enum RuleNodeRegistry {
    static let types: [any RuleNode.Type] =
        [
            SaveTimeseriesNode.self,
            SaveAttributesNode.self,
            MessageTypeSwitchNode.self,
            LogNode.self,
            RPCRequestNode.self,
            RPCReplyNode.self,
            RESTCallReplyNode.self,
            RuleChainInputNode.self,
            RuleChainOutputNode.self,
            DeviceStateNode.self,
        ] + flow + filters + transformations + enrichments + actions

    private static let flow: [any RuleNode.Type] = [AcknowledgeNode.self, CheckpointNode.self]

    private static let filters: [any RuleNode.Type] = [
        MessageTypeFilterNode.self, EntityTypeFilterNode.self, EntityTypeSwitchNode.self, FieldsPresenceNode.self,
        DeviceProfileSwitchNode.self, AssetProfileSwitchNode.self, CheckRelationNode.self, AlarmStatusFilterNode.self,
        ScriptFilterNode.self, ScriptSwitchNode.self, GeofencingFilterNode.self,
    ]

    private static let transformations: [any RuleNode.Type] = [
        CopyKeysNode.self, DeleteKeysNode.self, RenameKeysNode.self, SplitArrayNode.self, ChangeOriginatorNode.self,
        ScriptTransformNode.self, DeduplicationNode.self, ToEmailNode.self, JSONPathNode.self,
    ]

    private static let enrichments: [any RuleNode.Type] = [
        OriginatorAttributesNode.self, RelatedDeviceAttributesNode.self, CustomerAttributesNode.self,
        TenantAttributesNode.self, RelatedEntityDataNode.self, OriginatorFieldsNode.self, CustomerDetailsNode.self,
        TenantDetailsNode.self, OriginatorTelemetryNode.self, CalculateDeltaNode.self,
    ]

    private static let actions: [any RuleNode.Type] = [
        DeleteAttributesNode.self, CalculatedFieldsNode.self, CreateAlarmNode.self, ClearAlarmNode.self,
        DeviceProfileNode.self, DelayNode.self, GeneratorNode.self, CreateRelationNode.self, DeleteRelationNode.self,
    ]

    /// Types of nodes that do something of their own accord.
    static var selfActing: [String] { types.filter { $0 is any RememberingNode.Type }.map { $0.type } }

    private static let byName = Dictionary(uniqueKeysWithValues: types.map { ($0.type, $0) })

    /// The implementation of a class name.
    static func type(_ name: String) -> (any RuleNode.Type)? { byName[name] }

    /// Where the nodes of a class stand in the order of messages; a node of an unknown class only fails.
    static func order(of name: String) -> NodeOrder { byName[name]?.order ?? .free }

    /// Makes the node that a definition describes.
    static func makeNode(
        _ definition: RuleNodeDefinition, context: RuleNodeContext
    ) throws(RuleNodeConfigurationError) -> any RuleNode {
        guard let type = byName[definition.type] else {
            throw RuleNodeConfigurationError("unknown rule node type \(definition.type)")
        }
        return try type.init(configuration: definition.configuration, context: context)
    }
}
