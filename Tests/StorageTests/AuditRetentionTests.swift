import Model
import Postgres
import TestSupport
import Testing

@testable import Storage

/// Old audit records go by whole partitions (`persistence.md` 9.3).
@Suite(.enabled(if: TestDatabase.isAvailable, "PostgreSQL is not installed"), .serialized)
struct AuditRetentionTests {
    private static let hour: Int64 = 3_600_000

    @Test func partitionsOfOldRecordsAreDroppedAndOthersStay() async throws {
        let runner = try OneConnection()
        let repository = AuditLogRepository(runner)
        let tenant = TenantID(.random())
        let now = 2_000 * 168 * Self.hour
        // Two weeks ago, a week ago, now: each in a partition of a week.
        let times = [now - 2 * 168 * Self.hour, now - 168 * Self.hour, now]
        for time in times { try await repository.makePartition(for: time, hours: 168) }
        try await repository.insert(
            times.map { time in
                AuditLog(
                    id: .random(), createdTime: time, tenantID: tenant, entity: nil, entityName: "e",
                    userID: UserID(.random()), userName: "u", actionType: "ADDED", actionData: nil)
            })
        func left() async throws -> [Int64] {
            try await repository.page(
                tenant: tenant, AuditLogRepository.Filter(start: 0, end: .max), PageLink(pageSize: 10, page: 0)
            ).elements.map(\.createdTime).sorted()
        }
        let clock = now + Self.hour
        #expect(try await repository.expire(now: clock, seconds: 0) == 0)
        // As long as one of its records may be young enough, a partition stays.
        _ = try await repository.expire(now: clock, seconds: 169 * 3600 + 1)
        #expect(try await left() == times)
        _ = try await repository.expire(now: clock, seconds: 169 * 3600)
        #expect(try await left() == Array(times.dropFirst()))
        _ = try await repository.expire(now: clock, seconds: 3600)
        #expect(try await left() == [now])
    }
}
