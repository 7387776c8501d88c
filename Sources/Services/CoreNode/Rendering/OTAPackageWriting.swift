internal import JSON
internal import Messages
internal import Model
internal import Storage

extension OTAPackage: JSONRendered {
    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.id("id", id)
            writer.member("createdTime", createdTime)
            writer.id("tenantId", tenantID)
            writer.id("deviceProfileId", .deviceProfile, deviceProfileID?.uuid)
            writer.member("type", kind.name)
            writer.member("title", title)
            writer.member("version", version)
            writer.member("tag", tag)
            writer.member("url", url)
            writer.member("hasData", hasData)
            writer.member("fileName", fileName)
            writer.member("contentType", contentType)
            writer.member("checksumAlgorithm", checksumAlgorithm)
            writer.member("checksum", checksum)
            writer.member("dataSize", dataSize)
            writer.id("externalId", .otaPackage, externalID)
            writer.member("name", title)
            writer.document("additionalInfo", additionalInfo)
        }
    }
}
