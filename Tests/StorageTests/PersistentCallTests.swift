import Messages
import Model
import Postgres
import TestSupport
import Testing

@testable import Storage

/// Calls that are kept (`device-api.md` 7.4).
@Suite(.enabled(if: TestDatabase.isAvailable, "PostgreSQL is not installed"), .serialized)
struct PersistentCallTests {
    private let database: OneConnection
    private let calls: RPCRepository
    private let tenant: TenantID

    init() throws {
        database = try OneConnection()
        calls = RPCRepository(database)
        tenant = try database.tenant()
    }

    private func insert(created: Int64 = 1_000, tenant: TenantID? = nil) async throws -> PersistentRPC {
        let call = PersistentRPC(
            id: .random(), createdTime: created, tenantID: tenant ?? self.tenant, deviceID: DeviceID(.random()),
            expirationTime: 5_000, request: RawJSON(wellFormed: "{}"))
        #expect(try await calls.insert(call))
        return call
    }

    @Test(arguments: [RPCStatus.successful, .failed, .expired])
    func whatHasEndedStaysAsItIs(_ end: RPCStatus) async throws {
        let call = try await insert()
        let delivered = try await calls.update(call.id, tenant: tenant, status: .delivered, response: nil)
        #expect(delivered?.status == .delivered)
        let response = RawJSON(wellFormed: "{\"ok\":1}")
        #expect(try await calls.update(call.id, tenant: tenant, status: end, response: response)?.status == end)
        #expect(try await calls.update(call.id, tenant: tenant, status: .sent, response: nil) == nil)
        let found = try #require(try await calls.find(call.id, tenant: tenant))
        #expect(found.status == end)
        #expect(found.response?.text == response.text)
    }

    @Test func callsOlderThanTheTenantKeepsThemAreDeleted() async throws {
        let day: Int64 = 86_400_000
        let (old, new) = (try await insert(created: day), try await insert(created: 5 * day))
        let foreign = try await insert(created: day, tenant: TenantID(.random()))
        // A fresh profile keeps everything.
        #expect(try await calls.deleteOutdated(now: 6 * day, limit: 10) == 0)
        _ = try await database.query(
            """
            UPDATE tenant_profile SET profile_data = jsonb_set(profile_data, '{configuration,rpcTtlDays}', '3')
            WHERE id = (SELECT tenant_profile_id FROM tenant WHERE id = $1)
            """, [.id(tenant)])
        #expect(try await calls.deleteOutdated(now: 6 * day, limit: 10) >= 1)
        #expect(try await calls.find(old.id, tenant: tenant) == nil)
        #expect(try await calls.find(new.id, tenant: tenant) != nil)
        #expect(try await calls.find(foreign.id, tenant: foreign.tenantID) != nil)
        _ = try await database.query(
            "UPDATE tenant_profile SET profile_data = jsonb_set(profile_data, '{configuration,rpcTtlDays}', '0')", [])
    }
}
