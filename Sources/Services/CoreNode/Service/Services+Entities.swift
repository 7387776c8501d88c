internal import Storage

extension Services {
    var assets: AssetRepository { AssetRepository(database) }
    var assetProfiles: AssetProfileRepository { AssetProfileRepository(database) }
    var entityViews: EntityViewRepository { EntityViewRepository(database) }
    var calculatedFields: CalculatedFieldRepository { CalculatedFieldRepository(database) }
    var relations: RelationRepository { RelationRepository(database) }
}

extension RESTService {
    /// Devices' relatives: assets, views, relations, dashboards.
    static func entityGroups(_ services: Services) -> [any EndpointGroup] {
        [
            ProfessionalPaths(services: services), DeviceQueries(services: services),
            ClaimEndpoints(services: services),
            ConnectivityCommands(services: services), GatewayLaunch(services: services),
            BulkImportEndpoints(services: services), AssetEndpoints(services: services),
            AssetSaving(services: services),
            AssetProfileEndpoints(services: services), EntityViewEndpoints(services: services),
            EntityViewSaving(services: services), RelationEndpoints(services: services),
            RelationLists(services: services), DashboardAssigning(services: services),
            HomeDashboards(services: services),
        ]
    }
}
