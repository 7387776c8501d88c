public import Model
internal import Postgres

/// Assets in the database. Every statement names the tenant, but for the one that finds out whose a foreign id is.
public struct AssetRepository: Sendable {
    private let runner: any StatementRunner

    public init(_ runner: any StatementRunner) { self.runner = runner }

    // MARK: - One

    /// Of any tenant: the caller checks ownership (`rest-api.md` 1.13).
    public func find(_ id: AssetID) async throws -> Asset? {
        try await runner.query("SELECT \(Asset.columns) FROM asset s WHERE s.id = $1", [.id(id)]).first.map(Asset.init)
    }

    public func find(name: String, tenant: TenantID) async throws -> Asset? {
        try await runner.query(
            "SELECT \(Asset.columns) FROM asset s WHERE s.tenant_id = $1 AND s.name = $2", [.id(tenant), .text(name)]
        ).first.map(Asset.init)
    }

    /// Those of the tenant with one of these names.
    public func find(names: [String], tenant: TenantID) async throws -> [Asset] {
        try await runner.query(
            "SELECT \(Asset.columns) FROM asset s WHERE s.tenant_id = $1 AND s.name = ANY($2)",
            [.id(tenant), .textArray(names)]
        ).map(Asset.init)
    }

    /// Of any tenant: the caller checks ownership.
    public func info(_ id: AssetID) async throws -> AssetSummary? {
        try await runner.query(
            "SELECT \(AssetSummary.columns) FROM \(AssetSummary.source) WHERE s.id = $1", [.id(id)]
        ).first.map(AssetSummary.init)
    }

    /// Those of `ids` that belong to the tenant, and to `customer` if one is given.
    public func find(_ ids: [UUID128], tenant: TenantID, customer: CustomerID?) async throws -> [Asset] {
        try await runner.query(
            """
            SELECT \(Asset.columns) FROM asset s
            WHERE s.tenant_id = $1 AND s.id = ANY($2) AND ($3::uuid IS NULL OR s.customer_id = $3) ORDER BY s.id
            """, [.id(tenant), .ids(ids), .id(customer?.uuid)]
        ).map(Asset.init)
    }

    /// Inserts a new asset as version 1.
    public func insert(_ asset: Asset) async throws {
        _ = try await runner.query(
            """
            INSERT INTO asset (id, created_time, tenant_id, customer_id, name, type, label, asset_profile_id, external_id,
                additional_info, version)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1)
            """, parameters(asset))
    }

    /// Saves an asset over the stored one.
    ///
    /// - Parameter version: The version that it replaces; any when `nil`.
    /// - Returns: The asset with its new version.
    public func update(_ asset: Asset, replacing version: Int64?) async throws -> Asset {
        let row = try await runner.updateVersioned(
            .asset, asset.id.uuid, tenant: asset.tenantID, table: "asset",
            """
            UPDATE asset s SET customer_id = $4, name = $5, type = $6, label = $7, asset_profile_id = $8,
                external_id = coalesce($9, s.external_id), additional_info = $10, version = coalesce(s.version, 0) + 1
            WHERE s.id = $1 AND s.tenant_id = $3 AND ($11::bigint IS NULL OR s.version = $11) AND $2::bigint IS NOT NULL
            RETURNING \(Asset.columns)
            """, parameters(asset) + [.int8(version)])
        return Asset(row)
    }

    private func parameters(_ asset: Asset) -> [PostgresParameter] {
        [
            .id(asset.id), .int8(asset.createdTime), .id(asset.tenantID), .id(asset.customerID), .text(asset.name),
            .text(asset.type), .text(asset.label), .id(asset.assetProfileID), .id(asset.externalID),
            .json(text: asset.additionalInfo),
        ]
    }

