public import Messages
public import Model
internal import Postgres

/// Firmware or software for devices, without its data (`rest-api.md` 3.6).
public struct OTAPackage: Sendable {
    public var id: OTAPackageID
    /// Milliseconds since 1970.
    public var createdTime: Int64
    public var tenantID: TenantID
    public var deviceProfileID: DeviceProfileID?
    public var kind: OTAPackageKind
    public var title: String
    public var version: String
    public var tag: String?
    /// Of a package that devices fetch from elsewhere.
    public var url: String?
    public var hasData: Bool
    public var fileName: String?
    public var contentType: String?
    public var checksumAlgorithm: String?
    public var checksum: String?
    /// Bytes.
    public var dataSize: Int64?
    public var externalID: UUID128?
    public var additionalInfo: RawJSON?

    public init(
        id: OTAPackageID, createdTime: Int64, tenantID: TenantID, deviceProfileID: DeviceProfileID?,
        kind: OTAPackageKind, title: String, version: String, tag: String? = nil, url: String? = nil,
        externalID: UUID128? = nil, additionalInfo: RawJSON? = nil
    ) {
        self.id = id
        self.createdTime = createdTime
        self.tenantID = tenantID
        self.deviceProfileID = deviceProfileID
        self.kind = kind
        self.title = title
        self.version = version
        self.tag = tag
        self.url = url
        hasData = false
        self.externalID = externalID
        self.additionalInfo = additionalInfo
    }

    static let columns = """
        o.id, o.created_time, o.tenant_id, o.device_profile_id, o.type, o.title, o.version, o.tag, o.url, \
        o.data_size IS NOT NULL AND o.url IS NULL, o.file_name, o.content_type, o.checksum_algorithm, o.checksum, \
        o.data_size, o.external_id, o.additional_info
        """

    init(_ row: PostgresRow) {
        id = row.entity(0)
        createdTime = row.int8(1) ?? 0
        tenantID = row.entity(2)
        deviceProfileID = row.id(3).map(DeviceProfileID.init)
        kind = row.text(4).flatMap(OTAPackageKind.init(name:)) ?? .firmware
        title = row.text(5) ?? ""
        version = row.text(6) ?? ""
        tag = row.text(7)
        url = row.text(8)
        hasData = row.bool(9) ?? false
        fileName = row.text(10)
        contentType = row.text(11)
        checksumAlgorithm = row.text(12)
        checksum = row.text(13)
        dataSize = row.int8(14)
        externalID = row.id(15)
        additionalInfo = row.document(16)
    }

    /// What a transport needs to know of it.
    public var info: OTAPackageInfo {
        OTAPackageInfo(
            id: id, kind: kind, title: title, version: version, contentType: contentType ?? "",
            fileName: fileName ?? "", size: dataSize ?? 0)
    }
}
