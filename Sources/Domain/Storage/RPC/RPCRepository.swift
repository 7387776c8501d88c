public import Messages
public import Model
internal import Postgres

/// Persistent calls in the database. Every statement names the tenant.
public struct RPCRepository: Sendable {
    private let runner: any StatementRunner

    public init(_ runner: any StatementRunner) { self.runner = runner }

    private static let columns = """
        id, created_time, tenant_id, device_id, expiration_time, request, response, status, additional_info
        """

    public func find(_ id: UUID128, tenant: TenantID) async throws -> PersistentRPC? {
        try await runner.query(
            "SELECT \(Self.columns) FROM rpc WHERE id = $1 AND tenant_id = $2", [.id(id), .id(tenant)]
        ).first.flatMap(PersistentRPC.init)
    }

    /// Inserts a new call.
    ///
    /// - Returns: `false` when there is one of that id already.
    public func insert(_ call: PersistentRPC) async throws -> Bool {
        try await !runner.query(
            """
            INSERT INTO rpc (\(Self.columns)) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            ON CONFLICT (id) DO NOTHING RETURNING id
            """,
            [
                .id(call.id), .int8(call.createdTime), .id(call.tenantID), .id(call.deviceID),
                .int8(call.expirationTime), .text(call.request.text), .json(text: call.response),
                .text(call.status.rawValue), .json(text: call.additionalInfo),
            ]
        ).isEmpty
    }

    /// Moves a call on; a response that is given replaces the stored one. One that has ended stays as it is, whatever a
    /// former owner of its device still wants to write.
    ///
    /// - Returns: The call as it is now; `nil` when it was deleted or has ended.
    public func update(
        _ id: UUID128, tenant: TenantID, status: RPCStatus, response: RawJSON?
    ) async throws -> PersistentRPC? {
        try await runner.query(
            """
            UPDATE rpc SET status = $3, response = coalesce($4, response)
            WHERE id = $1 AND tenant_id = $2 AND status NOT IN ('SUCCESSFUL', 'FAILED', 'EXPIRED')
            RETURNING \(Self.columns)
            """, [.id(id), .id(tenant), .text(status.rawValue), .json(text: response)]
        ).first.flatMap(PersistentRPC.init)
    }

    /// Deletes a call and returns what it was.
    public func delete(_ id: UUID128, tenant: TenantID) async throws -> PersistentRPC? {
        try await runner.query(
            "DELETE FROM rpc WHERE id = $1 AND tenant_id = $2 RETURNING \(Self.columns)", [.id(id), .id(tenant)]
        ).first.flatMap(PersistentRPC.init)
    }

    /// The calls of devices that are still to be delivered or answered, oldest first.
    public func open(devices: [(tenant: TenantID, device: DeviceID)]) async throws -> [PersistentRPC] {
        try await runner.query(
            """
            SELECT \(Self.columns.split(separator: ",").map { "r.\($0.drop { $0 == " " || $0 == "\n" })" }
                .joined(separator: ", "))
            FROM unnest($1::uuid[], $2::uuid[]) AS v (tenant, device)
                JOIN rpc r ON r.tenant_id = v.tenant AND r.device_id = v.device
            WHERE r.status IN ('QUEUED', 'SENT', 'TIMEOUT', 'DELIVERED')
            ORDER BY r.created_time, r.id
            """, [.ids(devices.map(\.tenant.uuid)), .ids(devices.map(\.device.uuid))]
        ).compactMap(PersistentRPC.init)
    }

    /// Deletes calls that are older than the profile of their tenant keeps them (`persistence.md` 9.3); 0 keeps them for
    /// good.
    ///
    /// - Returns: How many, at most `limit`.
    public func deleteOutdated(now: Int64, limit: Int) async throws -> Int {
        try await runner.query(
            """
            DELETE FROM rpc WHERE id = ANY(ARRAY(
                SELECT r.id FROM (
                    SELECT t.id, (p.profile_data #>> '{configuration,rpcTtlDays}')::numeric AS days
                    FROM tenant t JOIN tenant_profile p ON p.id = t.tenant_profile_id
                    WHERE jsonb_typeof(p.profile_data #> '{configuration,rpcTtlDays}') = 'number'
                ) AS kept JOIN rpc r ON r.tenant_id = kept.id
                WHERE kept.days > 0 AND r.created_time < $1 - kept.days * 86400000 LIMIT $2))
            """, [.int8(now), .int8(Int64(limit))]
        ).affectedRows
    }

    private static let shape = ListStatement.Shape(
        columns: columns, source: "rpc", searched: ["request"],
        sortable: [
            "createdTime": "created_time", "expirationTime": "expiration_time", "request": "request",
            "response": "response", "status": "status",
        ])

    public func page(
        tenant: TenantID, device: DeviceID, status: RPCStatus?, _ link: PageLink
    ) async throws -> Page<PersistentRPC> {
        var statement = ListStatement(Self.shape)
        statement.require("tenant_id = $?", .id(tenant))
        statement.require("device_id = $?", .id(device))
        if let status { statement.require("status = $?", .text(status.rawValue)) }
        return try await statement.page(link, on: runner) { row in
            guard let call = PersistentRPC(row) else { preconditionFailure("a call without status") }
            return call
        }
    }
}

extension PersistentRPC {
    init?(_ row: PostgresRow) {
        guard let status = RPCStatus(rawValue: row.text(7) ?? "") else { return nil }
        self.init(
            id: row.id(0) ?? .null, createdTime: row.int8(1) ?? 0, tenantID: row.entity(2), deviceID: row.entity(3),
            expirationTime: row.int8(4) ?? 0, request: row.document(5) ?? RawJSON(wellFormed: "{}"),
            response: row.document(6), status: status, additionalInfo: row.document(8))
    }
}