    /// Assigns an asset to a customer, or to nobody (the null id).
    public func assign(_ id: AssetID, tenant: TenantID, customer: CustomerID) async throws -> Asset? {
        try await runner.query(
            """
            UPDATE asset s SET customer_id = $3, version = coalesce(s.version, 0) + 1
            WHERE s.id = $1 AND s.tenant_id = $2 AND \(CustomerRepository.isThere("$3"))
            RETURNING \(Asset.columns)
            """, [.id(id), .id(tenant), .id(customer)]
        ).first.map(Asset.init)
    }

    /// Deletes the asset with all that is kept about it but the history of its telemetry.
    ///
    /// - Returns: Whether there was one.
    public func delete(_ id: AssetID, tenant: TenantID) async throws -> Bool {
        let deleted = try await runner.query(
            "DELETE FROM asset WHERE id = $1 AND tenant_id = $2", [.id(id), .id(tenant)])
        guard deleted.affectedRows > 0 else { return false }
        try await EntityTraces.delete(id.entityID, on: runner)
        return true
    }

    // MARK: - Lists

    private static let sortable = [
        "createdTime": "s.created_time", "name": "s.name", "type": "s.type", "assetProfileName": "s.type",
        "label": "s.label", "customerTitle": "c.title", "customerId": "s.customer_id",
        "assetProfileId": "s.asset_profile_id", "version": "s.version",
    ]
    private static let byProfile = ListStatement.Related(
        found: "SELECT id FROM asset_profile WHERE tenant_id = $1 AND name ILIKE $2",
        condition: "s.asset_profile_id = ANY($?)")
    private static let byCustomer = ListStatement.Related(
        found: "SELECT id FROM customer WHERE tenant_id = $1 AND title ILIKE $2", condition: "s.customer_id = ANY($?)")

    private static let shape = ListStatement.Shape(
        columns: Asset.columns, source: AssetSummary.source, id: "s.id", searched: ["s.name", "s.label"],
        sortable: sortable, searchedThrough: [byProfile], counted: "asset s", tally: "asset_count s",
        indexed: "s", neverNull: ["createdTime", "name", "type"])

    private static let infoShape = ListStatement.Shape(
        columns: AssetSummary.columns, source: AssetSummary.source, id: "s.id", searched: ["s.name", "s.label"],
        sortable: sortable, searchedThrough: [byProfile, byCustomer], counted: "asset s", tally: "asset_count s",
        indexed: "s", neverNull: ["createdTime", "name", "type"])

    /// What a list of assets can be narrowed to.
    public struct Filter: Sendable {
        public var customer: CustomerID?
        public var type: String?
        public var assetProfile: AssetProfileID?

        public init(customer: CustomerID? = nil, type: String? = nil, assetProfile: AssetProfileID? = nil) {
            self.customer = customer
            self.type = type
            self.assetProfile = assetProfile
        }
    }

    public func page(tenant: TenantID, _ filter: Filter, _ link: PageLink) async throws -> Page<Asset> {
        try await narrowed(Self.shape, tenant: tenant, filter).page(link, on: runner, Asset.init)
    }

    public func infoPage(tenant: TenantID, _ filter: Filter, _ link: PageLink) async throws -> Page<AssetSummary> {
        try await narrowed(Self.infoShape, tenant: tenant, filter).page(link, on: runner, AssetSummary.init)
    }

    private func narrowed(_ shape: ListStatement.Shape, tenant: TenantID, _ filter: Filter) -> ListStatement {
        var statement = ListStatement(shape)
        statement.require("s.tenant_id = $?", .id(tenant))
        if let customer = filter.customer { statement.require("s.customer_id = $?", .id(customer)) }
        if let type = filter.type { statement.require("s.type = $?", .text(type)) }
        if let profile = filter.assetProfile { statement.require("s.asset_profile_id = $?", .id(profile)) }
        return statement
    }

    /// The names of the profiles that the tenant's assets have.
    public func types(tenant: TenantID) async throws -> [String] {
        try await runner.query(
            "SELECT DISTINCT type FROM asset WHERE tenant_id = $1 ORDER BY type", [.id(tenant)]
        ).map { $0.text(0) ?? "" }
    }
}
