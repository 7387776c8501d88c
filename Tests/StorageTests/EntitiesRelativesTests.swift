import JSON
import Model
import Postgres
import Telemetry
import TestSupport
import Testing

@testable import Storage

/// Assets, entity views, relations, dashboards' customers and limits.
@Suite(.enabled(if: TestDatabase.isAvailable, "PostgreSQL is not installed"), .serialized)
struct EntitiesRelativesTests {
    private let database: OneConnection
    private let tenant: TenantID
    private let salt = String(UInt32.random(in: 0...UInt32.max))

    init() throws {
        database = try OneConnection()
        tenant = try database.tenant()
    }

    private var assets: AssetRepository { AssetRepository(database) }
    private var profiles: AssetProfileRepository { AssetProfileRepository(database) }
    private var views: EntityViewRepository { EntityViewRepository(database) }
    private var relations: RelationRepository { RelationRepository(database) }

    private func makeAsset(_ name: String, type: String = "default", label: String? = nil) async throws -> Asset {
        let profile = try await profiles.findOrCreate(name: type, tenant: tenant, now: 1)
        let asset = Asset(
            id: AssetID(.ordered()), createdTime: 1, tenantID: tenant, name: name, type: profile.name, label: label,
            assetProfileID: profile.id)
        try await assets.insert(asset)
        return asset
    }

    // MARK: - Assets

    @Test func anAssetComesBackAsItWasSaved() async throws {
        let asset = try await makeAsset("a" + salt, label: "L")
        let found = try #require(try await assets.find(asset.id))
        #expect(found.name == asset.name)
        #expect(found.label == "L")
        #expect(found.type == "default")
        #expect(found.customerID.isNull)
        #expect(found.version == 1)
        #expect(try await assets.info(asset.id)?.assetProfileName == "default")
    }

