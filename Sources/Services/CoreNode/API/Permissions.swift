internal import Model
internal import Storage

/// Who may do what with whose entities (`rest-api.md` 1.13). Whether an endpoint is open to a role at all is said in
/// the table of endpoints; this is the check of the entity.
enum Permissions {
    enum Operation: Sendable, CaseIterable {
        case read, write, create, delete, readCredentials, writeCredentials
        case readAttributes, writeAttributes, readTelemetry, writeTelemetry, assignToCustomer
        case rpcCall, claimDevices

        /// What a customer may do with a device, asset or entity view of its own.
        fileprivate var isOpenToOwningCustomer: Bool {
            switch self {
            case .read, .write, .readCredentials, .readAttributes, .writeAttributes, .readTelemetry, .writeTelemetry,
                .rpcCall, .claimDevices:
                true
            case .create, .delete, .writeCredentials, .assignToCustomer: false
            }
        }

        /// What only looks.
        fileprivate var isReading: Bool {
            switch self {
            case .read, .readAttributes, .readTelemetry: true
            case .readCredentials, .write, .create, .delete, .writeCredentials, .writeAttributes, .writeTelemetry,
                .assignToCustomer, .rpcCall, .claimDevices:
                false
            }
        }
    }

    /// Whose an entity is.
    struct Owner: Sendable {
        var tenant: TenantID
        /// The null id when it belongs to no customer.
        var customer: CustomerID = .null
        /// Of a user: what it is.
        var authority: Authority?
        /// Of a user: its id.
        var user: UserID?
        /// Of a dashboard: whether it is assigned to the caller's customer.
        var isAssigned = false
    }

    static func allows(_ principal: Principal, _ operation: Operation, _ type: EntityType, of owner: Owner) -> Bool {
        switch principal.authority {
        case .systemAdministrator: system(operation, type, owner)
        case .tenantAdministrator: owner.tenant == principal.tenantID && tenant(operation, type, owner)
        case .customerUser: owner.tenant == principal.tenantID && customer(principal, operation, type, owner)
        }
    }

    static func require(
        _ principal: Principal, _ operation: Operation, _ type: EntityType, of owner: Owner
    ) throws(APIError) {
        guard allows(principal, operation, type, of: owner) else { throw .permissionDenied }
    }

    private static func system(_ operation: Operation, _ type: EntityType, _ owner: Owner) -> Bool {
        switch type {
        case .tenant, .tenantProfile, .adminSettings, .domain, .oauth2Client, .apiKey: true
        case .user: owner.authority != .customerUser
        // There are no dashboards but those of tenants.
        case .dashboard: operation == .read
        case .ruleChain, .widgetsBundle, .widgetType, .tbResource, .queue: owner.tenant == .system
        default: false
        }
    }

    private static func tenant(_ operation: Operation, _ type: EntityType, _ owner: Owner) -> Bool {
        switch type {
        case .tenant: operation.isReading || operation == .delete
        case .tenantProfile, .adminSettings, .domain: false
        case .user: owner.authority != .systemAdministrator
        case .apiUsageState: operation == .readTelemetry
        case .queueStats: operation == .readTelemetry || operation == .read
        default: true
        }
    }

    private static func customer(
        _ principal: Principal, _ operation: Operation, _ type: EntityType, _ owner: Owner
    ) -> Bool {
        let isOwn = !principal.customerID.isNull && owner.customer == principal.customerID
        switch type {
        case .device, .asset, .entityView, .edge: return isOwn && operation.isOpenToOwningCustomer
        case .alarm: return isOwn
        case .customer: return isOwn && operation.isReading
        case .user:
            return owner.user == principal.userID && operation != .create && operation != .delete
                || isOwn && operation.isReading
        case .dashboard: return owner.isAssigned && operation.isReading
        case .deviceProfile, .assetProfile, .widgetsBundle, .widgetType, .rpc: return operation == .read
        default: return false
        }
    }
}
