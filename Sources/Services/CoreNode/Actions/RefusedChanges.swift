internal import HTTPServer
internal import JSON
internal import Model
internal import Storage

/// Changes that were tried and refused, as the audit log keeps them (`rest-api.md` 4.17): status `FAILURE` with the reason.
///
/// Who may not do something, and what is not there, is found out before anything is tried; that is no record.
enum RefusedChanges {
    /// By pattern: what POST saves.
    static let saved: [String: EntityType] = [
        "/api/device": .device, "/api/device-with-credentials": .device, "/api/asset": .asset,
        "/api/customer": .customer,
        "/api/entityView": .entityView, "/api/dashboard": .dashboard, "/api/deviceProfile": .deviceProfile,
        "/api/assetProfile": .assetProfile, "/api/user": .user, "/api/ruleChain": .ruleChain, "/api/alarm": .alarm,
        "/api/otaPackage": .otaPackage, "/api/resource": .tbResource, "/api/tenantProfile": .tenantProfile,
        "/api/tenant": .tenant,
    ]

    /// By pattern: what DELETE deletes; the id is the pattern's variable.
    static let deleted: [String: EntityType] = [
        "/api/device/{deviceId}": .device, "/api/asset/{assetId}": .asset, "/api/customer/{customerId}": .customer,
        "/api/entityView/{entityViewId}": .entityView, "/api/dashboard/{dashboardId}": .dashboard,
        "/api/deviceProfile/{id}": .deviceProfile, "/api/assetProfile/{assetProfileId}": .assetProfile,
        "/api/user/{userId}": .user, "/api/ruleChain/{ruleChainId}": .ruleChain,
        "/api/otaPackage/{otaPackageId}": .otaPackage, "/api/resource/{resourceId}": .tbResource,
    ]

    private static let codes: Set<APIError.Code> = [.badRequest, .versionConflict, .entitiesLimitExceeded, .database]

    /// What was tried; `nil` where it is not kept.
    static func action(
        _ endpoint: Endpoint, _ call: Call, _ principal: Principal, _ error: any Error
    ) -> EntityAction? {
        guard let known = APIError(error), codes.contains(known.code), !known.isEarly else { return nil }
        if endpoint.method == .post, let type = saved[endpoint.pattern] { return saving(type, call, principal) }
        guard endpoint.method == .delete, let type = deleted[endpoint.pattern] else { return nil }
        let name = endpoint.pattern.split(separator: "{").last.map { String($0.dropLast()) } ?? ""
        guard let id = call.path.value(name).flatMap({ UUID128($0) }) else { return nil }
        return .deleted(ActionSubject(tenant: principal.tenantID, entity: EntityID(type: type, uuid: id)))
    }

    private static func saving(_ type: EntityType, _ call: Call, _ principal: Principal) -> EntityAction? {
        guard let body = (try? JSONValue.parse(call.request.body))?.objectValue else { return nil }
        var entity = body["device"]?.objectValue ?? body
        // Contents are no part of a description, and may be large.
        if type == .tbResource { entity.removeValue(forKey: "data") }
        let id = (entity["id"]?["id"]?.stringValue).flatMap { UUID128($0) }
        var subject = ActionSubject(
            tenant: principal.tenantID, entity: EntityID(type: type, uuid: id ?? TenantID.null.uuid),
            customer: principal.customerID)
        subject.name = ["name", "title", "email"].lazy.compactMap { entity[$0]?.stringValue }.first ?? ""
        return EntityAction(
            type: id == nil ? .added : .updated, subject: subject, audited: ["entity": .object(entity)])
    }
}