    @Test func anAssetIsNotListedForAnotherTenant() async throws {
        let asset = try await makeAsset("a" + salt)
        let other = TenantID(.ordered())
        #expect(try await assets.find(name: asset.name, tenant: other) == nil)
        #expect(try await assets.find([asset.id.uuid], tenant: other, customer: nil).isEmpty)
        #expect(try await assets.page(tenant: other, .init(), PageLink(pageSize: 10, page: 0)).totalElements == 0)
        #expect(try await assets.assign(asset.id, tenant: other, customer: .null) == nil)
        #expect(try await assets.delete(asset.id, tenant: other) == false)
        await #expect(throws: EntityError.notFound(.asset, asset.id.uuid)) {
            var foreign = asset
            foreign.tenantID = other
            _ = try await assets.update(foreign, replacing: nil)
        }
    }

    @Test func renamingAnAssetProfileRenamesTheTypeOfItsAssets() async throws {
        let asset = try await makeAsset("a" + salt, type: "before" + salt)
        var profile = try #require(try await profiles.find(asset.assetProfileID, tenant: tenant))
        profile.name = "after" + salt
        _ = try await profiles.update(profile, replacing: 1)
        #expect(try await assets.find(asset.id)?.type == "after" + salt)
        #expect(try await assets.types(tenant: tenant).contains("after" + salt))
    }

    @Test func oneProfileIsTheDefault() async throws {
        let former = try #require(try await profiles.findDefault(tenant: tenant))
        let profile = try await profiles.findOrCreate(name: "p" + salt, tenant: tenant, now: 1)
        let changed = try await profiles.makeDefault(profile.id, tenant: tenant)
        #expect(changed?.isDefault == true)
        #expect(try await profiles.findDefault(tenant: tenant)?.id == profile.id)
        #expect(try await profiles.find(former.id, tenant: tenant)?.isDefault == false)
        _ = try await profiles.makeDefault(former.id, tenant: tenant)
    }

    @Test func aSearchFindsNamesLabelsAndProfilesAndCountsThemAll() async throws {
        for number in 0..<5 { _ = try await makeAsset("Search\(number) " + salt, type: "t" + salt) }
        _ = try await makeAsset("other" + salt, type: "u" + salt, label: "labelled SEARCH " + salt)
        func names(_ text: String, _ link: (String) -> PageLink) async throws -> (names: [String], total: Int64) {
            let page = try await assets.infoPage(tenant: tenant, .init(), link(text))
            return (page.elements.map(\.asset.name), page.totalElements)
        }
        let byName = try await names("search") {
            PageLink(pageSize: 2, page: 1, textSearch: $0, sort: .init(property: "name", descending: true))
        }
        #expect(byName.names == ["Search3 " + salt, "Search2 " + salt])
        #expect(byName.total == 6)
        let byProfile = try await names("T" + salt) { PageLink(pageSize: 2, page: 0, textSearch: $0) }
        #expect(byProfile.names == ["Search0 " + salt, "Search1 " + salt])
        #expect(byProfile.total == 5)
        let beyond = try await names("T" + salt) { PageLink(pageSize: 2, page: 9, textSearch: $0) }
        #expect(beyond.names.isEmpty)
        #expect(beyond.total == 5)
    }

    // MARK: - Traces

    @Test func deletingAnAssetRemovesRelationsInBothDirectionsAndItsAlarms() async throws {
        let asset = try await makeAsset("a" + salt)
        let other = try await makeAsset("b" + salt)
        _ = try await relations.save(EntityRelation(from: asset.id.entityID, to: other.id.entityID, type: "Contains"))
        _ = try await relations.save(
            EntityRelation(from: other.id.entityID, to: asset.id.entityID, type: "Manages", group: .edge))
        _ = try await database.query(
            """
            INSERT INTO alarm (id, created_time, tenant_id, originator_id, originator_type, type, severity, start_ts, end_ts)
            VALUES ($1, 1, $2, $3, 4, 'A', 'MAJOR', 1, 1)
            """, [.id(UUID128.ordered()), .id(tenant), .id(asset.id)])
        let isDeleted = try await assets.delete(asset.id, tenant: tenant)
        #expect(isDeleted)
        #expect(
            try await relations.list(of: other.id.entityID, .from, group: .edge, limit: 10).isEmpty)
        #expect(try await relations.list(of: other.id.entityID, .to, group: .common, limit: 10).isEmpty)
        #expect(try await database.query("SELECT 1 FROM alarm WHERE originator_id = $1", [.id(asset.id)]).isEmpty)
    }

    @Test func deletingAUserOrADeviceProfileRemovesTheirRelationsAndAttributes() async throws {
        let asset = try await makeAsset("a" + salt)
        let profile = DeviceProfile(id: DeviceProfileID(.ordered()), createdTime: 1, tenantID: tenant, name: "p" + salt)
        try await DeviceProfileRepository(database).insert(profile)
        let user = User(
            id: UserID(.ordered()), createdTime: 1, tenantID: tenant, email: "u\(salt)@x.org",
            authority: .tenantAdministrator)
        try await UserRepository(database).insert(user)
        for entity in [profile.id.entityID, user.id.entityID] {
            _ = try await relations.save(EntityRelation(from: asset.id.entityID, to: entity, type: "Uses"))
            _ = try await database.query(
                """
                INSERT INTO attribute_kv (entity_id, attribute_type, attribute_key, long_v, last_update_ts)
                VALUES ($1, 2, 1, 5, 1)
                """, [.id(entity.uuid)])
        }
        let isProfileDeleted = try await DeviceProfileRepository(database).delete(profile.id, tenant: tenant)
        let isUserDeleted = try await UserRepository(database).delete(user.id, tenant: tenant)
        #expect(isProfileDeleted && isUserDeleted)
        #expect(try await relations.list(of: asset.id.entityID, .from, group: .common, limit: 10).isEmpty)
        let left = try await database.query(
            "SELECT 1 FROM attribute_kv WHERE entity_id IN ($1, $2)", [.id(profile.id), .id(user.id)])
        #expect(left.isEmpty)
    }

    // MARK: - Relations

    @Test func savingARelationAgainReplacesItWithALaterVersion() async throws {
        let from = try await makeAsset("a" + salt)
        let to = try await makeAsset("b" + salt)
        var relation = EntityRelation(from: from.id.entityID, to: to.id.entityID, type: "Contains")
        let first = try await relations.save(relation)
        relation.additionalInfo = RawJSON(wellFormed: #"{"a":1}"#)
        let second = try await relations.save(relation)
        #expect(second.version > first.version)
        #expect(try await relations.find(relation)?.additionalInfo == relation.additionalInfo)
        #expect(try await relations.list(of: from.id.entityID, .from, group: .common, limit: 10).count == 1)
        #expect(try await relations.delete(relation)?.version ?? 0 > second.version)
        #expect(try await relations.delete(relation) == nil)
    }

    /// a → b → c → a, b → d.
    private func makeCircle() async throws -> [EntityID] {
        var nodes: [EntityID] = []
        for name in ["a", "b", "c", "d"] { nodes.append(try await makeAsset(name + salt).id.entityID) }
        for (from, to) in [(0, 1), (1, 2), (2, 0), (1, 3)] {
            _ = try await relations.save(EntityRelation(from: nodes[from], to: nodes[to], type: "Contains"))
        }
        return nodes
    }

    @Test func aWalkAlongRelationsEndsInACircle() async throws {
        let nodes = try await makeCircle()
        let found = try await RelationSearch(root: nodes[0], direction: .from, maximumLevel: 0).run(on: database)
        #expect(found.count == 4)
        #expect(Set(found.map(\.to)) == Set(nodes))
    }

    @Test func aWalkStopsAtItsLevel() async throws {
        let nodes = try await makeCircle()
        let found = try await RelationSearch(root: nodes[0], direction: .from, maximumLevel: 2).run(on: database)
        #expect(found.map(\.from) == [nodes[0], nodes[1], nodes[1]])
        let back = try await RelationSearch(root: nodes[3], direction: .to, maximumLevel: 1).run(on: database)
        #expect(back.map(\.from) == [nodes[1]])
    }

    @Test func theLastLevelIsWhereNothingFollows() async throws {
        let nodes = try await makeCircle()
        let found = try await RelationSearch(root: nodes[0], direction: .from, maximumLevel: 0, onlyLastLevel: true)
            .run(on: database)
        #expect(found.map(\.to) == [nodes[3]])
        let second = try await RelationSearch(root: nodes[0], direction: .from, maximumLevel: 2, onlyLastLevel: true)
            .run(on: database)
        #expect(Set(second.map(\.to)) == [nodes[2], nodes[3]])
    }

    @Test func aWalkThatMeetsTooMuchIsRefused() async throws {
        let nodes = try await makeCircle()
        await #expect(throws: RelationSearch.Failure.tooManyRelations(limit: 3)) {
            _ = try await RelationSearch(root: nodes[0], direction: .from, maximumLevel: 0).run(on: database, limit: 3)
        }
    }

    // MARK: - Entity views

    @Test func aViewCopiesTheAttributesThatItNames() async throws {
        let asset = try await makeAsset("a" + salt)
        let attributes = AttributeRepository(database)
        try await attributes.save(
            entity: asset.id.uuid, scope: .server, [("kept", .long(1)), ("left", .long(2))], at: 50)
        try await attributes.save(entity: asset.id.uuid, scope: .server, [("late", .long(3))], at: 200)
        var view = EntityView(
            id: EntityViewID(.ordered()), createdTime: 1, tenantID: tenant, entity: asset.id.entityID, name: "v" + salt,
            type: "t", keys: RawJSON(["timeseries": [], "attributes": ["ss": ["kept", "late"]]]), endTime: 100)
        try await views.insert(view)
        try await EntityViewCopies(database).renew(view)
        #expect(try await attributes.find(entity: view.id.uuid, scope: nil, keys: nil).map(\.key) == ["kept"])
        try await attributes.save(entity: view.id.uuid, scope: .server, [("own", .long(4))], at: 1)
        let former = view
        view.keys = RawJSON(["timeseries": [], "attributes": ["ss": ["left"]]])
        try await EntityViewCopies(database).renew(view, replacing: former)
        #expect(try await attributes.find(entity: view.id.uuid, scope: nil, keys: nil).map(\.key) == ["left", "own"])
        #expect(try await views.isReferenced(asset.id.entityID, tenant: tenant))
    }

    // MARK: - Dashboards

    @Test func aDashboardKnowsItsCustomers() async throws {
        let dashboard = Dashboard(id: DashboardID(.ordered()), createdTime: 1, tenantID: tenant, title: "d" + salt)
        let dashboards = DashboardRepository(database)
        try await dashboards.insert(dashboard)
        let customer = ShortCustomer(id: CustomerID(.ordered()), title: "c", isPublic: false)
        let assigned = try await dashboards.changeAssignments(dashboard.id, tenant: tenant) { $0.add(customer) }
        #expect(assigned?.version == 2)
        #expect(assigned?.isAssigned(to: customer.id) == true)
        let again = try await dashboards.changeAssignments(dashboard.id, tenant: tenant) { $0.add(customer) }
        #expect(again?.version == 2)
        try await dashboards.renameCustomer(
            ShortCustomer(id: customer.id, title: "renamed", isPublic: false), tenant: tenant)
        let renamed = try await dashboards.findInfo(dashboard.id)
        #expect(DashboardAssignments(renamed?.assignedCustomers).customers.map(\.title) == ["renamed"])
        try await dashboards.removeCustomer(customer.id, tenant: tenant)
        let removed = try await dashboards.findInfo(dashboard.id)
        #expect(removed?.assignedCustomers?.text == "[]")
    }

    // MARK: - Limits

    @Test func aTenantHasNoMoreDevicesThanItsProfileAllows() async throws {
        let profile = TenantProfileID(.ordered())
        let limited = TenantID(.ordered())
        _ = try await database.query(
            "INSERT INTO tenant_profile (id, created_time, name, profile_data) VALUES ($1, 1, $2, $3)",
            [
                .id(profile), .text("p" + salt),
                .jsonb(#"{"configuration":{"type":"DEFAULT","maxAssets":1,"maxDevices":0}}"#),
            ])
        _ = try await database.query(
            "INSERT INTO tenant (id, created_time, title, tenant_profile_id) VALUES ($1, 1, 't', $2)",
            [.id(limited), .id(profile)])
        let limits = EntityLimits(database)
        try await limits.check(.asset, tenant: limited)
        try await limits.check(.device, tenant: limited)
        let kind = try await profiles.findOrCreate(name: "default", tenant: limited, now: 1)
        try await assets.insert(
            Asset(
                id: AssetID(.ordered()), createdTime: 1, tenantID: limited, name: "a", type: "default",
                assetProfileID: kind.id))
        await #expect(throws: EntityError.limitExceeded(.asset, limit: 1)) {
            try await limits.check(.asset, tenant: limited)
        }
    }
}
