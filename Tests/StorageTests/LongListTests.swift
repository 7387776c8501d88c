import Model
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import Storage

/// Lists that are longer than what is looked at for a page (`docs/lists.md`).
@Suite(.enabled(if: TestDatabase.isAvailable, "PostgreSQL is not installed"), .serialized)
struct LongListTests {
    private static let length = 30_000
    private static let made = Result { try Self.make() }
    private let connection: PostgresConnection
    private let tenant: TenantID
    /// Has a short list.
    private let neighbour: TenantID

    init() throws {
        let (info, tenant, neighbour) = try Self.made.get()
        connection = try PostgresConnection(connecting: info)
        self.tenant = tenant
        self.neighbour = neighbour
    }

    /// A database with a long list of devices; each fifth has a label, and each of the others that is not among the newest.
    /// Another tenant has 500 of the same names.
    private static func make() throws -> (String, TenantID, TenantID) {
        let info = try TestDatabase.makeEmpty()
        let connection = try PostgresConnection(connecting: info)
        _ = try SchemaInstaller.install(on: connection, demo: true, options: SchemaSuite.options)
        let tenant = TenantID(.random())
        try connection.query(
            """
            INSERT INTO device (id, created_time, tenant_id, customer_id, device_profile_id, type, name, label)
            SELECT gen_random_uuid(), n, $1, '13814000-1dd2-11b2-8080-808080808080', p.id, 'unlike',
                'Sensor ' || lpad(n::text, 6, '0'),
                CASE WHEN n % 5 = 0 THEN 'fifth of its row' WHEN n = 77 THEN 'Quartz' WHEN n <= 3000 THEN 'oldest'
                    WHEN n <= 25000 THEN 'older' END
            FROM generate_series(1, $2) n, (SELECT id FROM device_profile LIMIT 1) p
            """, [.uuid(tenant), .int8(Int64(length))])
        let neighbour = TenantID(.random())
        try connection.query(
            """
            INSERT INTO device (id, created_time, tenant_id, customer_id, device_profile_id, type, name, label)
            SELECT gen_random_uuid(), created_time, $2, customer_id, device_profile_id, type, name, label
            FROM device WHERE tenant_id = $1 AND created_time <= 500
            """, [.uuid(tenant), .uuid(neighbour)])
        try connection.execute("VACUUM ANALYZE device, device_count")
        connection.close()
        return (info, tenant, neighbour)
    }

    /// Keeps statements to look at their plans.
    private final class Recording: StatementRunner, @unchecked Sendable {
        // @unchecked: one test uses it, each call awaited before the next.
        let connection: PostgresConnection
        var statements: [SQLStatement] = []

        init(_ connection: PostgresConnection) { self.connection = connection }

        func query(_ sql: String, _ parameters: [PostgresParameter]) async throws -> PostgresResult {
            statements.append(SQLStatement(sql, parameters))
            return try connection.query(sql, parameters)
        }

        func plans() throws -> [String] {
            try statements.map { statement in
                try connection.query("EXPLAIN " + statement.text, statement.parameters)
                    .map { $0.text(0) ?? "" }.joined(separator: "\n")
            }
        }
    }

    private func read(
        _ text: String? = nil, page: Int = 0, newestFirst: Bool = false, sort: PageLink.Sort? = nil,
        of owner: TenantID? = nil, _ filter: DeviceRepository.Filter = DeviceRepository.Filter()
    ) async throws -> (page: Page<Device>, plans: [String]) {
        let recording = Recording(connection)
        let link = PageLink(
            pageSize: 20, page: page, textSearch: text,
            sort: newestFirst ? PageLink.Sort(property: "createdTime", descending: true) : sort)
        let page = try await DeviceRepository(recording).page(tenant: owner ?? tenant, filter, link)
        return (page, try recording.plans())
    }

    // MARK: - Plans

