internal import HTTPServer
internal import JSON
internal import Model
internal import Storage

extension Asset: JSONRendered {
    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writeHead(to: &writer)
            writer.document("additionalInfo", additionalInfo)
        }
    }

    fileprivate func writeHead(to writer: inout JSONWriter) {
        writer.id("id", id)
        writer.member("createdTime", createdTime)
        writer.id("tenantId", tenantID)
        writer.id("customerId", customerID)
        writer.member("name", name)
        writer.member("type", type)
        writer.member("label", label)
        writer.id("assetProfileId", assetProfileID)
        writer.id("externalId", .asset, externalID)
        writer.member("version", version)
    }
}

extension AssetSummary: JSONRendered {
    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            asset.writeHead(to: &writer)
            writer.member("customerTitle", customerTitle)
            writer.member("customerIsPublic", customerIsPublic)
            writer.member("assetProfileName", assetProfileName)
            writer.document("additionalInfo", asset.additionalInfo)
        }
    }
}

extension AssetProfile: JSONRendered {
    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.id("id", id)
            writer.member("createdTime", createdTime)
            writer.id("tenantId", tenantID)
            writer.member("name", name)
            writer.member("description", description)
            writer.member("image", image)
            writer.id("defaultRuleChainId", .ruleChain, defaultRuleChainID)
            writer.id("defaultDashboardId", .dashboard, defaultDashboardID)
            writer.member("defaultQueueName", defaultQueueName)
            writer.id("defaultEdgeRuleChainId", .ruleChain, defaultEdgeRuleChainID)
            writer.id("externalId", .assetProfile, externalID)
            writer.member("version", version)
            writer.member("default", isDefault)
        }
    }
}

extension AssetProfileSummary: JSONRendered {
    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.id("id", id)
            writer.id("tenantId", tenantID)
            writer.member("name", name)
            writer.member("image", image)
            writer.id("defaultDashboardId", .dashboard, defaultDashboardID)
        }
    }
}

/// A value of `type` that entities of a kind have (`rest-api.md` 3.1, EntitySubtype).
struct EntitySubtype: JSONRendered {
    let tenant: TenantID
    let entityType: EntityType
    let type: String

    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.id("tenantId", tenant)
            writer.member("entityType", entityType.name)
            writer.member("type", type)
        }
    }
}

/// Id and name of an entity (`rest-api.md` 3.1, EntityInfo).
struct EntityInfo: JSONRendered {
    let entity: EntityID
    let name: String

    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.id("id", entity.type, entity.uuid)
            writer.member("name", name)
        }
    }
}
