extension RESTService {
    /// Rule chains, alarms, events, queries and what else there is beside the entities.
    static func dataGroups(_ services: Services) -> [any EndpointGroup] {
        [
            RuleChainEndpoints(services: services), ScriptTestEndpoints(services: services),
            RuleChainTransferEndpoints(services: services),
            ComponentEndpoints(services: services), EventEndpoints(services: services),
            AlarmEndpoints(services: services), AlarmListEndpoints(services: services),
            AlarmCommentEndpoints(services: services), EntityQueryEndpoints(services: services),
            QueueEndpoints(services: services), QueueSaving(services: services),
            EmptyResourceEndpoints(services: services), CalculatedFieldEndpoints(services: services),
            AlarmRuleEndpoints(services: services),
            RuleEngineCallEndpoints(services: services),
            WidgetsBundleEndpoints(services: services), WidgetTypeEndpoints(services: services),
            ResourceEndpoints(services: services), ImageEndpoints(services: services),
            ResourceUploadEndpoints(services: services), NotificationSettingsEndpoints(services: services),
        ]
    }
}
