public import Messages
public import Model
internal import Postgres

/// OTA packages in the database. Every statement names the tenant, but for reading data: whoever has the id of a package
/// was given it by ``assigned(to:tenant:kind:)``.
public struct OTAPackageRepository: Sendable {
    private let runner: any StatementRunner

    public init(_ runner: any StatementRunner) { self.runner = runner }

    public func find(_ id: OTAPackageID, tenant: TenantID) async throws -> OTAPackage? {
        try await runner.query(
            "SELECT \(OTAPackage.columns) FROM ota_package o WHERE o.id = $1 AND o.tenant_id = $2",
            [.id(id), .id(tenant)]
        ).first.map(OTAPackage.init)
    }

    /// Whether there is such a package, but of another tenant.
    public func belongsToOther(_ id: OTAPackageID, than tenant: TenantID) async throws -> Bool {
        try await !runner.query(
            "SELECT 1 FROM ota_package WHERE id = $1 AND tenant_id <> $2", [.id(id), .id(tenant)]
        ).isEmpty
    }

    /// The package of the device, or else of its profile (`device-api.md` 9).
    public func assigned(to device: DeviceID, tenant: TenantID, kind: OTAPackageKind) async throws -> OTAPackage? {
        let column = kind == .firmware ? "firmware_id" : "software_id"
        return try await runner.query(
            """
            SELECT \(OTAPackage.columns)
            FROM device d JOIN device_profile p ON p.id = d.device_profile_id
                JOIN ota_package o ON o.id = coalesce(d.\(column), p.\(column))
            WHERE d.id = $1 AND d.tenant_id = $2 AND o.tenant_id = $2
            """, [.id(device), .id(tenant)]
        ).first.map(OTAPackage.init)
    }

    /// A part of the data; empty behind its end.
    public func data(_ id: OTAPackageID, offset: Int64, length: Int) async throws -> [UInt8] {
        let rows = try await runner.query(
            """
            SELECT CASE WHEN $2 >= data_size THEN ''::bytea ELSE substring(data FROM $2::int + 1 FOR $3) END
            FROM ota_package WHERE id = $1
            """, [.id(id), .int8(offset), .int4(Int32(clamping: length))])
        return rows.first?.bytes(0) ?? []
    }

    /// Inserts a package without data.
    public func insert(_ package: OTAPackage) async throws {
        _ = try await runner.query(
            """
            INSERT INTO ota_package (id, created_time, tenant_id, device_profile_id, type, title, version, tag, url,
                additional_info, external_id)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
            """,
            [
                .id(package.id), .int8(package.createdTime), .id(package.tenantID), .id(package.deviceProfileID?.uuid),
                .text(package.kind.name), .text(package.title), .text(package.version), .text(package.tag),
                .text(package.url), .json(text: package.additionalInfo), .id(package.externalID),
            ])
    }

    /// Changes what may change of a package: its additional information.
    public func update(_ id: OTAPackageID, tenant: TenantID, additionalInfo: RawJSON?) async throws -> OTAPackage? {
        try await runner.query(
            """
            UPDATE ota_package o SET additional_info = $3 WHERE o.id = $1 AND o.tenant_id = $2
            RETURNING \(OTAPackage.columns)
            """, [.id(id), .id(tenant), .json(text: additionalInfo)]
        ).first.map(OTAPackage.init)
    }

    /// Stores the data of a package.
    public func store(
        _ data: [UInt8], in id: OTAPackageID, tenant: TenantID, fileName: String, contentType: String,
        algorithm: String, checksum: String
    ) async throws -> OTAPackage? {
        try await runner.query(
            """
            UPDATE ota_package o SET data = $3, data_size = $4, file_name = $5, content_type = $6,
                checksum_algorithm = $7, checksum = $8
            WHERE o.id = $1 AND o.tenant_id = $2 RETURNING \(OTAPackage.columns)
            """,
            [
                .id(id), .id(tenant), .bytes(data), .int8(Int64(data.count)), .text(fileName), .text(contentType),
                .text(algorithm), .text(checksum),
            ]
        ).first.map(OTAPackage.init)
    }

