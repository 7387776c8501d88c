public import Model
internal import Postgres

/// How bad an alarm is, the worst first.
public enum AlarmSeverity: String, Sendable, CaseIterable {
    case critical = "CRITICAL"
    case major = "MAJOR"
    case minor = "MINOR"
    case warning = "WARNING"
    case indeterminate = "INDETERMINATE"
}

/// Something that is wrong with an entity until somebody or something clears it (`rest-api.md` 3.4). Times are
/// milliseconds since 1970, 0 for what has not happened.
public struct Alarm: Sendable {
    public var id: AlarmID
    public var createdTime: Int64
    public var tenantID: TenantID
    /// The originator's customer.
    public var customerID: CustomerID?
    public var originator: EntityID
    public var type: String
    public var severity: AlarmSeverity
    public var startTime: Int64
    public var endTime: Int64
    public var isAcknowledged = false
    public var acknowledgeTime: Int64 = 0
    public var isCleared = false
    public var clearTime: Int64 = 0
    public var assigneeID: UserID?
    public var assignTime: Int64 = 0
    public var details: RawJSON?
    public var propagation = AlarmPropagation()

    public init(
        id: AlarmID, createdTime: Int64, tenantID: TenantID, originator: EntityID, type: String,
        severity: AlarmSeverity, startTime: Int64, endTime: Int64
    ) {
        self.id = id
        self.createdTime = createdTime
        self.tenantID = tenantID
        self.originator = originator
        self.type = type
        self.severity = severity
        self.startTime = startTime
        self.endTime = endTime
    }

    public var status: String {
        (isCleared ? "CLEARED_" : "ACTIVE_") + (isAcknowledged ? "ACK" : "UNACK")
    }

    static let columns = """
        a.id, a.created_time, a.tenant_id, a.customer_id, a.originator_id, a.originator_type, a.type, a.severity, \
        a.start_ts, a.end_ts, a.acknowledged, a.ack_ts, a.cleared, a.clear_ts, a.assignee_id, a.assign_ts, \
        a.additional_info, a.propagate, a.propagate_to_owner, a.propagate_to_tenant, a.propagate_relation_types
        """
    static let columnCount = 21

    init(_ row: PostgresRow, from first: Int = 0) {
        id = row.entity(first)
        createdTime = row.int8(first + 1) ?? 0
        tenantID = row.entity(first + 2)
        customerID = row.id(first + 3).flatMap { $0 == .null ? nil : CustomerID($0) }
        originator = EntityID(type: Self.type(number: row.int4(first + 5) ?? 0), uuid: row.id(first + 4) ?? .null)
        type = row.text(first + 6) ?? ""
        severity = AlarmSeverity(rawValue: row.text(first + 7) ?? "") ?? .indeterminate
        startTime = row.int8(first + 8) ?? 0
        endTime = row.int8(first + 9) ?? 0
        isAcknowledged = row.bool(first + 10) ?? false
        acknowledgeTime = row.int8(first + 11) ?? 0
        isCleared = row.bool(first + 12) ?? false
        clearTime = row.int8(first + 13) ?? 0
        assigneeID = row.id(first + 14).map { UserID($0) }
        assignTime = row.int8(first + 15) ?? 0
        details = row.document(first + 16)
        propagation = AlarmPropagation(
            isOn: row.bool(first + 17) ?? false, toOwner: row.bool(first + 18) ?? false,
            toTenant: row.bool(first + 19) ?? false,
            relationTypes: (row.text(first + 20) ?? "").split(separator: ",").map(String.init))
    }

    /// Column `originator_type`: the place of the type in the declaration (`persistence.md` 4.1).
    static func number(of type: EntityType) -> Int32 {
        Int32(EntityType.allCases.firstIndex(of: type) ?? 0)
    }

    static func type(number: Int32) -> EntityType {
        let all = EntityType.allCases
        return all.indices.contains(Int(number)) ? all[Int(number)] : .tenant
    }
}

/// Which other entities show an alarm.
public struct AlarmPropagation: Sendable, Equatable {
    /// Those that lead to the originator by relations.
    public var isOn: Bool
    public var toOwner: Bool
    public var toTenant: Bool
    /// Empty: relations of every type.
    public var relationTypes: [String]

    public init(isOn: Bool = false, toOwner: Bool = false, toTenant: Bool = false, relationTypes: [String] = []) {
        self.isOn = isOn
        self.toOwner = toOwner
        self.toTenant = toTenant
        self.relationTypes = relationTypes
    }
}

/// An alarm with the names of those who have to do with it.
public struct AlarmInfo: Sendable {
    public var alarm: Alarm
    public var originatorName: String
    public var originatorLabel: String
    public var assigneeFirstName: String?
    public var assigneeLastName: String?
    public var assigneeEmail: String?

    static let columns = """
        \(Alarm.columns), a.originator_name, a.originator_label, a.assignee_first_name, a.assignee_last_name, \
        a.assignee_email
        """
    static let columnCount = Alarm.columnCount + 5

    init(_ row: PostgresRow) { self.init(row, from: 0) }

    init(_ row: PostgresRow, from first: Int) {
        alarm = Alarm(row, from: first)
        let next = first + Alarm.columnCount
        originatorName = row.text(next) ?? ""
        originatorLabel = row.text(next + 1) ?? ""
        assigneeFirstName = row.text(next + 2)
        assigneeLastName = row.text(next + 3)
        assigneeEmail = row.text(next + 4)
    }
}
