public import Model
internal import Postgres

/// What saving an alarm did.
public struct AlarmOutcome: Sendable {
    public var alarm: AlarmInfo
    public var isCreated: Bool
    /// Whether anything differs now; always so for a new one.
    public var isModified: Bool
    public var oldSeverity: AlarmSeverity?
}

/// Alarms in the database (`persistence.md` 4). Changes belong into transactions.
public struct AlarmRepository: Sendable {
    let runner: any StatementRunner

    public init(_ runner: any StatementRunner) { self.runner = runner }

    /// Of any tenant: the caller checks ownership (`rest-api.md` 1.13).
    public func find(_ id: AlarmID) async throws -> AlarmInfo? {
        try await runner.query("SELECT \(AlarmInfo.columns) FROM alarm_info a WHERE a.id = $1", [.id(id)])
            .first.map(AlarmInfo.init)
    }

    /// The originator's alarm of that type that is not cleared.
    public func active(of originator: EntityID, type: String, tenant: TenantID) async throws -> Alarm? {
        try await runner.query(
            """
            SELECT \(Alarm.columns) FROM alarm a
            WHERE a.originator_id = $1 AND a.type = $2 AND a.tenant_id = $3 AND NOT a.cleared
            """, [.id(originator.uuid), .text(type), .id(tenant)]
        ).first.map { Alarm($0) }
    }

    // MARK: - Saving

    /// What is to be said of an alarm, new or not.
    public struct Draft: Sendable {
        public var tenantID: TenantID
        public var customerID: CustomerID?
        public var originator: EntityID
        public var type: String
        public var severity: AlarmSeverity
        /// `nil`: now for a new alarm, as it was for another.
        public var startTime: Int64?
        /// `nil`: the start of a new alarm, now for another.
        public var endTime: Int64?
        public var details: RawJSON?
        public var propagation: AlarmPropagation

        public init(
            tenantID: TenantID, customerID: CustomerID?, originator: EntityID, type: String, severity: AlarmSeverity,
            startTime: Int64? = nil, endTime: Int64? = nil, details: RawJSON? = nil,
            propagation: AlarmPropagation = AlarmPropagation()
        ) {
            self.tenantID = tenantID
            self.customerID = customerID
            self.originator = originator
            self.type = type
            self.severity = severity
            self.startTime = startTime
            self.endTime = endTime
            self.details = details
            self.propagation = propagation
        }
    }

    /// Raises an alarm, or updates the originator's alarm of that type that is not cleared. Two who raise the same one
    /// get one alarm: the index of active alarms decides. In the caller's transaction.
    public func createOrUpdateActive(_ draft: Draft, now: Int64) async throws -> AlarmOutcome {
        while true {
            let active = try await runner.query(
                """
                SELECT \(Alarm.columns) FROM alarm a
                WHERE a.originator_id = $1 AND a.type = $2 AND a.tenant_id = $3 AND NOT a.cleared FOR UPDATE
                """, [.id(draft.originator.uuid), .text(draft.type), .id(draft.tenantID)])
            if let row = active.first { return try await update(Alarm(row), draft, now: now) }
            if let created = try await create(draft, now: now) { return created }
        }
    }

    /// Updates an alarm whatever its state. In the caller's transaction.
    public func update(_ id: AlarmID, _ draft: Draft, now: Int64) async throws -> AlarmOutcome {
        guard let row = try await locked(id, tenant: draft.tenantID) else {
            throw EntityError.notFound(.alarm, id.uuid)
        }
        return try await update(row, draft, now: now)
    }

