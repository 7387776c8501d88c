internal import Storage

/// What may change of a package that is there: nothing that devices may have seen (`rest-api.md` 4.20).
struct OTAPackageChanges {
    let stored: OTAPackage

    /// The description of a package: all but its contents.
    func checkDescription(_ changed: OTAPackage) throws(APIError) {
        if stored.kind != changed.kind { throw Self.prohibited("type") }
        if stored.title != changed.title { throw Self.prohibited("otaPackage title") }
        if stored.version != changed.version { throw Self.prohibited("otaPackage version") }
        if stored.tag != changed.tag { throw Self.prohibited("otaPackage tag") }
        if stored.deviceProfileID != changed.deviceProfileID { throw Self.prohibited("otaPackage deviceProfile") }
        if stored.url != nil, stored.url != changed.url { throw Self.prohibited("otaPackage URL") }
    }

    /// Contents that come for a package that has some: the very same may come again.
    func checkContents(_ given: Contents) throws(APIError) {
        if let name = stored.fileName, name != given.fileName { throw Self.prohibited("otaPackage file name") }
        if let type = stored.contentType, type != given.contentType { throw Self.prohibited("otaPackage content type") }
        if let algorithm = stored.checksumAlgorithm, algorithm != given.algorithm {
            throw Self.prohibited("otaPackage checksum algorithm")
        }
        if let checksum = stored.checksum, checksum != given.checksum { throw Self.prohibited("otaPackage data") }
        if let size = stored.dataSize, size != given.size { throw Self.prohibited("otaPackage data size") }
    }

    /// What is known of contents without looking at them.
    struct Contents {
        var fileName: String?
        var contentType: String?
        var algorithm: String?
        var checksum: String?
        /// Bytes.
        var size: Int64?
    }

    private static func prohibited(_ what: StaticString) -> APIError {
        .invalid("Updating \(what) is prohibited!")
    }
}
