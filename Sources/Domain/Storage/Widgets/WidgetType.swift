public import Model
internal import Postgres

/// A kind of widget; what it shows is the user interface's business (`rest-api.md` 3.6).
public struct WidgetType: Sendable {
    public var id: WidgetTypeID
    public var createdTime: Int64
    /// The system's are seen by everybody.
    public var tenantID: TenantID
    /// Its name inside the tenant, as `cards.value_card`.
    public var fqn: String
    public var name: String
    public var isDeprecated: Bool
    public var isSCADA: Bool
    public var version: Int64
    public var image: String?
    public var description: String?
    public var tags: [String]
    public var externalID: UUID128?
    public var descriptor: RawJSON?
    /// Kind of the widget, and `[{"id":...,"name":...}]` of its bundles.
    public var kind: String
    public var bundles: RawJSON?

    public init(id: WidgetTypeID, createdTime: Int64, tenantID: TenantID, fqn: String, name: String) {
        self.id = id
        self.createdTime = createdTime
        self.tenantID = tenantID
        self.fqn = fqn
        self.name = name
        isDeprecated = false
        isSCADA = false
        version = 1
        tags = []
        kind = ""
    }

    static let columns = """
        t.id, t.created_time, t.tenant_id, t.fqn, t.name, t.deprecated, t.scada, t.version, t.image, t.description, \
        array_to_json(t.tags)::text, t.external_id, t.descriptor, t.widget_type, t.bundles::text
        """

    init(_ row: PostgresRow) {
        id = row.entity(0)
        createdTime = row.int8(1) ?? 0
        tenantID = row.entity(2)
        fqn = row.text(3) ?? ""
        name = row.text(4) ?? ""
        isDeprecated = row.bool(5) ?? false
        isSCADA = row.bool(6) ?? false
        version = row.int8(7) ?? 1
        image = row.text(8)
        description = row.text(9)
        tags = row.texts(10)
        externalID = row.id(11)
        descriptor = row.document(12)
        kind = row.text(13) ?? ""
        bundles = row.document(14)
    }
}

/// Which widget types are wanted.
public struct WidgetTypeFilter: Sendable {
    public var tenant: TenantID
    public var ownOnly = false
    public var bundle: WidgetsBundleID?
    public var isDeprecated: Bool?
    /// Kinds of widgets; empty: all.
    public var kinds: [String] = []

    public init(tenant: TenantID) { self.tenant = tenant }
}

/// Widget types in the database.
public struct WidgetTypeRepository: Sendable {
    private let runner: any StatementRunner

    public init(_ runner: any StatementRunner) { self.runner = runner }

    /// Of any tenant: the caller checks ownership (`rest-api.md` 1.13).
    public func find(_ id: WidgetTypeID) async throws -> WidgetType? {
        try await runner.query(
            "SELECT \(WidgetType.columns) FROM widget_type_info_view t WHERE t.id = $1", [.id(id)]
        ).first.map(WidgetType.init)
    }

    public func find(fqn: String, tenant: TenantID) async throws -> WidgetType? {
        try await runner.query(
            "SELECT \(WidgetType.columns) FROM widget_type_info_view t WHERE t.tenant_id = $1 AND t.fqn = $2",
            [.id(tenant), .text(fqn)]
        ).first.map(WidgetType.init)
    }

    /// Ids of types by names that begin with `system.` or `tenant.`, in their order; unknown ones are left out.
    public func ids(fqns: [String], tenant: TenantID) async throws -> [UUID128] {
        try await runner.query(
            """
            SELECT t.id FROM unnest($1::text[]) WITH ORDINALITY AS n (name, place) JOIN widget_type t
                ON t.tenant_id IN ($2, $3)
                AND n.name = CASE WHEN t.tenant_id = $3 THEN 'system.' ELSE 'tenant.' END || t.fqn
            ORDER BY n.place
            """, [.textArray(fqns), .id(tenant), .id(TenantID.system)]
        ).compactMap { $0.id(0) }
    }

    /// The types of a bundle, in its order.
    public func all(in bundle: WidgetsBundleID) async throws -> [WidgetType] {
        try await runner.query(
            """
            SELECT \(WidgetType.columns) FROM widgets_bundle_widget w
            JOIN widget_type_info_view t ON t.id = w.widget_type_id
            WHERE w.widgets_bundle_id = $1 ORDER BY w.widget_type_order, t.id
            """, [.id(bundle)]
        ).map(WidgetType.init)
    }

    public func page(_ filter: WidgetTypeFilter, _ link: PageLink) async throws -> Page<WidgetType> {
        var statement = ListStatement(
            .init(
                columns: WidgetType.columns,
                source: "widget_type_info_view t"
                    + (filter.bundle == nil ? "" : " JOIN widgets_bundle_widget w ON w.widget_type_id = t.id"),
                id: "t.id", searched: ["t.name", "t.description"],
                sortable: [
                    "createdTime": "t.created_time", "name": "t.name", "deprecated": "t.deprecated",
                    "widgetType": "t.widget_type",
                ]))
        let tenants = filter.ownOnly ? [filter.tenant.uuid] : [filter.tenant.uuid, TenantID.system.uuid]
        statement.require("t.tenant_id = ANY($?)", .ids(tenants))
        if let bundle = filter.bundle { statement.require("w.widgets_bundle_id = $?", .id(bundle)) }
        if let flag = filter.isDeprecated { statement.require("t.deprecated = $?", .boolean(flag)) }
        if !filter.kinds.isEmpty { statement.require("t.widget_type = ANY($?)", .textArray(filter.kinds)) }
        return try await statement.page(link, on: runner, WidgetType.init)
    }

    // MARK: - Writing

    private func parameters(_ type: WidgetType) -> [PostgresParameter] {
        [
            .id(type.id), .id(type.tenantID), .text(type.name), .boolean(type.isDeprecated), .boolean(type.isSCADA),
            .text(type.image), .text(type.description), .textArray(type.tags), .json(text: type.descriptor),
        ]
    }

    public func insert(_ type: WidgetType) async throws {
        _ = try await runner.query(
            """
            INSERT INTO widget_type (id, tenant_id, name, deprecated, scada, image, description, tags, descriptor,
                created_time, fqn)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
            """, parameters(type) + [.int8(type.createdTime), .text(type.fqn)])
    }

    /// The name inside the tenant stays as it was made.
    ///
    /// - Parameter version: The version that it replaces; any when `nil`.
    public func update(_ type: WidgetType, replacing version: Int64?) async throws {
        _ = try await runner.updateVersioned(
            .widgetType, type.id.uuid, tenant: type.tenantID, table: "widget_type",
            """
            UPDATE widget_type SET name = $3, deprecated = $4, scada = $5, image = $6, description = $7, tags = $8,
                descriptor = $9, version = version + 1
            WHERE id = $1 AND tenant_id = $2 AND ($10::bigint IS NULL OR version = $10) RETURNING id
            """, parameters(type) + [.int8(version)])
    }

    /// Returns whether there was one.
    public func delete(_ id: WidgetTypeID, tenant: TenantID) async throws -> Bool {
        try await runner.query(
            "DELETE FROM widget_type WHERE id = $1 AND tenant_id = $2", [.id(id), .id(tenant)]
        ).affectedRows > 0
    }
}

extension PostgresRow {
    /// Texts in a column that holds a JSON array of them.
    fileprivate func texts(_ column: Int) -> [String] { document(column)?.texts ?? [] }
}
