/// Nodes of relations, places and mails (`rule-engine.md` 3.2, 3.5, 3.7).
extension RuleNodeDescriptor {
    static let relating: [RuleNodeDescriptor] = [
        RuleNodeDescriptor(
            component: .action, type: RuleNodeTypeName.package + "action.TbCreateRelationNode", name: "create relation",
            description:
                "Finds target entity specified in the configuration and creates a relation with the originator",
            details: "The entity is found by its type and name. Where it is not there, the message leaves along "
                + "<code>Failure</code>: this node makes no entities.",
            labels: ["Success"],
            defaultConfiguration:
                #"{"direction":"FROM","relationType":"Contains","entityType":null,"entityNamePattern":"","#
                + #""entityTypePattern":null,"createEntityIfNotExists":false,"removeCurrentRelations":false,"#
                + #""changeOriginatorToRelatedEntity":false}"#,
            directive: "tbActionNodeCreateRelationConfig", icon: "add_circle"),
        RuleNodeDescriptor(
            component: .action, type: RuleNodeTypeName.package + "action.TbDeleteRelationNode", name: "delete relation",
            description: "Deletes relations of the originator",
            details: "That with one entity, or all of a type and a direction.", labels: ["Success"],
            defaultConfiguration:
                #"{"deleteForSingleEntity":false,"direction":"FROM","relationType":"Contains","entityType":null,"#
                + #""entityNamePattern":""}"#,
            directive: "tbActionNodeDeleteRelationConfig", icon: "remove_circle"),
        RuleNodeDescriptor(
            component: .filter, type: RuleNodeTypeName.package + "geo.TbGpsGeofencingFilterNode",
            name: "gps geofencing filter", description: "Filter incoming messages by GPS based geofencing",
            details: "A message whose place lies inside the perimeter leaves along <code>True</code>.",
            labels: ["True", "False"],
            defaultConfiguration:
                #"{"latitudeKeyName":"latitude","longitudeKeyName":"longitude","perimeterType":"POLYGON","#
                + #""fetchPerimeterInfoFromMessageMetadata":true,"perimeterKeyName":"ss_perimeter","#
                + #""polygonsDefinition":null,"centerLatitude":null,"centerLongitude":null,"range":null,"rangeUnit":null}"#,
            directive: "tbFilterNodeGpsGeofencingConfig"),
        RuleNodeDescriptor(
            component: .transformation, type: RuleNodeTypeName.package + "mail.TbMsgToEmailNode", name: "to email",
            description: "Transforms message to email message",
            details: "The data becomes what a node that sends mails takes.", labels: ["Success"],
            defaultConfiguration:
                #"{"fromTemplate":"info@testmail.org","toTemplate":"${userEmail}","ccTemplate":null,"#
                + #""bccTemplate":null,"subjectTemplate":"Device ${deviceType} temperature high","#
                + #""bodyTemplate":"Device ${deviceName} has high temperature $[temperature]","mailBodyType":"false","#
                + #""isHtmlTemplate":null}"#,
            directive: "tbTransformationNodeToEmailConfig", icon: "email"),
    ]
}
