/// Nodes that read what is stored (`rule-engine.md` 3.2, 3.5 to 3.7).
extension RuleNodeDescriptor {
    private static let truth = ["True", "False"]
    private static let outcome = ["Success"]
    private static let relations =
        #"{"direction":"FROM","maxLevel":1,"filters":[{"relationType":"Contains","entityTypes":[]}],"#
        + #""fetchLastLevelOnly":false}"#
    private static let attributes =
        #""clientAttributeNames":[],"sharedAttributeNames":[],"serverAttributeNames":[],"latestTsKeyNames":[],"#
        + #""tellFailureIfAbsent":true,"getLatestValueWithTs":false,"fetchTo":"METADATA""#
    private static let ownerAttributes =
        #"{"dataMapping":{"alarmThreshold":"threshold"},"dataToFetch":"ATTRIBUTES","fetchTo":"METADATA"}"#

    static let readingFilters: [RuleNodeDescriptor] = [
        RuleNodeDescriptor(
            component: .filter, type: RuleNodeTypeName.package + "filter.TbDeviceTypeSwitchNode",
            name: "device profile switch",
            description: "Route incoming messages based on the name of the device profile",
            details: "A message leaves along the connection with the name of its device's profile.",
            labels: ["default"], defaultConfiguration: emptyConfiguration, directive: "tbNodeEmptyConfig",
            hasCustomLabels: true),
        RuleNodeDescriptor(
            component: .filter, type: RuleNodeTypeName.package + "filter.TbAssetTypeSwitchNode",
            name: "asset profile switch",
            description: "Route incoming messages based on the name of the asset profile",
            details: "A message leaves along the connection with the name of its asset's profile.",
            labels: ["default"], defaultConfiguration: emptyConfiguration, directive: "tbNodeEmptyConfig",
            hasCustomLabels: true),
        RuleNodeDescriptor(
            component: .filter, type: RuleNodeTypeName.package + "filter.TbCheckRelationNode",
            name: "check relation presence",
            description: "Checks the presence of the relation between the originator of the message and other "
                + "entities.",
            details: "With a certain entity, or with any, in the direction and of the type that are chosen.",
            labels: truth,
            defaultConfiguration: #"{"direction":"FROM","entityId":null,"entityType":null,"#
                + #""relationType":"Contains","checkForSingleEntity":true}"#,
            directive: "tbFilterNodeCheckRelationConfig"),
        RuleNodeDescriptor(
            component: .filter, type: RuleNodeTypeName.package + "filter.TbCheckAlarmStatusNode",
            name: "alarm status filter", description: "Checks alarm status.",
            details: "The message's data is an alarm; what counts is the state that it has now.",
            labels: truth, defaultConfiguration: #"{"alarmStatusList":["ACTIVE_ACK","ACTIVE_UNACK"]}"#,
            directive: "tbFilterNodeCheckAlarmStatusConfig"),
    ]

    static let readingTransformations: [RuleNodeDescriptor] = [
        RuleNodeDescriptor(
            component: .transformation, type: RuleNodeTypeName.package + "transform.TbChangeOriginatorNode",
            name: "change originator",
            description: "Change message originator to Tenant/Customer/Related Entity/Alarm Originator/Entity by "
                + "name pattern.",
            details: "The message goes on as one of the other entity. Where relations lead to several, the first is "
                + "taken.",
            labels: outcome,
            defaultConfiguration: #"{"originatorSource":"CUSTOMER","relationsQuery":\#(relations),"#
                + #""entityType":null,"entityNamePattern":null}"#,
            directive: "tbTransformationNodeChangeOriginatorConfig", icon: "find_replace")
    ]

