internal import JSON
public import Model
internal import Postgres

/// What a tenant used since the last report (`rule-engine.md` 8.5).
public struct UsageCounts: Sendable, Equatable {
    public var transportMessages: Int64 = 0
    public var transportDataPoints: Int64 = 0
    public var ruleEngineExecutions: Int64 = 0
    public var storedDataPoints: Int64 = 0
    public var javaScriptExecutions: Int64 = 0
    public var tbelExecutions: Int64 = 0

    public init() {}

    public static func += (left: inout UsageCounts, right: UsageCounts) {
        left.transportMessages += right.transportMessages
        left.transportDataPoints += right.transportDataPoints
        left.ruleEngineExecutions += right.ruleEngineExecutions
        left.storedDataPoints += right.storedDataPoints
        left.javaScriptExecutions += right.javaScriptExecutions
        left.tbelExecutions += right.tbelExecutions
    }

    public var isZero: Bool { self == UsageCounts() }

    /// By the published names, those that are not zero.
    var named: [(key: String, count: Int64)] {
        [
            ("transportMsgCount", transportMessages), ("transportDataPointsCount", transportDataPoints),
            ("ruleEngineExecutionCount", ruleEngineExecutions), ("storageDataPointsCount", storedDataPoints),
            ("jsExecutionCount", javaScriptExecutions), ("tbelExecutionCount", tbelExecutions),
        ].filter { $0.1 != 0 }
    }
}

/// What a tenant may use, as its usage says.
public enum FeatureState: String, Sendable {
    case enabled = "ENABLED"
    /// Close to the limit.
    case warning = "WARNING"
    case disabled = "DISABLED"
}

public struct TenantFeatures: Sendable, Equatable {
    public var transport = FeatureState.enabled
    public var storage = FeatureState.enabled
    public var ruleEngine = FeatureState.enabled
    public var javaScript = FeatureState.enabled
    public var tbel = FeatureState.enabled

    public init() {}
}

/// A tenant that may use something else than before.
public struct FeaturesChange: Sendable {
    public var tenant: TenantID
    /// The usage state, whose telemetry tells of it.
    public var entity: UUID128
    public var before: TenantFeatures
    public var now: TenantFeatures

    /// What changed, by the published names.
    public var named: [(key: String, state: FeatureState)] {
        [
            ("transportApiState", before.transport, now.transport), ("dbApiState", before.storage, now.storage),
            ("ruleEngineApiState", before.ruleEngine, now.ruleEngine),
            ("jsExecutionApiState", before.javaScript, now.javaScript),
            ("tbelExecutionApiState", before.tbel, now.tbel),
        ].filter { $0.1 != $0.2 }.map { ($0.0, $0.2) }
    }
}

/// A total that a report has changed.
public struct UsageTotal: Sendable {
    /// The usage state, whose telemetry it is.
    public var entity: UUID128
    public var key: String
    public var timestamp: Int64
    public var count: Int64
}

/// Usage states of tenants, and their counters.
public struct UsageRepository: Sendable {
    private let runner: any StatementRunner

    public init(_ runner: any StatementRunner) { self.runner = runner }

    /// Adds to the counters of the month and of the hour; a new month or hour begins at zero. Several processes may add at
    /// the same time.
    ///
    /// - Parameters:
    ///   - month: Its start, milliseconds since 1970.
    ///   - hour: Its start.
    /// - Returns: The totals, for their history.
    public func add(_ usage: [TenantID: UsageCounts], month: Int64, hour: Int64) async throws -> [UsageTotal] {
        var rows: [(tenant: UUID128, key: String, time: Int64, count: Int64)] = []
        for (tenant, counts) in usage {
            for (key, count) in counts.named {
                rows.append((tenant.uuid, key, month, count))
                rows.append((tenant.uuid, key + "Hourly", hour, count))
            }
        }
        guard !rows.isEmpty else { return [] }
        let keys = Array(Set(rows.map(\.key))).sorted()
        _ = try await runner.query(
            "INSERT INTO key_dictionary (key) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING", [.textArray(keys)])
        let added = try await runner.query(
            """
            INSERT INTO ts_kv_latest AS l (entity_id, key, ts, long_v, version)
            SELECT s.id, k.key_id, u.ts, u.n, nextval('ts_kv_latest_version_seq')
            FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[]) AS u(tenant, name, ts, n)
            JOIN api_usage_state s ON s.tenant_id = u.tenant AND s.entity_id = u.tenant
            JOIN key_dictionary k ON k.key = u.name
            ORDER BY 1, 2
            ON CONFLICT (entity_id, key) DO UPDATE SET
                long_v = CASE WHEN l.ts = excluded.ts THEN coalesce(l.long_v, 0) ELSE 0 END + excluded.long_v,
                ts = excluded.ts, version = excluded.version
            WHERE l.ts <= excluded.ts
            RETURNING entity_id, (SELECT d.key FROM key_dictionary d WHERE d.key_id = l.key), ts, long_v
            """,
            [
                .ids(rows.map(\.tenant)), .textArray(rows.map(\.key)), .int8Array(rows.map(\.time)),
                .int8Array(rows.map(\.count)),
            ])
        return added.map {
            UsageTotal(
                entity: $0.id(0) ?? .zero, key: $0.text(1) ?? "", timestamp: $0.int8(2) ?? 0, count: $0.int8(3) ?? 0)
        }
    }