    @Test(arguments: [false, true]) func aPageIsOneStatementThatReadsItsOwnRows(_ newestFirst: Bool) async throws {
        let (page, plans) = try await read(newestFirst: newestFirst)
        #expect(page.elements.count == 20)
        #expect(page.totalElements == Int64(Self.length))
        try #require(plans.count == 1)
        // In the order of ids the primary key does as well.
        let indexes = newestFirst ? ["idx_device_tenant_id_created_time"] : ["idx_device_tenant_id_id", "device_pkey"]
        #expect(indexes.contains { plans[0].contains("using \($0) on device d") }, "\(plans[0])")
        #expect(!plans[0].contains("Seq Scan on device d"), "\(plans[0])")
        #expect(plans[0].contains("device_count"), "\(plans[0])")
        if newestFirst { #expect(page.elements[0].name == "Sensor 030000") }
    }

    @Test func aFrequentTextIsFoundByWalkingTheListInItsOrder() async throws {
        let (page, plans) = try await read("ENSOR", newestFirst: true)
        #expect(page.elements.map(\.name).first == "Sensor 030000")
        #expect(page.elements.count == 20)
        #expect(page.totalElements == Int64(Self.length))
        #expect(page.hasNext)
        let walk = try #require(plans.last)
        #expect(walk.contains("Index Only Scan Backward using idx_device_tenant_id_created_time"), "\(walk)")
        #expect(!walk.contains("Seq Scan on device"), "\(walk)")
        #expect(!walk.contains("search_keys"), "\(walk)")
    }

    @Test func aSampleOfTheTenantTellsHowFrequentATextIs() async throws {
        let (_, plans) = try await read("ENSOR")
        let sample = try #require(plans.first { $0.contains("idx_device_sample") })
        #expect(sample.contains("Index Only Scan using idx_device_sample"), "\(sample)")
    }

    @Test(arguments: ["q", "qu", "QUARTZ", "qu%z", "quart_"]) func aTextOfAnyLengthIsFoundByItsKeys(
        _ text: String
    ) async throws {
        let (page, plans) = try await read(text, newestFirst: true)
        #expect(page.elements.map(\.name) == ["Sensor 000077"])
        #expect(page.totalElements == 1)
        let last = try #require(plans.last)
        #expect(last.contains("Bitmap Index Scan on idx_device_search_keys"), "\(last)")
        #expect(!last.contains("Seq Scan on device"), "\(last)")
    }

    @Test func aTextDoesNotReachFromTheNameIntoTheLabel() async throws {
        #expect(try await read("Sensor%Quartz").page.totalElements == 0)
        #expect(try await read("000077\nQuartz").page.totalElements == 0)
    }

    @Test func matchesThatLieTogetherFarBackAreGathered() async throws {
        let (page, plans) = try await read("oldest", newestFirst: true)
        #expect(page.totalElements == 2399)
        #expect(page.elements.first?.name == "Sensor 002999")
        #expect(plans.last?.contains("Bitmap Index Scan on idx_device_search_keys") == true, "\(plans.last ?? "")")
    }

    @Test(arguments: [false, true]) func listsOfMatchesGoByAnyOrder(_ descending: Bool) async throws {
        for property in ["name", "createdTime", "id", "label"] {
            let sort = PageLink.Sort(property: property, descending: descending)
            for (text, count) in [("ensor 0123", 100), ("sensor", Self.length)] {
                let (page, _) = try await read(text, sort: sort)
                #expect(page.totalElements == Int64(count), "\(text) by \(property)")
                #expect(page.elements.count == 20)
                guard property == "name" || property == "createdTime" else { continue }
                let first = text == "sensor" ? (1, Self.length) : (12300, 12399)
                let number = String(descending ? first.1 : first.0)
                #expect(
                    page.elements.first?.name.hasSuffix(number) == true,
                    "\(text) by \(property): \(page.elements.first?.name ?? "")")
            }
        }
    }

    @Test func aShortListIsSearchedAmongItsTenantsKeys() async throws {
        let (page, plans) = try await read("or 0001", of: neighbour)
        #expect(page.totalElements == 100)
        let last = try #require(plans.last)
        #expect(last.contains("Bitmap Index Scan on idx_device_search_keys"), "\(last)")
        #expect(try await read("sensor", of: neighbour).page.totalElements == 500)
        #expect(try await read("older", of: neighbour).page.totalElements == 0)
    }

    @Test func aNarrowedListIsSearchedAlone() async throws {
        #expect(try await read("or 0001", .init(type: "unlike")).page.totalElements == 100)
        #expect(try await read("or 0001", .init(type: "other")).page.totalElements == 0)
        #expect(try await read("or 0001", .init(customer: CustomerID(.random()))).page.totalElements == 0)
    }

    @Test func aRareTextIsFoundByItsKeys() async throws {
        let (page, plans) = try await read("or 00012", newestFirst: true)
        #expect(page.elements.map(\.name) == (0..<10).map { "Sensor 00012\(9 - $0)" })
        #expect(page.totalElements == 10)
        let last = try #require(plans.last)
        #expect(last.contains("Bitmap Index Scan on idx_device_search_keys"), "\(last)")
        #expect(!last.contains("Seq Scan on device"), "\(last)")
    }

    @Test func aFrequentTextThatTheBeginningLacksIsFoundByWalkingOn() async throws {
        let (page, plans) = try await read("older", newestFirst: true)
        #expect(page.elements.map(\.name).first == "Sensor 024999")
        #expect(page.elements.count == 20)
        #expect(page.hasNext)
        #expect((11_000...23_000).contains(page.totalElements), "\(page.totalElements)")
        let walk = try #require(plans.last)
        #expect(walk.contains("idx_device_tenant_id_created_time"), "\(walk)")
        #expect(!plans.contains { $0.contains("Scan on idx_device_search_keys") })
    }

    // MARK: - Totals

