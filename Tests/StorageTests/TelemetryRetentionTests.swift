import Model
import Postgres
import Telemetry
import TestSupport
import Testing

@testable import Storage

/// What old telemetry leaves behind when its time to live is over (`persistence.md` 9.4, 16).
@Suite(.enabled(if: TestDatabase.isAvailable, "PostgreSQL is not installed"), .serialized)
struct TelemetryRetentionTests {
    private let database: OneConnection
    private let tenant: TenantID

    init() throws {
        database = try OneConnection()
        tenant = try database.tenant()
    }

    private func setTTL(_ entity: UUID128, _ seconds: Int64?) async throws {
        _ = try await database.query("INSERT INTO key_dictionary (key) VALUES ('TTL') ON CONFLICT DO NOTHING", [])
        _ = try await database.query("DELETE FROM attribute_kv WHERE entity_id = $1", [.id(entity)])
        guard let seconds else { return }
        _ = try await database.query(
            """
            INSERT INTO attribute_kv (entity_id, attribute_type, attribute_key, long_v, last_update_ts)
            SELECT $1, 2, key_id, $2, 1 FROM key_dictionary WHERE key = 'TTL'
            """, [.id(entity), .int8(seconds)])
    }

    private func times(_ entity: UUID128) async throws -> [Int64] {
        try await database.query("SELECT ts FROM ts_kv WHERE entity_id = $1 ORDER BY ts", [.id(entity)])
            .compactMap { $0.int8(0) }
    }

    @Test func theTenantsTimeHoldsForItsDevicesAndTheCustomersForTheirs() async throws {
        let customers = try await database.query(
            "SELECT id FROM customer WHERE tenant_id = $1 ORDER BY title LIMIT 2", [.id(tenant)]
        ).compactMap { $0.id(0) }
        let (strict, silent) = (customers[0], customers[1])
        func device(_ name: String, _ customer: UUID128?) async throws -> UUID128 {
            let device = try await database.makeDevice("\(name) \(UInt32.random(in: 0...UInt32.max))", tenant: tenant)
            if let customer {
                _ = try await database.query(
                    "UPDATE device SET customer_id = $2 WHERE id = $1", [.id(device.id), .id(customer)])
            }
            try await database.insert(device.id.uuid, "t", [(1_000, .long(1)), (60_000, .long(2)), (90_000, .long(3))])
            return device.id.uuid
        }
        let (own, ofStrict, ofSilent) = (
            try await device("own", nil), try await device("strict", strict), try await device("silent", silent)
        )
        try await database.settleLatest(own)
        try await setTTL(tenant.uuid, 50)
        try await setTTL(strict, 20)
        let expired = try await TelemetryRetention(database).expire(now: 100_000, systemSeconds: 0)
        #expect(try await times(own) == [60_000, 90_000])
        #expect(try await times(ofStrict) == [90_000])
        // A customer without a time of its own has that of its tenant.
        #expect(try await times(ofSilent) == [60_000, 90_000])
        #expect(expired.partitions == 0 && expired.rows >= 4)
        let latest = try await database.query("SELECT count(*) FROM ts_kv_latest WHERE entity_id = $1", [.id(own)])
        #expect(latest[0].int8(0) == 1)
        try await setTTL(tenant.uuid, nil)
        try await setTTL(strict, nil)
        _ = try await TelemetryRetention(database).expire(now: 200_000, systemSeconds: 0)
        #expect(try await times(ofStrict) == [90_000])
    }

    @Test func aTimeOfZeroIsForEver() async throws {
        let device = try await database.makeDevice("kept \(UInt32.random(in: 0...UInt32.max))", tenant: tenant)
        try await database.insert(device.id.uuid, "t", [(1_000, .long(1))])
        try await setTTL(tenant.uuid, 0)
        _ = try await TelemetryRetention(database).expire(now: 100_000, systemSeconds: 0)
        #expect(try await times(device.id.uuid) == [1_000])
        try await setTTL(tenant.uuid, nil)
    }

    @Test func statisticsOfQueuesAreKeptAsLongAsTheProfileSays() async throws {
        let day: Int64 = 86_400_000
        let profile = try await database.query("SELECT tenant_profile_id FROM tenant WHERE id = $1", [.id(tenant)])
        let name = "Queue \(UInt32.random(in: 0...UInt32.max))"
        let statistics = try #require(
            try await QueueRepository(database).statisticsEntity(
                tenant: tenant, queueName: name, serviceID: "tb", now: 0))
        for key in ["totalMsgs", "ruleEngineException"] {
            try await database.insert(statistics, key, [1, 5, 9].map { ($0 * day, .long(1)) })
        }
        try await database.settleLatest(statistics)
        func expire(_ configuration: String) async throws -> [Int64] {
            _ = try await database.query(
                """
                UPDATE tenant_profile SET profile_data = jsonb_set(profile_data, '{configuration}',
                    (profile_data->'configuration') || $2::text::jsonb) WHERE id = $1
                """, [.id(profile[0].id(0) ?? .null), .text(configuration)])
            _ = try await TelemetryRetention(database).expire(now: 10 * day, systemSeconds: 0)
            return try await times(statistics).map { $0 / day }
        }
        #expect(try await expire(#"{"queueStatsTtlDays":0}"#) == [1, 1, 5, 5, 9, 9])
        #expect(try await expire(#"{"queueStatsTtlDays":7}"#) == [1, 5, 5, 9, 9])
        #expect(try await expire(#"{"ruleEngineExceptionsTtlDays":2,"queueStatsTtlDays":null}"#) == [5, 9, 9])
    }

    @Test func wholePartitionsGoByTheSystemsTime() async throws {
        let scheme = PartitionScheme.months
        let (old, current): (Int64, Int64) = (1_577_836_800_000, 1_583_020_800_000)  // January and March 2020
        for time in [old, current] {
            let range = try #require(scheme.range(containing: time))
            try database.connection.execute(
                "CREATE TABLE ts_kv_\(range.suffix) PARTITION OF ts_kv FOR VALUES FROM (\(range.start)) TO (\(range.end))"
            )
        }
        let user = UUID128.random()
        try await database.insert(user, "t", [(old, .long(1)), (current, .long(2))])
        let day: Int64 = 86_400
        // The 20th of March less 30 days is in February: January is over.
        let now = current + 19 * day * 1000
        let expired = try await TelemetryRetention(database).expire(now: now, systemSeconds: 30 * day)
        #expect(expired.partitions == 1)
        #expect(try await times(user) == [current])
        let left = try await database.query(
            "SELECT relname::text FROM pg_class WHERE relname IN ('ts_kv_2020_01', 'ts_kv_2020_03', 'ts_kv_indefinite')",
            [])
        #expect(Set(left.compactMap { $0.text(0) }) == ["ts_kv_2020_03", "ts_kv_indefinite"])
        try database.connection.execute("DROP TABLE ts_kv_2020_03")
    }
}
