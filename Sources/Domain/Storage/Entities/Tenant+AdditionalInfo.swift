public import JSON
public import Model
internal import Postgres

extension TenantRepository {
    /// Changes members of a tenant's `additionalInfo`. To be run in a transaction, in which nobody else changes it.
    ///
    /// - Returns: The tenant; `nil` when there is none.
    public func changeAdditionalInfo(
        of id: TenantID, _ change: (inout JSONObject) -> Void
    ) async throws -> Tenant? {
        let found = try await runner.query("SELECT additional_info FROM tenant WHERE id = $1 FOR UPDATE", [.id(id)])
        guard let row = found.first else { return nil }
        var info = row.document(0)?.value.objectValue ?? [:]
        change(&info)
        _ = try await runner.query(
            "UPDATE tenant SET additional_info = $2, version = coalesce(version, 0) + 1 WHERE id = $1",
            [.id(id), .text(JSONValue.object(info).serializedString)])
        return try await find(id)
    }
}