    /// Bytes of data that the tenant has.
    public func totalSize(tenant: TenantID) async throws -> Int64 {
        try await runner.query(
            "SELECT coalesce(sum(data_size), 0)::bigint FROM ota_package WHERE tenant_id = $1", [.id(tenant)]
        ).first?.int8(0) ?? 0
    }

    public func delete(_ id: OTAPackageID, tenant: TenantID) async throws -> Bool {
        try await !runner.query(
            "DELETE FROM ota_package WHERE id = $1 AND tenant_id = $2 RETURNING id", [.id(id), .id(tenant)]
        ).isEmpty
    }

    private static let shape = ListStatement.Shape(
        columns: OTAPackage.columns, source: "ota_package o", id: "o.id", searched: ["o.title"],
        sortable: [
            "createdTime": "o.created_time", "title": "o.title", "version": "o.version", "tag": "o.tag",
            "url": "o.url", "type": "o.type", "fileName": "o.file_name", "dataSize": "o.data_size",
            "checksum": "o.checksum",
        ])

    /// - Parameter profile: Only packages of that profile and kind that can be assigned.
    public func page(
        tenant: TenantID, profile: (id: DeviceProfileID, kind: OTAPackageKind)?, _ link: PageLink
    ) async throws -> Page<OTAPackage> {
        var statement = ListStatement(Self.shape)
        statement.require("o.tenant_id = $?", .id(tenant))
        if let profile {
            statement.require("o.device_profile_id = $?", .id(profile.id))
            statement.require("o.type = $?", .text(profile.kind.name))
            statement.require("(o.data_size IS NOT NULL OR o.url IS NOT NULL)")
        }
        return try await statement.page(link, on: runner, OTAPackage.init)
    }

    /// The devices of a profile without a package of their own that have not been told of this title and version, in parts,
    /// in the order of their ids.
    ///
    /// - Parameter package: `nil` finds those that were told of any.
    public func outdated(
        in profile: DeviceProfileID, tenant: TenantID, kind: OTAPackageKind, package: OTAPackage?, after id: UUID128,
        limit: Int
    ) async throws -> [DeviceID] {
        let column = kind == .firmware ? "firmware_id" : "software_id"
        func attribute(_ name: String) -> String {
            """
            (SELECT a.str_v FROM attribute_kv a WHERE a.entity_id = d.id AND a.attribute_type = 3 AND a.attribute_key =
                (SELECT key_id FROM key_dictionary WHERE key = '\(kind.prefix)_\(name)'))
            """
        }
        return try await runner.query(
            """
            SELECT d.id FROM device d
            WHERE d.tenant_id = $1 AND d.device_profile_id = $2 AND d.\(column) IS NULL AND d.id > $3
                AND (\(attribute("title")) IS DISTINCT FROM $5 OR \(attribute("version")) IS DISTINCT FROM $6)
            ORDER BY d.id LIMIT $4
            """,
            [
                .id(tenant), .id(profile), .id(id), .int8(Int64(limit)), .text(package?.title),
                .text(package?.version),
            ]
        ).map { $0.entity(0) }
    }

    /// The package of the profile.
    public func assigned(
        to profile: DeviceProfileID, tenant: TenantID, kind: OTAPackageKind
    ) async throws -> OTAPackage? {
        let column = kind == .firmware ? "firmware_id" : "software_id"
        return try await runner.query(
            """
            SELECT \(OTAPackage.columns) FROM device_profile p JOIN ota_package o ON o.id = p.\(column)
            WHERE p.id = $1 AND p.tenant_id = $2 AND o.tenant_id = $2
            """, [.id(profile), .id(tenant)]
        ).first.map(OTAPackage.init)
    }
}
