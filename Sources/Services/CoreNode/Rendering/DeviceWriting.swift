internal import JSON
internal import Model
internal import Storage

extension Device: JSONRendered {
    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writeHead(to: &writer)
            writeTail(to: &writer)
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
        writer.id("deviceProfileId", deviceProfileID)
        writer.id("firmwareId", .otaPackage, firmwareID)
        writer.id("softwareId", .otaPackage, softwareID)
        writer.id("externalId", .device, externalID)
        writer.member("version", version)
    }

    fileprivate func writeTail(to writer: inout JSONWriter) {
        writer.document("additionalInfo", additionalInfo)
        writer.document("deviceData", deviceData)
    }
}

extension DeviceSummary: JSONRendered {
    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            device.writeHead(to: &writer)
            writer.member("customerTitle", customerTitle)
            writer.member("customerIsPublic", customerIsPublic)
            writer.member("deviceProfileName", deviceProfileName)
            writer.member("active", isActive)
            device.writeTail(to: &writer)
        }
    }
}

extension DeviceCredentials: JSONRendered {
    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.key("id")
            writer.object { $0.member("id", id.text) }
            writer.member("createdTime", createdTime)
            writer.id("deviceId", deviceID)
            writer.member("credentialsType", type.rawValue)
            writer.member("credentialsId", credentialsID)
            writer.member("credentialsValue", credentialsValue)
            writer.member("version", version)
        }
    }
}

extension DeviceProfile: JSONRendered {
    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.id("id", id)
            writer.member("createdTime", createdTime)
            writer.id("tenantId", tenantID)
            writer.member("name", name)
            writer.member("description", description)
            writer.member("image", image)
            writer.member("type", type)
            writer.member("transportType", transportType)
            writer.member("provisionType", provisionType)
            writer.id("defaultRuleChainId", .ruleChain, defaultRuleChainID)
            writer.id("defaultDashboardId", .dashboard, defaultDashboardID)
            writer.member("defaultQueueName", defaultQueueName)
            writer.member("provisionDeviceKey", provisionDeviceKey)
            writer.id("firmwareId", .otaPackage, firmwareID)
            writer.id("softwareId", .otaPackage, softwareID)
            writer.id("defaultEdgeRuleChainId", .ruleChain, defaultEdgeRuleChainID)
            writer.id("externalId", .deviceProfile, externalID)
            writer.member("version", version)
            writer.member("default", isDefault)
            writer.document("profileData", profileData)
        }
    }
}

extension DeviceProfileSummary: JSONRendered {
    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.id("id", id)
            writer.id("tenantId", tenantID)
            writer.member("name", name)
            writer.member("image", image)
            writer.id("defaultDashboardId", .dashboard, defaultDashboardID)
            writer.member("type", type)
            writer.member("transportType", transportType)
        }
    }
}