    /// - Returns: `nil` when somebody else was faster.
    private func create(_ draft: Draft, now: Int64) async throws -> AlarmOutcome? {
        let start = draft.startTime.flatMap { $0 > 0 ? $0 : nil } ?? now
        let end = draft.endTime.flatMap { $0 > 0 ? $0 : nil } ?? start
        let id = AlarmID(.ordered())
        let inserted = try await runner.query(
            """
            INSERT INTO alarm (id, created_time, tenant_id, customer_id, originator_id, originator_type, type,
                severity, start_ts, end_ts, additional_info, propagate, propagate_to_owner, propagate_to_tenant,
                propagate_relation_types)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
            ON CONFLICT (originator_id, type) WHERE NOT cleared DO NOTHING
            """,
            [
                .id(id), .int8(now), .id(draft.tenantID), .id(draft.customerID?.uuid), .id(draft.originator.uuid),
                .int4(Alarm.number(of: draft.originator.type)), .text(draft.type), .text(draft.severity.rawValue),
                .int8(start), .int8(max(start, end)), .json(text: draft.details),
            ] + parameters(draft.propagation))
        guard inserted.affectedRows > 0 else { return nil }
        _ = try await runner.query(
            "INSERT INTO alarm_types (tenant_id, type) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            [.id(draft.tenantID), .text(draft.type)])
        try await propagate(id)
        try await announce(id, tenant: draft.tenantID)
        return AlarmOutcome(alarm: try await info(id), isCreated: true, isModified: true)
    }

    private func update(_ stored: Alarm, _ draft: Draft, now: Int64) async throws -> AlarmOutcome {
        let start = draft.startTime.flatMap { $0 > 0 ? $0 : nil } ?? stored.startTime
        let end = draft.endTime.flatMap { $0 > 0 ? $0 : nil } ?? now
        let changed = try await runner.query(
            """
            UPDATE alarm SET severity = $2, start_ts = $3, end_ts = $4, additional_info = $5, propagate = $6,
                propagate_to_owner = $7, propagate_to_tenant = $8, propagate_relation_types = $9
            WHERE id = $1 AND (severity, start_ts, end_ts, additional_info, propagate, propagate_to_owner,
                propagate_to_tenant, coalesce(propagate_relation_types, ''))
                IS DISTINCT FROM ($2, $3, $4, $5, $6, $7, $8, coalesce($9, ''))
            """,
            [
                .id(stored.id), .text(draft.severity.rawValue), .int8(start), .int8(max(start, end)),
                .json(text: draft.details ?? stored.details),
            ] + parameters(draft.propagation))
        if draft.propagation != stored.propagation { try await propagate(stored.id) }
        if changed.affectedRows > 0 { try await announce(stored.id, tenant: draft.tenantID) }
        return AlarmOutcome(
            alarm: try await info(stored.id), isCreated: false, isModified: changed.affectedRows > 0,
            oldSeverity: stored.severity)
    }

    private func parameters(_ propagation: AlarmPropagation) -> [PostgresParameter] {
        [
            .boolean(propagation.isOn), .boolean(propagation.toOwner), .boolean(propagation.toTenant),
            propagation.relationTypes.isEmpty ? .null : .text(propagation.relationTypes.joined(separator: ",")),
        ]
    }

    private func info(_ id: AlarmID) async throws -> AlarmInfo {
        guard let found = try await find(id) else { throw EntityError.notFound(.alarm, id.uuid) }
        return found
    }

    private func locked(_ id: AlarmID, tenant: TenantID) async throws -> Alarm? {
        try await runner.query(
            "SELECT \(Alarm.columns) FROM alarm a WHERE a.id = $1 AND a.tenant_id = $2 FOR UPDATE",
            [.id(id), .id(tenant)]
        ).first.map { Alarm($0) }
    }

    // MARK: - Propagation

    /// Writes who shows the alarm: its originator, those above it by relations, owner and tenant as it says.
    private func propagate(_ id: AlarmID) async throws {
        _ = try await runner.query(
            """
            WITH RECURSIVE origin AS (
                SELECT * FROM alarm WHERE id = $1
            ), above (id, type) AS (
                SELECT originator_id, ($2::text[])[originator_type + 1] FROM origin
                UNION
                SELECT r.from_id, r.from_type::text FROM above, origin, relation r
                WHERE origin.propagate AND r.to_id = above.id AND r.to_type = above.type
                    AND r.relation_type_group = 'COMMON'
                    AND (origin.propagate_relation_types IS NULL
                        OR r.relation_type = ANY(string_to_array(origin.propagate_relation_types, ',')))
            ), shown (id, type) AS (
                (SELECT id, type FROM above LIMIT 10000)
                UNION SELECT tenant_id, 'TENANT' FROM origin WHERE propagate_to_tenant
                UNION SELECT coalesce(customer_id, tenant_id),
                    CASE WHEN customer_id IS NULL THEN 'TENANT' ELSE 'CUSTOMER' END FROM origin WHERE propagate_to_owner
            )
            INSERT INTO entity_alarm (tenant_id, entity_type, entity_id, created_time, alarm_type, customer_id, alarm_id)
            SELECT origin.tenant_id, shown.type, shown.id, origin.created_time, origin.type, origin.customer_id, origin.id
            FROM shown, origin ON CONFLICT DO NOTHING
            """, [.id(id), .textArray(EntityType.allCases.map(\.name))])
    }

    // MARK: - States

    /// - Returns: Whether it was not acknowledged before.
    public func acknowledge(_ id: AlarmID, tenant: TenantID, at time: Int64) async throws -> Bool {
        let changed = try await runner.query(
            "UPDATE alarm SET acknowledged = true, ack_ts = $3 WHERE id = $1 AND tenant_id = $2 AND NOT acknowledged",
            [.id(id), .id(tenant), .int8(time)])
        return try await announceIf(changed.affectedRows > 0, id, tenant)
    }

    /// - Parameter details: Replace the alarm's where given.
    /// - Returns: Whether it was active before.
    public func clear(
        _ id: AlarmID, tenant: TenantID, at time: Int64, details: RawJSON? = nil
    ) async throws -> Bool {
        let changed = try await runner.query(
            """
            UPDATE alarm SET cleared = true, clear_ts = $3, additional_info = coalesce($4, additional_info)
            WHERE id = $1 AND tenant_id = $2 AND NOT cleared
            """, [.id(id), .id(tenant), .int8(time), .json(text: details)])
        return try await announceIf(changed.affectedRows > 0, id, tenant)
    }

    /// - Parameter user: `nil` takes the alarm from whoever has it.
    /// - Returns: Whether that is another one than before.
    public func assign(_ id: AlarmID, tenant: TenantID, to user: UserID?, at time: Int64) async throws -> Bool {
        let changed = try await runner.query(
            """
            UPDATE alarm SET assignee_id = $3, assign_ts = $4
            WHERE id = $1 AND tenant_id = $2 AND assignee_id IS DISTINCT FROM $3::uuid
            """, [.id(id), .id(tenant), .id(user?.uuid), .int8(time)])
        return try await announceIf(changed.affectedRows > 0, id, tenant)
    }

    /// Deletes an alarm; a type that no alarm has any more is forgotten. In the caller's transaction.
    ///
    /// - Returns: Whether there was one.
    public func delete(_ id: AlarmID, tenant: TenantID) async throws -> Bool {
        let entities = try await showing(id)
        let deleted = try await runner.query(
            "DELETE FROM alarm WHERE id = $1 AND tenant_id = $2 RETURNING type", [.id(id), .id(tenant)])
        guard let type = deleted.first?.text(0) else { return false }
        announce(id, tenant: tenant, to: entities, isDeleted: true)
        _ = try await runner.query(
            """
            DELETE FROM alarm_types WHERE tenant_id = $1 AND type = $2
                AND NOT EXISTS (SELECT 1 FROM alarm WHERE tenant_id = $1 AND type = $2)
            """, [.id(tenant), .text(type)])
        return true
    }

    // MARK: - Telling

    /// Entities that show the alarm; none while nobody listens.
    private func showing(_ id: AlarmID) async throws -> [UUID128] {
        guard runner.isHeard else { return [] }
        return try await runner.query("SELECT entity_id FROM entity_alarm WHERE alarm_id = $1", [.id(id)])
            .compactMap { $0.id(0) }
    }

    private func announce(_ id: AlarmID, tenant: TenantID) async throws {
        announce(id, tenant: tenant, to: try await showing(id), isDeleted: false)
    }

    private func announceIf(_ isChanged: Bool, _ id: AlarmID, _ tenant: TenantID) async throws -> Bool {
        if isChanged { try await announce(id, tenant: tenant) }
        return isChanged
    }

    private func announce(_ id: AlarmID, tenant: TenantID, to entities: [UUID128], isDeleted: Bool) {
        for entity in entities {
            runner.announce {
                CommittedChange(
                    origin: SaveOrigin(tenant: tenant, entityType: nil), entity: entity,
                    content: .alarm(id, isDeleted: isDeleted))
            }
        }
    }
}
