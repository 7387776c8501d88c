internal import Crypto
internal import HTTPServer
internal import JSON
internal import Model
internal import Storage

/// Users (`rest-api.md` 4.1).
struct UserEndpoints: EndpointGroup {
    let services: Services

    /// How long an activation link works.
    private static let linkLifetime: Int64 = 24 * 3_600_000
    /// A link with less left is replaced when it is asked for.
    private static let linkReserve: Int64 = 15 * 60_000

    var endpoints: [Endpoint] {
        [
            Endpoint(.get, "/api/user/{userId}", roles: .everyone, read),
            Endpoint(.post, "/api/user", roles: .everyone, save),
            Endpoint(.delete, "/api/user/{userId}", roles: [.system, .tenant], delete),
            Endpoint(.get, "/api/user/{userId}/activationLink", roles: [.system, .tenant], activationLink),
            Endpoint(.post, "/api/user/{userId}/userCredentialsEnabled", roles: [.system, .tenant], setEnabled),
            Endpoint(.get, "/api/users", roles: [.tenant, .customer], list),
            Endpoint(.get, "/api/customer/{customerId}/users", roles: .tenant, listOfCustomer),
        ]
    }

    private func find(
        _ id: UserID, for principal: Principal, _ operation: Permissions.Operation
    ) async throws -> User {
        guard let user = try await services.users.find(id) else { throw APIError.notFound(.user, id.uuid) }
        try Permissions.require(principal, operation, .user, of: Permissions.Owner(user))
        return user
    }

    // MARK: - Reading

    @Sendable private func read(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        var user = try await find(try call.id("userId"), for: principal, .read)
        let credentials = try await services.users.credentials(user.id)
        var info = user.additionalInfo?.value.objectValue ?? [:]
        info["userCredentialsEnabled"] = .bool(credentials?.isEnabled ?? false)
        info["userActivated"] = .bool(credentials?.passwordHash != nil)
        info["lastLoginTs"] = credentials?.lastLogin.map { .integer($0) } ?? .null
        user.additionalInfo = RawJSON(.object(info))
        return .json(user)
    }

    @Sendable private func list(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let customer = principal.authority == .customerUser ? principal.customerID : nil
        return .json(
            try await services.users.page(tenant: principal.tenantID, customer: customer, try call.pageLink()))
    }

    @Sendable private func listOfCustomer(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let id: CustomerID = try call.id("customerId")
        return .json(try await services.users.page(tenant: principal.tenantID, customer: id, try call.pageLink()))
    }

    // MARK: - Saving

    @Sendable private func save(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let body = try call.object()
        if let id: UserID = try body.id("id") { return try await update(id, body, principal) }
        return try await create(call, body, principal)
    }

    private func create(_ call: Call, _ body: RequestObject, _ principal: Principal) async throws -> HTTPResponse {
        if principal.authority == .customerUser { throw APIError.permissionDenied }
        var user = try await checked(body, principal)
        user.id = UserID(.ordered())
        user.createdTime = call.now
        // Without a mail server nobody would get the link.
        if try call.boolean("sendActivationMail") ?? true {
            throw APIError(500, .general, "Couldn't send user activation email")
        }
        let created = user
        let token = SecureRandom.urlSafeToken(bytes: 30)
        do {
            try await services.database.inTransaction { transaction in
                let users = UserRepository(transaction)
                try await users.insert(created)
                try await users.insertCredentials(
                    created.id, activateToken: token, expiry: call.now + Self.linkLifetime, now: call.now)
            }
        } catch {
            throw emailError(error, created.email)
        }
        await services.actions.record(.added(ActionSubject(created)), by: principal)
        return .json(created)
    }

    private func update(_ id: UserID, _ body: RequestObject, _ principal: Principal) async throws -> HTTPResponse {
        let stored = try await find(id, for: principal, .write)
        var user = try await checked(body, principal)
        if user.authority != stored.authority { throw APIError.invalid("Can't update user authority!") }
        user.id = id
        user.createdTime = stored.createdTime
        user.tenantID = stored.tenantID
        user.customerID = stored.customerID
        let updated: User
        do {
            updated = try await services.users.update(user, replacing: try body.integer("version"))
        } catch {
            throw emailError(error, user.email)
        }
        await services.actions.record(.updated(ActionSubject(updated)), by: principal)
        return .json(updated)
    }