    static let enrichments: [RuleNodeDescriptor] = [
        RuleNodeDescriptor(
            component: .enrichment, type: RuleNodeTypeName.package + "metadata.TbGetAttributesNode",
            name: "originator attributes",
            description: "Adds attributes and/or latest timeseries data for the message originator to the message or "
                + "message metadata",
            details: "Keys have the prefix of their scope: <code>cs_</code>, <code>shared_</code>, <code>ss_</code>.",
            labels: outcome, defaultConfiguration: "{\(attributes)}",
            directive: "tbEnrichmentNodeOriginatorAttributesConfig"),
        RuleNodeDescriptor(
            component: .enrichment, type: RuleNodeTypeName.package + "metadata.TbGetDeviceAttrNode",
            name: "related device attributes",
            description: "Add originators related device attributes and/or latest telemetry values into message or "
                + "message metadata",
            details: "Of the first device that the relations lead to.",
            labels: outcome,
            defaultConfiguration: #"{\#(attributes),"deviceRelationsQuery":{"direction":"FROM","maxLevel":1,"#
                + #""relationType":"Contains","deviceTypes":["default"],"fetchLastLevelOnly":false}}"#,
            directive: "tbEnrichmentNodeDeviceAttributesConfig"),
        RuleNodeDescriptor(
            component: .enrichment, type: RuleNodeTypeName.package + "metadata.TbGetCustomerAttributeNode",
            name: "customer attributes",
            description: "Adds message originator customer attributes or latest telemetry into message or message "
                + "metadata",
            details: "Server attributes of the customer, under the names that they are mapped to.",
            labels: outcome, defaultConfiguration: ownerAttributes,
            directive: "tbEnrichmentNodeCustomerAttributesConfig"),
        RuleNodeDescriptor(
            component: .enrichment, type: RuleNodeTypeName.package + "metadata.TbGetTenantAttributeNode",
            name: "tenant attributes",
            description: "Adds message originator tenant attributes or latest telemetry into message or message "
                + "metadata",
            details: "Server attributes of the tenant, under the names that they are mapped to.",
            labels: outcome, defaultConfiguration: ownerAttributes,
            directive: "tbEnrichmentNodeTenantAttributesConfig"),
        RuleNodeDescriptor(
            component: .enrichment, type: RuleNodeTypeName.package + "metadata.TbGetRelatedAttributeNode",
            name: "related entity data",
            description: "Adds originators related entity attributes or latest telemetry or fields into message or "
                + "message metadata",
            details: "Of the first entity that the relations lead to.",
            labels: outcome,
            defaultConfiguration: #"{"dataMapping":{"serialNumber":"sn"},"dataToFetch":"ATTRIBUTES","#
                + #""relationsQuery":\#(relations),"fetchTo":"METADATA"}"#,
            directive: "tbEnrichmentNodeRelatedAttributesConfig"),
        RuleNodeDescriptor(
            component: .enrichment, type: RuleNodeTypeName.package + "metadata.TbGetOriginatorFieldsNode",
            name: "originator fields",
            description: "Adds message originator fields values into message or message metadata",
            details: "Fields that the originator does not have are left out.",
            labels: outcome,
            defaultConfiguration: #"{"dataMapping":{"name":"originatorName","type":"originatorType"},"#
                + #""ignoreNullStrings":false,"fetchTo":"METADATA"}"#,
            directive: "tbEnrichmentNodeOriginatorFieldsConfig"),
        RuleNodeDescriptor(
            component: .enrichment, type: RuleNodeTypeName.package + "metadata.TbGetCustomerDetailsNode",
            name: "customer details",
            description: "Adds message originator customer details into message or message metadata",
            details: "Contact data with the prefix <code>customer_</code>.",
            labels: outcome, defaultConfiguration: #"{"detailsList":[],"fetchTo":"DATA"}"#,
            directive: "tbEnrichmentNodeEntityDetailsConfig"),
        RuleNodeDescriptor(
            component: .enrichment, type: RuleNodeTypeName.package + "metadata.TbGetTenantDetailsNode",
            name: "tenant details",
            description: "Adds message originator tenant details into message or message metadata",
            details: "Contact data with the prefix <code>tenant_</code>.",
            labels: outcome, defaultConfiguration: #"{"detailsList":[],"fetchTo":"DATA"}"#,
            directive: "tbEnrichmentNodeEntityDetailsConfig"),
        RuleNodeDescriptor(
            component: .enrichment, type: RuleNodeTypeName.package + "metadata.TbGetTelemetryNode",
            name: "originator telemetry",
            description: "Adds message originator telemetry for selected time range into message metadata",
            details: "The first or last value as text, or all points as a list.",
            labels: outcome,
            defaultConfiguration: #"{"latestTsKeyNames":[],"fetchMode":"FIRST","startInterval":2,"endInterval":1,"#
                + #""startIntervalTimeUnit":"MINUTES","endIntervalTimeUnit":"MINUTES","#
                + #""useMetadataIntervalPatterns":false,"startIntervalPattern":"","endIntervalPattern":"","#
                + #""orderBy":"ASC","aggregation":"NONE","limit":1000}"#,
            directive: "tbEnrichmentNodeGetTelemetryFromDatabase"),
        RuleNodeDescriptor(
            component: .enrichment, type: RuleNodeTypeName.package + "metadata.CalculateDeltaNode",
            name: "calculate delta",
            description: "Calculates delta and amount of time passed between previous timeseries key reading and "
                + "current value for this key from the incoming message",
            details: "Messages without the key leave along <code>Other</code>.",
            labels: ["Success", "Other"],
            defaultConfiguration: #"{"inputValueKey":"pulseCounter","outputValueKey":"delta","useCache":true,"#
                + #""addPeriodBetweenMsgs":false,"periodValueKey":"periodInMs","round":null,"#
                + #""tellFailureIfDeltaIsNegative":true,"excludeZeroDeltas":false}"#,
            directive: "tbEnrichmentNodeCalculateDeltaConfig"),
    ]

    static let storingActions: [RuleNodeDescriptor] = [
        RuleNodeDescriptor(
            component: .action, type: RuleNodeTypeName.package + "telemetry.TbMsgDeleteAttributesNode",
            name: "delete attributes", description: "Delete attributes for Message Originator.",
            details: "Those that the originator does not have are left out; metadata <code>scope</code> wins over the "
                + "configured one.",
            labels: outcome,
            defaultConfiguration: #"{"scope":"SERVER_SCOPE","keys":[],"sendAttributesDeletedNotification":false,"#
                + #""notifyDevice":false}"#,
            directive: "tbActionNodeDeleteAttributesConfig", icon: "remove_circle"),
        RuleNodeDescriptor(
            component: .action, type: RuleNodeTypeName.package + "telemetry.TbCalculatedFieldsNode",
            name: "calculated fields and alarm rules",
            description: "Pushes incoming messages to calculated fields and alarm rules services",
            details: "Values of a message are computed with as if they had been saved, and are not stored: takes the "
                + "messages of <code>save time series</code> and <code>save attributes</code>.",
            labels: outcome, defaultConfiguration: emptyConfiguration, directive: "tbNodeEmptyConfig",
            icon: "published_with_changes"),
    ]
}
