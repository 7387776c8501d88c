public import Model
internal import Postgres

/// A file that the platform keeps for user interfaces and devices (`rest-api.md` 3.6, TbResource).
public struct StoredResource: Sendable {
    public enum Kind: String, Sendable, CaseIterable {
        case lwm2mModel = "LWM2M_MODEL"
        case jks = "JKS"
        case pkcs12 = "PKCS_12"
        case jsModule = "JS_MODULE"
        case image = "IMAGE"
        case dashboard = "DASHBOARD"
        case general = "GENERAL"

        /// What the contents of that kind always are: browsers run no module that comes as anything else. `nil` where the
        /// resource itself says it.
        public var mediaType: String? {
            switch self {
            case .lwm2mModel: "application/xml"
            case .jks: "application/x-java-keystore"
            case .pkcs12: "application/x-pkcs12"
            case .jsModule: "application/javascript"
            case .dashboard: "application/json"
            case .image, .general: nil
            }
        }
    }

    public var id: ResourceID
    public var createdTime: Int64
    /// The system's are seen by everybody.
    public var tenantID: TenantID
    public var title: String
    public var kind: Kind
    public var subKind: String?
    /// Its name among those of its kind.
    public var key: String
    public var fileName: String
    /// Of the content.
    public var etag: String?
    public var descriptor: RawJSON?
    public var isPublic: Bool
    public var publicKey: String?
    public var externalID: UUID128?

    public init(
        id: ResourceID, createdTime: Int64, tenantID: TenantID, title: String, kind: Kind, key: String,
        fileName: String
    ) {
        self.id = id
        self.createdTime = createdTime
        self.tenantID = tenantID
        self.title = title
        self.kind = kind
        self.key = key
        self.fileName = fileName
        isPublic = false
    }

    static let columns = """
        id, created_time, tenant_id, title, resource_type, resource_sub_type, resource_key, file_name, etag, \
        descriptor, is_public, public_resource_key, external_id
        """

    init(_ row: PostgresRow) {
        id = row.entity(0)
        createdTime = row.int8(1) ?? 0
        tenantID = row.entity(2)
        title = row.text(3) ?? ""
        kind = Kind(rawValue: row.text(4) ?? "") ?? .general
        subKind = row.text(5)
        key = row.text(6) ?? ""
        fileName = row.text(7) ?? ""
        etag = row.text(8)
        descriptor = row.document(9)
        isPublic = row.bool(10) ?? false
        publicKey = row.text(11)
        externalID = row.id(12)
    }
}

/// Resources in the database.
public struct ResourceRepository: Sendable {
    private let runner: any StatementRunner

    public init(_ runner: any StatementRunner) { self.runner = runner }

    // MARK: - Reading

    /// Of any tenant: the caller checks ownership (`rest-api.md` 1.13).
    public func find(_ id: ResourceID) async throws -> StoredResource? {
        try await runner.query("SELECT \(StoredResource.columns) FROM resource WHERE id = $1", [.id(id)])
            .first.map(StoredResource.init)
    }

    public func find(kind: StoredResource.Kind, key: String, tenant: TenantID) async throws -> StoredResource? {
        try await runner.query(
            """
            SELECT \(StoredResource.columns) FROM resource
            WHERE tenant_id = $1 AND resource_type = $2 AND resource_key = $3
            """, [.id(tenant), .text(kind.rawValue), .text(key)]
        ).first.map(StoredResource.init)
    }

    /// What somebody has made public under a key.
    public func find(publicKey: String) async throws -> StoredResource? {
        try await runner.query(
            "SELECT \(StoredResource.columns) FROM resource WHERE is_public AND public_resource_key = $1",
            [.text(publicKey)]
        ).first.map(StoredResource.init)
    }

    /// Those of `ids` that a tenant sees.
    public func find(_ ids: [UUID128], tenant: TenantID) async throws -> [StoredResource] {
        try await runner.query(
            """
            SELECT \(StoredResource.columns) FROM resource WHERE tenant_id IN ($1, $2) AND id = ANY($3) ORDER BY id
            """, [.id(tenant), .id(TenantID.system), .ids(ids)]
        ).map(StoredResource.init)
    }