    @Test func aTextOfAFifthIsEstimatedAndEveryPageIsFull() async throws {
        let (first, _) = try await read("fifth OF", newestFirst: true)
        #expect(first.elements.count == 20)
        #expect((3_001...9_500).contains(first.totalElements), "\(first.totalElements)")
        let (later, _) = try await read("fifth OF", page: 5, newestFirst: true)
        #expect(later.totalElements == first.totalElements)
        #expect(later.elements.first?.name == "Sensor 029500")
        #expect(later.hasNext)
    }

    @Test func thePagesOfATextEndWhereItsMatchesEnd() async throws {
        let (last, _) = try await read("sensor", page: 1499, newestFirst: true)
        #expect(last.elements.count == 20)
        #expect(last.elements.last?.name == "Sensor 000001")
        #expect(!last.hasNext)
        #expect(last.totalElements == Int64(Self.length))
        let (behind, _) = try await read("sensor", page: 1500, newestFirst: true)
        #expect(behind.elements.isEmpty)
        #expect(!behind.hasNext)
    }

    @Test func matchesThatAreFarBackAreFoundAndCounted() async throws {
        let (page, _) = try await read("or 0000", newestFirst: true)
        #expect(page.totalElements == 99)
        #expect(page.elements.first?.name == "Sensor 000099")
        let (far, _) = try await read("or 0000", page: 4, newestFirst: true)
        #expect(far.totalElements == 99)
        #expect(far.elements.count == 19)
        #expect(!far.hasNext)
        let (behind, _) = try await read("or 0000", page: 9)
        #expect(behind.totalElements == 99)
        #expect(behind.elements.isEmpty)
    }

    @Test func aTextThatNothingHasFindsNothing() async throws {
        let (page, _) = try await read("nowhere")
        #expect(page.totalElements == 0)
        #expect(page.elements.isEmpty)
        for text in ["§", "ü", "xy", "%xy_z"] {
            #expect(try await read(text).page.totalElements == 0, "\(text)")
        }
    }

    // MARK: - Tallies

    @Test func theTallyFollowsEveryChange() async throws {
        let runner = Recording(connection)
        let other = TenantID(.random())
        let customer = CustomerID(.random())
        let repository = DeviceRepository(runner)
        func expectTruth(_ place: SourceLocation = #_sourceLocation) async throws {
            for filter in [
                DeviceRepository.Filter(), .init(customer: customer), .init(type: "a"),
                .init(customer: .null, type: "b"),
            ] {
                // Of size 1, so that the page itself does not tell.
                let page = try await repository.page(tenant: other, filter, PageLink(pageSize: 1, page: 0))
                let counted = try connection.query(
                    """
                    SELECT count(*) FROM device WHERE tenant_id = $1 AND ($2::uuid IS NULL OR customer_id = $2)
                        AND ($3::text IS NULL OR type = $3)
                    """, [.uuid(other), .optionalUUID(filter.customer?.uuid), .optionalText(filter.type)]
                )[0].int8(0)
                #expect(page.totalElements == counted, "\(filter)", sourceLocation: place)
            }
        }
        func run(_ sql: String) throws {
            try connection.execute(
                sql.replacing("$tenant", with: "'\(other)'").replacing("$customer", with: "'\(customer)'")
                    .replacing("$nobody", with: "'\(CustomerID.null)'"))
        }
        let insertion = """
            INSERT INTO device (id, created_time, tenant_id, customer_id, device_profile_id, type, name)
            SELECT gen_random_uuid(), n, $tenant, $nobody, p.id, CASE WHEN n % 2 = 0 THEN 'a' ELSE 'b' END, 'T' || n
            FROM (SELECT id FROM device_profile LIMIT 1) p, generate_series
            """
        try run(insertion + "(1, 10) n")
        try await expectTruth()
        try run("UPDATE device SET customer_id = $customer WHERE tenant_id = $tenant AND name < 'T4'")
        try await expectTruth()
        try run("UPDATE device SET type = 'a', label = 'new' WHERE tenant_id = $tenant AND name = 'T5'")
        try await expectTruth()
        try run("DELETE FROM device WHERE tenant_id = $tenant AND name IN ('T1', 'T2', 'T9')")
        try await expectTruth()
        try run("BEGIN; DELETE FROM device WHERE tenant_id = $tenant; ROLLBACK")
        try await expectTruth()
        // One statement each: more changes than are left unmerged.
        for number in 11...140 { try run(insertion + "(\(number), \(number)) n") }
        try await expectTruth()
        let left =
            try connection.query(
                "SELECT count(*) FROM device_count WHERE tenant_id = $1", [.uuid(other)])[0].int8(0) ?? 0
        #expect(left <= 4, "\(left) changes")
        try await expectTruth()
        try run("DELETE FROM device WHERE tenant_id = $tenant")
        try await expectTruth()
    }
}
