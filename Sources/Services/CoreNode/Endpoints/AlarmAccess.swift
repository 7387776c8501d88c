internal import HTTPServer
internal import Model
internal import Storage

/// How endpoints find an alarm that the caller may use.
struct AlarmAccess: Sendable {
    let services: Services

    /// The alarm of the path's `alarmId`.
    func find(
        _ call: Call, _ principal: Principal, _ operation: Permissions.Operation
    ) async throws -> AlarmInfo {
        try await find(try call.id("alarmId"), principal, operation)
    }

    func find(
        _ id: AlarmID, _ principal: Principal, _ operation: Permissions.Operation
    ) async throws -> AlarmInfo {
        guard let found = try await AlarmRepository(services.database).find(id) else {
            throw APIError.notFound(.alarm, id.uuid)
        }
        try Permissions.require(
            principal, operation, .alarm,
            of: Permissions.Owner(tenant: found.alarm.tenantID, customer: found.alarm.customerID ?? .null))
        return found
    }
}