    public func content(of id: ResourceID) async throws -> [UInt8] {
        try await runner.query("SELECT data FROM resource WHERE id = $1", [.id(id)]).first?.bytes(0) ?? []
    }

    /// - Parameters:
    ///   - ownOnly: Without those of the system.
    ///   - kinds: Those that are listed.
    public func page(
        tenant: TenantID, ownOnly: Bool, kinds: [StoredResource.Kind], subKind: String? = nil, _ link: PageLink
    ) async throws -> Page<StoredResource> {
        var statement = ListStatement(
            .init(
                columns: StoredResource.columns, source: "resource", searched: ["title", "resource_key"],
                sortable: [
                    "createdTime": "created_time", "title": "title", "name": "title", "resourceType": "resource_type",
                    "resourceKey": "resource_key", "fileName": "file_name",
                ]))
        statement.require("tenant_id = ANY($?)", .ids(ownOnly ? [tenant.uuid] : [tenant.uuid, TenantID.system.uuid]))
        statement.require("resource_type = ANY($?)", .textArray(kinds.map(\.rawValue)))
        if let subKind { statement.require("resource_sub_type = $?", .text(subKind)) }
        return try await statement.page(link, on: runner, StoredResource.init)
    }

    /// Bytes of the content.
    public func size(of id: ResourceID) async throws -> Int64 {
        try await runner.query("SELECT octet_length(data)::int8 FROM resource WHERE id = $1", [.id(id)]).first?.int8(0)
            ?? 0
    }

    /// Bytes of all resources of a tenant.
    public func totalSize(tenant: TenantID) async throws -> Int64 {
        try await runner.query(
            "SELECT coalesce(sum(octet_length(data)), 0)::int8 FROM resource WHERE tenant_id = $1", [.id(tenant)]
        )[0].int8(0) ?? 0
    }

    // MARK: - Writing

    public func insert(_ resource: StoredResource, content: [UInt8]) async throws {
        _ = try await runner.query(
            """
            INSERT INTO resource (id, created_time, tenant_id, title, resource_type, resource_sub_type, resource_key,
                file_name, etag, descriptor, is_public, public_resource_key, data)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
            """,
            [
                .id(resource.id), .int8(resource.createdTime), .id(resource.tenantID), .text(resource.title),
                .text(resource.kind.rawValue), .text(resource.subKind), .text(resource.key), .text(resource.fileName),
                .text(resource.etag), .json(text: resource.descriptor), .boolean(resource.isPublic),
                .text(resource.publicKey), .bytes(content),
            ])
    }

    /// Kind and key stay.
    ///
    /// - Parameter content: Replaces the stored content where given.
    public func update(_ resource: StoredResource, content: [UInt8]?) async throws -> StoredResource? {
        try await runner.query(
            """
            UPDATE resource SET title = $3, descriptor = coalesce($4, descriptor), data = coalesce($5, data),
                etag = coalesce($6, etag), file_name = $7, is_public = $8, public_resource_key = $9,
                resource_sub_type = $10
            WHERE id = $1 AND tenant_id = $2 RETURNING \(StoredResource.columns)
            """,
            [
                .id(resource.id), .id(resource.tenantID), .text(resource.title), .json(text: resource.descriptor),
                content.map { .bytes($0) } ?? .null, content == nil ? .null : .text(resource.etag),
                .text(resource.fileName), .boolean(resource.isPublic), .text(resource.publicKey),
                .text(resource.subKind),
            ]
        ).first.map(StoredResource.init)
    }

    /// Returns whether there was one.
    public func delete(_ id: ResourceID, tenant: TenantID) async throws -> Bool {
        try await runner.query(
            "DELETE FROM resource WHERE id = $1 AND tenant_id = $2", [.id(id), .id(tenant)]
        ).affectedRows > 0
    }
}