    /// The user that `body` describes, as far as it can be checked alone.
    private func checked(_ body: RequestObject, _ principal: Principal) async throws -> User {
        let sent = try body.storedText("email") ?? ""
        if !sent.contains(where: { !$0.isWhitespace }) { throw APIError.invalid("User email should be specified!") }
        let email = services.login.normalized(email: sent)
        if !Validation.isEmail(email) { throw APIError.invalid("Invalid email address format '\(email)'!") }
        guard let name = try body.text("authority") else { throw APIError.invalid("User authority isn't defined!") }
        guard let authority = Authority(rawValue: name) else {
            throw APIError.malformedBody("unknown authority '\(name)'")
        }
        let tenant = try await tenant(of: authority, body, principal)
        let user = User(
            id: .null, createdTime: 0, tenantID: tenant,
            customerID: try await customer(of: authority, tenant, body), email: email, authority: authority,
            firstName: try body.storedText("firstName"), lastName: try body.storedText("lastName"),
            phone: try body.storedText("phone"), additionalInfo: body.document("additionalInfo"))
        var validation = Validation()
        validation.text("firstName", user.firstName)
        validation.text("lastName", user.lastName)
        validation.text("phone", user.phone)
        try validation.check()
        return user
    }

    private func tenant(
        of authority: Authority, _ body: RequestObject, _ principal: Principal
    ) async throws -> TenantID {
        switch principal.authority {
        case .systemAdministrator:
            if authority == .systemAdministrator { return .system }
            if authority == .customerUser { throw APIError.permissionDenied }
            guard let tenant: TenantID = try body.id("tenantId"), try await services.tenants.find(tenant) != nil else {
                throw APIError.invalid("Tenant administrator should be assigned to tenant!")
            }
            return tenant
        case .tenantAdministrator, .customerUser:
            if authority == .systemAdministrator { throw APIError.permissionDenied }
            return principal.tenantID
        }
    }

    private func customer(
        of authority: Authority, _ tenant: TenantID, _ body: RequestObject
    ) async throws -> CustomerID {
        let given: CustomerID? = try body.id("customerId")
        let id = given.flatMap { $0.isNull ? nil : $0 }
        guard authority == .customerUser else {
            if id != nil { throw APIError.invalid("Tenant administrator can't be assigned to customer!") }
            return .null
        }
        guard let id else { throw APIError.invalid("Customer user should be assigned to customer!") }
        guard let customer = try await services.customers.find(id) else {
            throw APIError.invalid("User is referencing to non-existent customer!")
        }
        if customer.tenantID != tenant {
            throw APIError.invalid("User can't be assigned to customer from different tenant!")
        }
        return id
    }

    private func emailError(_ error: any Error, _ email: String) -> any Error {
        guard case .invalid(let message)? = (error as? EntityError) ?? StorageFailure.violation(error),
            message.contains("email")
        else { return error }
        return APIError.invalid("User with email '\(email)' already present in database!")
    }

    // MARK: - Credentials

    /// The text is the link alone: clients cut it after `activateToken=`.
    @Sendable private func activationLink(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let user = try await find(try call.id("userId"), for: principal, .read)
        guard let credentials = try await services.users.credentials(user.id), credentials.passwordHash == nil else {
            throw APIError.invalid("User is already activated!")
        }
        var token = credentials.activateToken ?? ""
        let expiry = credentials.activateTokenExpiry ?? 0
        if token.isEmpty || expiry < call.now + Self.linkReserve {
            token = SecureRandom.urlSafeToken(bytes: 30)
            try await services.users.renewActivateToken(user.id, token: token, expiry: call.now + Self.linkLifetime)
        }
        let link = "\(call.baseURL)/api/noauth/activate?activateToken=\(token)"
        return HTTPResponse(status: 200, fields: [("Content-Type", "text/plain;charset=UTF-8")], body: Array(link.utf8))
    }

    @Sendable private func setEnabled(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let user = try await find(try call.id("userId"), for: principal, .write)
        let isEnabled = try call.boolean("userCredentialsEnabled") ?? true
        try await services.users.setEnabled(user.id, isEnabled)
        if !isEnabled { services.revocations.revokeAll(of: user.id, now: call.now + 1000) }
        await services.actions.record(
            .onlyID(isEnabled ? .activated : .suspended, ActionSubject(user)), by: principal)
        return .empty(200)
    }

    // MARK: - Deleting

    @Sendable private func delete(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let user = try await find(try call.id("userId"), for: principal, .delete)
        if user.authority == .systemAdministrator, user.id == principal.userID {
            throw APIError.invalid("Sysadmin is not allowed to delete himself")
        }
        if user.authority == .tenantAdministrator,
            try await services.users.countAdministrators(tenant: user.tenantID) <= 1
        {
            throw APIError.invalid("At least one tenant administrator must remain!")
        }
        try await services.database.inTransaction { transaction in
            _ = try await UserRepository(transaction).delete(user.id, tenant: user.tenantID)
        }
        services.revocations.revokeAll(of: user.id, now: call.now + 1000)
        await services.actions.record(.deleted(ActionSubject(user)), by: principal)
        return .empty(200)
    }
}

extension Permissions.Owner {
    init(_ user: User) {
        self.init(tenant: user.tenantID, customer: user.customerID, authority: user.authority, user: user.id)
    }
}