    // MARK: - States

    /// What a tenant may use now.
    public func features(of tenant: TenantID) async throws -> TenantFeatures {
        try await runner.query(
            "SELECT transport, db_storage, re_exec, js_exec, tbel_exec FROM api_usage_state WHERE tenant_id = $1 AND entity_id = $1",
            [.id(tenant)]
        ).first.map { Self.features($0, from: 0) } ?? TenantFeatures()
    }

    /// Compares what these tenants, and those that may not use everything, have used with what they may use.
    ///
    /// - Returns: What changed by this call.
    public func judge(_ tenants: [TenantID], month: Int64) async throws -> [FeaturesChange] {
        let rows = try await runner.query(
            """
            SELECT s.tenant_id, s.transport, s.db_storage, s.re_exec, s.js_exec, s.tbel_exec, (p.profile_data -> 'configuration')::text,
                coalesce(jsonb_object_agg(k.key, l.long_v) FILTER (WHERE k.key IS NOT NULL), '{}')::text, s.id
            FROM api_usage_state s
            JOIN tenant t ON t.id = s.tenant_id
            JOIN tenant_profile p ON p.id = t.tenant_profile_id
            LEFT JOIN ts_kv_latest l ON l.entity_id = s.id AND l.ts = $2
            LEFT JOIN key_dictionary k ON k.key_id = l.key
            WHERE s.entity_id = s.tenant_id
                AND (s.tenant_id = ANY($1) OR (s.transport, s.db_storage, s.re_exec, s.js_exec, s.tbel_exec)
                    <> ('ENABLED', 'ENABLED', 'ENABLED', 'ENABLED', 'ENABLED'))
            GROUP BY 1, 2, 3, 4, 5, 6, 7, s.id
            """, [.ids(tenants.map(\.uuid)), .int8(month)])
        var changed: [FeaturesChange] = []
        for row in rows {
            let tenant: TenantID = row.entity(0)
            let limits = UsageLimits(row.document(6) ?? RawJSON(wellFormed: "{}"))
            let judged = limits.features(using: row.document(7) ?? RawJSON(wellFormed: "{}"))
            let known = Self.features(row, from: 1)
            guard judged != known else { continue }
            let updated = try await runner.query(
                """
                UPDATE api_usage_state
                SET transport = $2, db_storage = $3, re_exec = $4, js_exec = $5, tbel_exec = $6, version = version + 1
                WHERE tenant_id = $1 AND entity_id = $1
                    AND (transport, db_storage, re_exec, js_exec, tbel_exec)
                        IS DISTINCT FROM ($2::text, $3::text, $4::text, $5::text, $6::text)
                """,
                [
                    .id(tenant), .text(judged.transport.rawValue), .text(judged.storage.rawValue),
                    .text(judged.ruleEngine.rawValue), .text(judged.javaScript.rawValue), .text(judged.tbel.rawValue),
                ])
            // Another process may have been quicker.
            guard updated.affectedRows > 0 else { continue }
            changed.append(FeaturesChange(tenant: tenant, entity: row.id(8) ?? .zero, before: known, now: judged))
        }
        return changed
    }

    private static func features(_ row: PostgresRow, from column: Int) -> TenantFeatures {
        func state(_ offset: Int) -> FeatureState {
            FeatureState(rawValue: row.text(column + offset) ?? "") ?? .enabled
        }
        var features = TenantFeatures()
        (features.transport, features.storage, features.ruleEngine) = (state(0), state(1), state(2))
        (features.javaScript, features.tbel) = (state(3), state(4))
        return features
    }
}

/// The limits of a tenant profile that usage is compared with.
struct UsageLimits {
    private let configuration: RawJSON

    init(_ configuration: RawJSON) { self.configuration = configuration }

    /// - Parameter totals: Of the month, by the published names.
    func features(using totals: RawJSON) -> TenantFeatures {
        let (limits, used) = (configuration.value, totals.value)
        let threshold = limits["warnThreshold"]?.doubleValue ?? 0.8
        func state(_ pairs: [(limit: String, key: String)]) -> FeatureState {
            var worst = FeatureState.enabled
            for pair in pairs {
                let limit = limits[pair.limit]?.doubleValue ?? 0
                let count = used[pair.key]?.doubleValue ?? 0
                guard limit > 0 else { continue }  // Unlimited.
                if count >= limit { return .disabled }
                if count >= limit * threshold { worst = .warning }
            }
            return worst
        }
        var features = TenantFeatures()
        features.transport = state([
            ("maxTransportMessages", "transportMsgCount"), ("maxTransportDataPoints", "transportDataPointsCount"),
        ])
        features.storage = state([("maxDPStorageDays", "storageDataPointsCount")])
        features.ruleEngine = state([("maxREExecutions", "ruleEngineExecutionCount")])
        features.javaScript = state([("maxJSExecutions", "jsExecutionCount")])
        features.tbel = state([("maxTbelExecutions", "tbelExecutionCount")])
        return features
    }
}
