import JSON
import Model
import Postgres
import Telemetry
import TestSupport
import Testing

@testable import Storage

@Suite(.enabled(if: TestDatabase.isAvailable, "PostgreSQL is not installed"), .serialized)
struct EntitiesTests {
    private let database: OneConnection
    private let tenant: TenantID
    private let salt = String(UInt32.random(in: 0...UInt32.max))

    init() throws {
        database = try OneConnection()
        tenant = try database.tenant()
    }

    private var devices: DeviceRepository { DeviceRepository(database) }

    // MARK: - Devices

    @Test func aDeviceComesBackAsItWasSaved() async throws {
        let profile = try #require(try await DeviceProfileRepository(database).findDefault(tenant: tenant))
        let device = Device(
            id: DeviceID(.ordered()), createdTime: 1_700_000_000_000, tenantID: tenant, name: "d" + salt,
            type: profile.name, label: "L", deviceProfileID: profile.id,
            deviceData: RawJSON(wellFormed: #"{"configuration":{"type":"DEFAULT"}}"#),
            additionalInfo: RawJSON(wellFormed: #"{"gateway":true}"#))
        try await devices.insert(device)
        let found = try #require(try await devices.find(device.id, tenant: tenant))
        #expect(found.name == device.name)
        #expect(found.label == "L")
        #expect(found.createdTime == 1_700_000_000_000)
        #expect(found.customerID.isNull)
        #expect(found.additionalInfo == device.additionalInfo)
        #expect(found.deviceData?.value == device.deviceData?.value)
        #expect(found.version == 1)
    }

    @Test func aDeviceIsNotSeenByAnotherTenant() async throws {
        let device = try await database.makeDevice("d" + salt, tenant: tenant)
        let other = TenantID(.ordered())
        #expect(try await devices.find(device.id, tenant: other) == nil)
        #expect(try await devices.find(name: device.name, tenant: other) == nil)
        #expect(try await devices.info(device.id, tenant: other) == nil)
        #expect(try await devices.find([device.id.uuid], tenant: other, customer: nil).isEmpty)
        #expect(try await devices.page(tenant: other, .init(), PageLink(pageSize: 10, page: 0)).totalElements == 0)
        #expect(try await devices.delete(device.id, tenant: other) == false)
        #expect(try await devices.find(device.id, tenant: tenant) != nil)
    }

    @Test func twoDevicesOfOneNameAreRefusedWithAReadableMessage() async throws {
        _ = try await database.makeDevice("d" + salt, tenant: tenant)
        let error = await #expect(throws: PostgresError.self) {
            _ = try await database.makeDevice("d" + salt, tenant: tenant)
        }
        #expect(
            error.flatMap { EntityError(violation: $0) } == .invalid("Device with such name already exists!"))
    }

    @Test func oneTokenForTwoDevicesIsRefusedWithAReadableMessage() async throws {
        let credentials = DeviceCredentialsRepository(database)
        let first = try await database.makeDevice("a" + salt, tenant: tenant)
        let second = try await database.makeDevice("b" + salt, tenant: tenant)
        try await credentials.insert(.accessToken("tok" + salt, for: first.id, now: 1))
        let error = await #expect(throws: PostgresError.self) {
            try await credentials.insert(.accessToken("tok" + salt, for: second.id, now: 1))
        }
        #expect(
            error.flatMap { EntityError(violation: $0) }
                == .invalid("Device credentials are already assigned to another device!"))
    }

    @Test func anUpdateNeedsTheCurrentVersionOrNone() async throws {
        var device = try await database.makeDevice("d" + salt, tenant: tenant)
        device.label = "one"
        #expect(try await devices.update(device, replacing: 1).version == 2)
        await #expect(throws: EntityError.versionConflict(.device)) {
            _ = try await devices.update(device, replacing: 1)
        }
        device.label = "two"
        let saved = try await devices.update(device, replacing: nil)
        #expect(saved.version == 3)
        #expect(saved.label == "two")
    }

    @Test func anUpdateOfWhatIsNotThereSaysSo() async throws {
        var device = try await database.makeDevice("d" + salt, tenant: tenant)
        device.id = DeviceID(.ordered())
        await #expect(throws: EntityError.notFound(.device, device.id.uuid)) {
            _ = try await devices.update(device, replacing: nil)
        }
    }

    @Test func anUnassignedDeviceHasTheNullCustomerAndNotSQLNull() async throws {
        let device = try await database.makeDevice("d" + salt, tenant: tenant)
        let customer = Customer(id: CustomerID(.ordered()), createdTime: 1, tenantID: tenant, title: "C" + salt)
        try await CustomerRepository(database).insert(customer)
        #expect(
            try await devices.assign(device.id, tenant: tenant, customer: customer.id)?.customerID == customer.id)
        #expect(try await devices.assign(device.id, tenant: tenant, customer: .null)?.customerID == .null)
        let row = try database.connection.query("SELECT customer_id FROM device WHERE id = $1", [.id(device.id)])[0]
        #expect(row.id(0) == .null)
    }

    @Test func deletingADeviceRemovesWhatBelongsToIt() async throws {
        let device = try await database.makeDevice("d" + salt, tenant: tenant)
        try await DeviceCredentialsRepository(database).insert(.accessToken(nil, for: device.id, now: 1))
        try await AttributeRepository(database).save(
            entity: device.id.uuid, scope: .server, [("active", .boolean(true))], at: 1)
        try await database.insert(device.id.uuid, "t", [(1, .long(1))])
        try await database.settleLatest(device.id.uuid)
        #expect(try await devices.delete(device.id, tenant: tenant))
        try await devices.deleteHistory(of: device.id.uuid, tenant: tenant)
        for (table, column) in [
            ("device", "id"), ("device_credentials", "device_id"), ("attribute_kv", "entity_id"),
            ("ts_kv_latest", "entity_id"), ("ts_kv", "entity_id"),
        ] {
            let rows = try database.connection.query("SELECT 1 FROM \(table) WHERE \(column) = $1", [.id(device.id)])
            #expect(rows.isEmpty, "\(table)")
        }
    }

    @Test func aDeviceIsActiveWhenItsServerAttributeSaysSo() async throws {
        let device = try await database.makeDevice("d" + salt, tenant: tenant)
        #expect(try await devices.info(device.id, tenant: tenant)?.isActive == false)
        try await AttributeRepository(database).save(
            entity: device.id.uuid, scope: .server, [("active", .boolean(true))], at: 1)
        #expect(try await devices.info(device.id, tenant: tenant)?.isActive == true)
        let active = try await devices.infoPage(
            tenant: tenant, .init(isActive: true), PageLink(pageSize: 10, page: 0, textSearch: salt))
        #expect(active.elements.map(\.device.id) == [device.id])
    }

    // MARK: - Lists

    @Test func pagesCoverAListInOrderOfCreation() async throws {
        var ids: [DeviceID] = []
        for index in 0..<5 { ids.append(try await database.makeDevice("p\(index)-" + salt, tenant: tenant).id) }
        var seen: [DeviceID] = []
        for page in 0..<3 {
            let link = PageLink(pageSize: 2, page: page, textSearch: "-" + salt)
            let result = try await devices.page(tenant: tenant, .init(), link)
            #expect(result.totalElements == 5)
            #expect(result.totalPages == 3)
            #expect(result.hasNext == (page < 2))
            seen += result.elements.map(\.id)
        }
        #expect(seen == ids)
    }

    @Test func aPageBeyondTheEndIsEmptyWithTheRightTotals() async throws {
        _ = try await database.makeDevice("d" + salt, tenant: tenant)
        let page = try await devices.page(
            tenant: tenant, .init(), PageLink(pageSize: 10, page: 999, textSearch: salt))
        #expect(page.elements.isEmpty)
        #expect(page.totalElements == 1)
        #expect(!page.hasNext)
        let absurd = PageLink(pageSize: Int(Int32.max), page: Int.max / 2, textSearch: salt)
        #expect(try await devices.page(tenant: tenant, .init(), absurd).elements.isEmpty)
    }

    @Test func textSearchIgnoresCaseAndTakesWildcards() async throws {
        _ = try await database.makeDevice("Alpha%\(salt)", tenant: tenant)
        _ = try await database.makeDevice("Alpha_\(salt)", tenant: tenant)
        func names(_ text: String) async throws -> [String] {
            try await devices.page(tenant: tenant, .init(), PageLink(pageSize: 10, page: 0, textSearch: text))
                .elements.map(\.name)
        }
        for text in ["aLPHA%" + salt, "alpha_" + salt, salt] { #expect(try await names(text).count == 2) }
        #expect(try await names("alpha" + salt).isEmpty)
    }

    @Test func listsSortByKnownPropertiesOnly() async throws {
        for name in ["b", "a", "c"] { _ = try await database.makeDevice(name + salt, tenant: tenant) }
        func names(_ property: String, _ descending: Bool) async throws -> [String] {
            let sort = PageLink.Sort(property: property, descending: descending)
            let link = PageLink(pageSize: 10, page: 0, textSearch: salt, sort: sort)
            return try await devices.page(tenant: tenant, .init(), link).elements.map { String($0.name.prefix(1)) }
        }
        #expect(try await names("name", false) == ["a", "b", "c"])
        #expect(try await names("name", true) == ["c", "b", "a"])
        #expect(try await names("createdTime", false) == ["b", "a", "c"])
        await #expect(throws: EntityError.invalid("Invalid sort property")) { _ = try await names("nonsense", false) }
    }

    @Test func sortingByCustomerPutsDevicesWithoutOneLast() async throws {
        let customer = Customer(id: CustomerID(.ordered()), createdTime: 1, tenantID: tenant, title: "C" + salt)
        try await CustomerRepository(database).insert(customer)
        let first = try await database.makeDevice("x" + salt, tenant: tenant)
        let second = try await database.makeDevice("y" + salt, tenant: tenant)
        _ = try await devices.assign(second.id, tenant: tenant, customer: customer.id)
        for descending in [false, true] {
            let sort = PageLink.Sort(property: "customerTitle", descending: descending)
            let link = PageLink(pageSize: 10, page: 0, textSearch: salt, sort: sort)
            #expect(
                try await devices.infoPage(tenant: tenant, .init(), link).elements.map(\.device.id)
                    == [second.id, first.id])
        }
    }

    // MARK: - Profiles, customers, users

    @Test func aProfileIsMadeOnceAndFoundAfterwards() async throws {
        let profiles = DeviceProfileRepository(database)
        let made = try await profiles.findOrCreate(name: "P" + salt, tenant: tenant, now: 5)
        #expect(try await profiles.findOrCreate(name: "P" + salt, tenant: tenant, now: 6).id == made.id)
        #expect(made.profileData.value["transportConfiguration"]?["type"] == "DEFAULT")
    }

    @Test func renamingAProfileRenamesTheTypeOfItsDevices() async throws {
        let profiles = DeviceProfileRepository(database)
        var profile = try await profiles.findOrCreate(name: "P" + salt, tenant: tenant, now: 5)
        var device = try await database.makeDevice("d" + salt, tenant: tenant)
        device.deviceProfileID = profile.id
        device.type = profile.name
        _ = try await devices.update(device, replacing: nil)
        profile.name = "Q" + salt
        #expect(try await profiles.update(profile, replacing: 1).version == 2)
        #expect(try await devices.find(device.id, tenant: tenant)?.type == "Q" + salt)
        #expect(try await profiles.isInUse(profile.id, tenant: tenant))
    }

    @Test func thePublicCustomerIsMadeOnce() async throws {
        let customers = CustomerRepository(database)
        let first = try await customers.findOrCreatePublic(tenant: tenant, now: 1)
        #expect(first.isPublic)
        #expect(try await customers.findOrCreatePublic(tenant: tenant, now: 2).id == first.id)
    }

    @Test func deletingACustomerDeletesItsUsersAndUnassignsItsDevices() async throws {
        let customers = CustomerRepository(database)
        let customer = Customer(id: CustomerID(.ordered()), createdTime: 1, tenantID: tenant, title: "C" + salt)
        try await customers.insert(customer)
        let device = try await database.makeDevice("d" + salt, tenant: tenant)
        _ = try await devices.assign(device.id, tenant: tenant, customer: customer.id)
        let users = UserRepository(database)
        let user = User(
            id: UserID(.ordered()), createdTime: 1, tenantID: tenant, customerID: customer.id, email: "\(salt)@x.org",
            authority: .customerUser)
        try await users.insert(user)
        try await users.insertCredentials(user.id, activateToken: "t" + salt, expiry: 9, now: 1)
        #expect(try await customers.delete(customer.id, tenant: tenant))
        #expect(try await users.find(user.id) == nil)
        #expect(try await users.credentials(user.id) == nil)
        #expect(try await devices.find(device.id, tenant: tenant)?.customerID == .null)
    }

    @Test func anActivationTokenWorksOnce() async throws {
        let users = UserRepository(database)
        let user = User(
            id: UserID(.ordered()), createdTime: 1, tenantID: tenant, email: "\(salt)@x.org",
            authority: .tenantAdministrator)
        try await users.insert(user)
        try await users.insertCredentials(user.id, activateToken: "t" + salt, expiry: 9, now: 1)
        #expect(try await users.activate(user.id, token: "t" + salt, passwordHash: "h", now: 1))
        #expect(try await !users.activate(user.id, token: "t" + salt, passwordHash: "other", now: 2))
        let credentials = try #require(try await users.credentials(user.id))
        #expect(credentials.isEnabled)
        #expect(credentials.passwordHash == "h")
        #expect(try await users.credentials(activateToken: "t" + salt) == nil)
    }

    @Test func tooManyFailedLoginsDisableAnAccountAndASuccessStartsAnew() async throws {
        let users = UserRepository(database)
        let user = User(
            id: UserID(.ordered()), createdTime: 1, tenantID: tenant, email: "\(salt)@x.org",
            authority: .tenantAdministrator)
        try await users.insert(user)
        try await users.insertCredentials(user.id, activateToken: "t" + salt, expiry: 9, now: 1)
        try await users.setEnabled(user.id, true)
        #expect(try await !users.recordFailedLogin(user.id, limit: 2))
        #expect(try await !users.recordFailedLogin(user.id, limit: 2))
        try await users.recordLogin(user.id, at: 7)
        #expect(try await users.credentials(user.id)?.lastLogin == 7)
        #expect(try await !users.recordFailedLogin(user.id, limit: 2))
        #expect(try await !users.recordFailedLogin(user.id, limit: 2))
        #expect(try await users.recordFailedLogin(user.id, limit: 2))
        #expect(try await users.credentials(user.id)?.isEnabled == false)
        try await users.setEnabled(user.id, true)
        for _ in 0..<5 { #expect(try await !users.recordFailedLogin(user.id, limit: nil)) }
    }

    @Test func aDashboardIsStoredAsItCame() async throws {
        let dashboards = DashboardRepository(database)
        var dashboard = Dashboard(id: DashboardID(.ordered()), createdTime: 1, tenantID: tenant, title: "D" + salt)
        dashboard.configuration = RawJSON(wellFormed: #"{"widgets":{"b":1,"a":[1.50]}}"#)
        try await dashboards.insert(dashboard)
        #expect(try await dashboards.find(dashboard.id)?.configuration == dashboard.configuration)
        #expect(try await dashboards.findInfo(dashboard.id)?.configuration == nil)
        dashboard.title = "E" + salt
        #expect(try await dashboards.update(dashboard, replacing: 1).version == 2)
        let page = try await dashboards.page(
            tenant: tenant, mobile: false, PageLink(pageSize: 10, page: 0, textSearch: salt))
        #expect(page.elements.map(\.title) == ["E" + salt])
        #expect(try await dashboards.delete(dashboard.id, tenant: tenant))
    }

    @Test func settingsAreStoredOnceAndKept() async throws {
        let settings = AdminSettingsRepository(database)
        let first = try await settings.findOrInsert("k" + salt, RawJSON(["a": 1]), now: 1)
        #expect(first.value == ["a": 1])
        #expect(try await settings.findOrInsert("k" + salt, RawJSON(["a": 2]), now: 1).value == ["a": 1])
    }

    @Test(arguments: [
        (EntityType.device, "device"), (.customer, "customer"), (.user, "tb_user"), (.dashboard, "dashboard"),
        (.deviceProfile, "device_profile"), (.ruleChain, "rule_chain"), (.tenant, "tenant"),
    ])
    func theOwnerOfAnyEntityIsFound(_ type: EntityType, _ table: String) async throws {
        let column = type == .tenant ? "id" : "tenant_id"
        let row = try database.connection.query("SELECT id FROM \(table) WHERE \(column) = $1 LIMIT 1", [.id(tenant)])[
            0]
        let owner = try await EntityOwnerRepository(database).find(EntityID(type: type, uuid: try #require(row.id(0))))
        #expect(owner?.tenant == tenant)
        #expect(try await EntityOwnerRepository(database).find(EntityID(type: type, uuid: .ordered())) == nil)
    }
}
